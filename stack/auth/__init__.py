"""A stand-in for Supabase Auth: accounts, sessions and log-in mail for stock Supabase clients.

It speaks the HTTP API of the real server over the tables of the schema `auth`, as far as a clinic
needs it: passwords, codes and links by e-mail, PKCE, TOTP factors, the admin API and the hooks for
mail and token claims. Phone, OAuth, SSO, passkeys and web3 answer that they are disabled. Reading
order: `app.py` names every path, `sign_in.py` and `sessions.py` are the heart.
"""
