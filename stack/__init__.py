"""The local Supabase: real PostgreSQL, PostgREST, Deno and CLI, with small stand-ins around them.

One file per service. The stand-ins for Auth, Realtime, the gateway and Resend exist because no
package of those servers can be installed here; they serve development and tests on loopback only.
"""
