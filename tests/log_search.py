"""Searches the logs of a test stack for what no log may hold: the people who were in its database,
and words that the tests put into names, mails and reasons.

Every stack of a test run is searched when it ends, so whatever any test did has been done by then.
"""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

from stack.config import StackConfig

ADDRESS = re.compile(rb"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.(?:example|test|dev)\b")
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
    words = {str(word) for (word,) in rows if word and len(word) >= SHORTEST}
    return {word.lower().encode() for word in words - NOBODYS}


def personal_lines(logs: Path, words: set[bytes]) -> list[str]:
    """Which log holds what it must not: the file, the number of the line, and what is in it."""
    found = []
    for log in sorted(logs.iterdir()):
        for number, line in enumerate(log.read_bytes().splitlines(), 1):
            lower = line.lower()
            held = [word for word in (*CANARIES, *words) if word in lower]
            held += [match.group() for match in ADDRESS.finditer(line)]
            if held:
                found.append(f"{log.name}:{number}: {held[0].decode(errors='replace')[:40]}")
    return found
