"""A development stand-in for Supabase Realtime that unmodified supabase-js and supabase-py accept.

Channels with broadcast, presence and postgres_changes over a websocket, broadcasts over HTTP, and
broadcasts from the database. Whatever comes from the database is read from its write-ahead log, so
nothing is announced that was not committed. For this machine only: one project, one process.
"""
