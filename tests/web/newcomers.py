"""For pictures: somebody whom the demo clinic invites, and an owner who needs a second factor."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from stack.config import StackConfig
from stack.seed import DEMO_CLINIC_ID
from tests.people import insert, make_member
from tests.web.staffed import new_session

GUARDED_CLINIC = UUID("10000000-0000-4000-8000-0000000000f2")


async def write_newcomers(stack: StackConfig) -> dict[str, dict[str, Any]]:
    """Their sessions."""
    invited = await new_session(stack, "saskia.bloom@mail.example")
    guarded = await new_session(stack, "henrik.dahl@mail.example")
    with psycopg.connect(stack.db_url()) as connection:
        insert(
            connection,
            "public.staff_invitations",
            clinic_id=DEMO_CLINIC_ID,
            email="saskia.bloom@mail.example",
            role="provider",
            invited_by=UUID("00000000-0000-4000-8000-000000000001"),
        )
        insert(
            connection,
            "public.clinics",
            id=GUARDED_CLINIC,
            slug="hillcrest-practice",
            name="Hillcrest Practice",
            time_zone="Europe/Amsterdam",
            staff_needs_second_factor=True,
        )
        make_member(connection, GUARDED_CLINIC, "owner", UUID(guarded["user"]["id"]))
    return {"invited": invited, "guarded": guarded}
