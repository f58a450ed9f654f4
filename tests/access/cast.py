"""The kinds of people the proof is made for, each with a place in one clinic and a token."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt

from stack.config import StackConfig
from tests import people
from tests.access.world import World
from tests.people import Connection

ROLES = ("owner", "manager", "front_desk", "provider")


@dataclass(frozen=True)
class Person:
    """Somebody who asks. `home` is the clinic they are tried in, `away` the one next door."""

    name: str
    title: str
    role: str
    home: World
    away: World
    user: UUID | None = None
    email: str | None = None
    aal: str = "aal1"
    # Whether the clinic next door is theirs, so that seeing it is no crossing.
    belongs_away: bool = False

    @property
    def claims(self) -> dict[str, Any]:
        """What their token says, as Auth writes it."""
        if self.user is None:
            return {"role": self.role}
        return {
            "sub": str(self.user), "role": self.role, "aud": "authenticated", "email": self.email,
            "aal": self.aal, "is_anonymous": False,
        }  # fmt: skip


def token(stack: StackConfig, claims: dict[str, Any], **more: Any) -> str:
    """A token with these claims, signed as Auth signs, good for an hour unless told otherwise."""
    now = int(time.time())
    whole = {"iss": stack.jwt_issuer, "iat": now, "exp": now + 3600} | claims | more
    key = jwt.PyJWK(stack.keys.signing_jwk)
    return jwt.encode(whole, key.key, algorithm="ES256", headers={"kid": key.key_id})


def invite(connection: Connection, home: World, away: World, strict: World) -> list[Person]:
    """Everybody. `strict` is a clinic that wants a second factor of its staff."""

    def person(name: str, title: str, user: UUID | None, **more: Any) -> Person:
        email = None
        if user is not None:
            row = connection.execute("select email from auth.users where id = %s", [user])
            email = (row.fetchone() or [None])[0]
        role = more.pop("role", "authenticated" if user else "anon")
        clinics = {"home": home, "away": away} | more
        return Person(name, title, role, user=user, email=email, **clinics)

    invited = people.make_user(connection)
    connection.execute(
        "update auth.users set email = %s where id = %s", [home.ids["invited_email"], invited]
    )
    guardian = people.make_guardian(connection, home.clinic, home.patient)
    now = datetime.now(UTC)
    former = people.make_guardian(
        connection, home.clinic, home.patient,
        starts_at=now - timedelta(days=9), ends_at=now - timedelta(days=1),
    )  # fmt: skip
    members = {role: people.make_member(connection, home.clinic, role) for role in ROLES}
    home.ids["member_id"] = _member(connection, home, members["front_desk"])
    # An invitation is worth what whoever sent it may.
    connection.execute(
        "update public.staff_invitations set invited_by = %s where id = %s",
        [members["owner"], home.ids["staff_invitation_id"]],
    )
    _is_provider(connection, home, members["provider"])
    suspended = people.make_member(connection, home.clinic, "owner")
    connection.execute("update public.members set active = false where user_id = %s", [suspended])
    neighbour = people.make_member(connection, away.clinic, "owner")
    colleague = people.make_member(connection, away.clinic, "front_desk")
    away.ids["member_id"] = _member(connection, away, colleague)
    one_factor = people.make_member(connection, strict.clinic, "owner")
    two_factors = people.make_member(connection, strict.clinic, "owner")
    strict.ids["member_id"] = _member(connection, strict, one_factor)
    return [
        person("visitor", "visitor without account", None),
        person("stranger", "signed in, invited to be a provider and a guardian", invited),
        person("patient", "patient", home.user),
        person("guardian", "guardian of the patient", guardian),
        person("former_guardian", "guardian until yesterday", former),
        person("away_patient", "patient of the other clinic", away.user, belongs_away=True),
        *(person(role, f"member: {role}", members[role]) for role in ROLES),
        person("suspended", "owner, suspended", suspended),
        person("away_owner", "owner of the other clinic", neighbour, belongs_away=True),
        person("one_factor", "owner without the second factor the clinic wants", one_factor,
               home=strict),
        person("two_factors", "the same with it", two_factors, home=strict, aal="aal2"),
        person("worker", "service key", None, role="service_role", belongs_away=True),
    ]  # fmt: skip


def _member(connection: Connection, world: World, user: UUID) -> UUID:
    row = connection.execute(
        "select id from public.members where clinic_id = %s and user_id = %s", [world.clinic, user]
    ).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


def _is_provider(connection: Connection, world: World, user: UUID) -> None:
    connection.execute(
        "update public.providers set user_id = %s where id = %s", [user, world.provider]
    )
