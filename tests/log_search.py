"""Searches the logs of a test stack for what no log may hold: the people who were in its database,
and words that the tests put into names, mails and reasons.

Every stack of a test run is searched when it ends, so whatever any test did has been done by then.
"""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

from stack.config import StackConfig

# From the sign on: logs may be long, and a pattern that begins with anything would be slow.
# The domains that follow are nobody's: the texts of the hostile requests, which PostgreSQL's log
# repeats where they stand for an id or a number.
ADDRESS = re.compile(rb"@(?!(?:nowhere\.invalid|x\.yz)\b)(?:[a-z0-9-]+\.)+[a-z]{2,}\b")
# In names, reasons and texts of many tests; matched without regard to case.
CANARIES = (b"canary", b"perpetua", b"pat example", b"pat test")
# Shorter ones stand in harmless lines too.
SHORTEST = 6
PERSONAL = """
    select full_name from public.patients
    union select email from public.patients
    union select phone from public.patients
    union select email from auth.users
    union select reason from public.appointment_reasons
    union select email from public.staff_invitations
    union select email from public.guardian_invitations
"""
# Names of clinics' own programs and test doubles that are nobody's.
NOBODYS = {"Erased"}


def personal_words(config: StackConfig) -> set[bytes]:
    """What the stack's database knows of people at this moment; nothing if it does not run."""
    try:
        with psycopg.connect(config.db_url(), connect_timeout=2) as connection:
            rows = connection.execute(PERSONAL).fetchall()
    except psycopg.Error:
        return set()
    words = {str(word) for (word,) in rows if word and len(word) >= SHORTEST} - NOBODYS
    # Addresses are found by their form.
    return {w for w in (word.lower().encode() for word in words) if not ADDRESS.search(w)}


def personal_lines(logs: Path, words: set[bytes]) -> list[str]:
    """Where a log holds what it must not, each word once: file, line, and what stands there."""
    found = []
    for log in sorted(logs.iterdir()):
        content = log.read_bytes().lower()
        places = [content.find(word) for word in (*CANARIES, *words)]
        places += [match.start() for match in ADDRESS.finditer(content)]
        for place in sorted(place for place in places if place >= 0):
            line = content.count(b"\n", 0, place) + 1
            shown = content[place : place + 40].split(b"\n")[0].decode(errors="replace")
            found.append(f"{log.name}:{line}: {shown}")
    return found
