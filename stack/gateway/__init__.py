"""The API gateway stand-in: one address in front of Auth, PostgREST, Realtime and functions."""
