"""The mailbox's memory: one SQLite file that survives being killed at any instant.

A mail, the answer that belongs to its idempotency key and the events that will be reported about it
are written in one transaction, so an accepted mail is never lost and never accepted twice.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stack.mailbox.mails import bare_address

KEYS_LAST = timedelta(hours=24)
DELIVERY_TAKES = timedelta(milliseconds=200)
SCHEMA = """
create table if not exists mails (
  seq integer primary key, id text not null unique, created_at text not null,
  idempotency_key text, last_event text not null, scheduled_at text, content text not null
);
create table if not exists recipients (
  address text not null, mail_seq integer not null, primary key (address, mail_seq)
) without rowid;
create table if not exists answers (
  idempotency_key text primary key, fingerprint text not null, answer text not null,
  created_at text not null
);
create table if not exists events (
  seq integer primary key, id text not null unique, mail_id text not null, type text not null,
  happens_at text not null, due_at text not null, attempts integer not null default 0
);
create index if not exists events_by_due on events (due_at, seq);
"""


@dataclass(frozen=True)
class Event:
    """Something that happens to a mail and is to be reported."""

    seq: int
    id: str
    mail_id: str
    type: str
    happens_at: str
    due_at: str
    attempts: int


def now() -> str:
    """This instant in UTC, in a form that sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _after(instant: str, wait: timedelta) -> str:
    return (datetime.fromisoformat(instant) + wait).isoformat(timespec="microseconds")


def _fate(mail: dict[str, Any]) -> list[str]:
    """What becomes of a mail: its addressees' names decide, as with Resend's test addresses."""
    fates = ["email.sent"]
    addresses = [bare_address(address) for address in mail["to"]]
    names = {a.partition("@")[0].partition("+")[0] for a in addresses if a.endswith("@resend.dev")}
    if "bounced" in names or any(a.endswith("@bounce.example") for a in addresses):
        return [*fates, "email.bounced"]
    for name in ("suppressed", "failed"):
        if name in names:
            return [*fates, f"email.{name}"]
    return [*fates, "email.delivered", *(["email.complained"] if "complained" in names else [])]


class Store:
    """All mails, and what is still to be reported about them."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode = wal")
        # Either survives a killed process; only `full` a power cut.
        self._db.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    def answer_for(self, key: str) -> tuple[str, Any] | None:
        """The fingerprint and the answer of a request made with this key in the last 24 hours."""
        row = self._db.execute(
            "select fingerprint, answer from answers where idempotency_key = ? and created_at > ?",
            (key, _after(now(), -KEYS_LAST)),
        ).fetchone()
        return (row["fingerprint"], json.loads(row["answer"])) if row else None

    def accept(
        self, mails: Iterable[dict[str, Any]], key: str | None, fingerprint: str, *, batch: bool
    ) -> Any:
        """Keep these mails and return the answer that says so, all or nothing."""
        with self._db:
            self._db.execute("begin immediate")
            ids = [{"id": self._insert(mail, key)} for mail in mails]
            answer = {"data": ids} if batch else ids[0]
            if key is not None:
                self._db.execute(
                    "insert or replace into answers values (?, ?, ?, ?)",
                    (key, fingerprint, json.dumps(answer), now()),
                )
        return answer

    def _insert(self, mail: dict[str, Any], key: str | None) -> str:
        mail_id, created_at = str(uuid.uuid4()), now()
        due_at = max(mail["scheduled_at"] or created_at, created_at)
        last_event = "scheduled" if due_at > created_at else "queued"
        seq = self._db.execute(
            "insert into mails (id, created_at, idempotency_key, last_event, scheduled_at, content)"
            " values (?, ?, ?, ?, ?, ?)",
            (mail_id, created_at, key, last_event, mail["scheduled_at"], json.dumps(mail)),
        ).lastrowid
        addresses = {bare_address(a) for field in ("to", "cc", "bcc") for a in mail[field]}
        self._db.executemany(
            "insert into recipients values (?, ?)", [(address, seq) for address in addresses]
        )
        for position, event in enumerate(_fate(mail)):
            at = _after(due_at, position * DELIVERY_TAKES)
            self._db.execute(
                "insert into events (id, mail_id, type, happens_at, due_at) values (?, ?, ?, ?, ?)",
                (f"msg_{uuid.uuid4().hex}", mail_id, event, at, at),
            )
        return mail_id

    def mail(self, mail_id: str) -> dict[str, Any] | None:
        """One mail, or None."""
        row = self._db.execute("select * from mails where id = ?", (mail_id,)).fetchone()
        return _as_mail(row) if row else None

    def mails(self, limit: int, *, before: str | None = None) -> list[dict[str, Any]]:
        """The newest mails, scheduled ones included; `before` names the mail to go on from."""
        rows = self._db.execute(
            "select * from mails where ? is null or seq < (select seq from mails where id = ?)"
            " order by seq desc limit ?",
            (before, before, limit),
        )
        return [_as_mail(row) for row in rows]

    def inbox(self, address: str | None, limit: int) -> list[dict[str, Any]]:
        """What was sent, newest first: to one address, or to anybody."""
        rows = self._db.execute(
            "select * from mails where last_event not in ('scheduled', 'canceled')"
            " and (?1 is null or seq in (select mail_seq from recipients where address = ?1))"
            " order by seq desc limit ?2",
            (bare_address(address) if address else None, limit),
        )
        return [_as_mail(row) for row in rows]

    def clear(self) -> None:
        """Forget everything."""
        with self._db:
            self._db.execute("begin immediate")
            for table in ("mails", "recipients", "answers", "events"):
                self._db.execute(f"delete from {table}")  # noqa: S608 - our own names

    def reschedule(self, mail_id: str, scheduled_at: str | None) -> bool:
        """Move a scheduled mail, or cancel it (None). False if it is not waiting any more."""
        with self._db:
            self._db.execute("begin immediate")
            changed = self._db.execute(
                "update mails set scheduled_at = ?, last_event = ?"
                " where id = ? and last_event = 'scheduled'",
                (scheduled_at, "scheduled" if scheduled_at else "canceled", mail_id),
            ).rowcount
            if changed and scheduled_at:
                self._db.execute(
                    "update events set happens_at = ?1, due_at = ?1 where mail_id = ?2",
                    (scheduled_at, mail_id),
                )
            elif changed:
                self._db.execute("delete from events where mail_id = ?", (mail_id,))
        return changed == 1

    def next_event(self) -> Event | None:
        """What is to be reported next, perhaps only later."""
        row = self._db.execute("select * from events order by due_at, seq limit 1").fetchone()
        return Event(**dict(row)) if row else None

    def record(self, event: Event) -> None:
        """Let the event happen to its mail."""
        self._db.execute(
            "update mails set last_event = ? where id = ?",
            (event.type.removeprefix("email."), event.mail_id),
        )

    def finish(self, event: Event) -> None:
        """The event was reported, or never will be."""
        self._db.execute("delete from events where seq = ?", (event.seq,))

    def postpone(self, event: Event, wait: timedelta) -> None:
        """Report the event again after `wait`."""
        self._db.execute(
            "update events set attempts = attempts + 1, due_at = ? where seq = ?",
            (_after(now(), wait), event.seq),
        )


def _as_mail(row: sqlite3.Row) -> dict[str, Any]:
    mail: dict[str, Any] = json.loads(row["content"])
    stored = ("id", "created_at", "idempotency_key", "last_event", "scheduled_at")
    return mail | {name: row[name] for name in stored}
