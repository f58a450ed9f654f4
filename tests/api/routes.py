"""Every route that is somebody's, how to ask for it properly, and who may."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.api.accounts import StaffedClinic

MEMBERS = {"owner", "manager", "front_desk", "provider"}
OFFICE = {"owner", "manager"}
NOBODY = "00000000-0000-4000-8000-00000000dead"

Body = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Route:
    """`path` is the pattern of the OpenAPI document. Without `clinic_id` in it, everybody may."""

    method: str
    path: str
    may: set[str] = field(default_factory=lambda: set(OFFICE))
    body: Body | None = None
    # What a caller who may gets when the ids in the path are made up.
    otherwise: int = 404
    content_type: str | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_of_a_clinic(self) -> bool:
        return "{clinic_id}" in self.path

    def url(self, clinic_id: str, **ids: str) -> str:
        """The address; ids that are not given are those of nobody."""
        known = {"member_id": NOBODY, "patient_id": NOBODY, "job_id": NOBODY}
        known |= {"invitation_id": NOBODY, "clinic_id": clinic_id} | ids
        return self.path.format(**known)


CLINIC = "/v1/clinics/{clinic_id}"
MEMBER = f"{CLINIC}/members/{{member_id}}"
ROUTES = (
    Route(
        "POST",
        "/v1/clinics",
        body=lambda: {
            "name": "Somewhere",
            "slug": f"c-{uuid.uuid4().hex[:12]}",
            "time_zone": "Europe/Vienna",
            "location": {"name": "Main"},
        },
        otherwise=201,
    ),
    Route("PATCH", CLINIC, body=lambda: {"name": "Walls"}, otherwise=200),
    Route(
        "POST",
        f"{CLINIC}/staff-invitations",
        body=lambda: {"email": f"{uuid.uuid4().hex}@example.org", "role": "provider"},
        otherwise=201,
    ),
    Route("POST", f"{CLINIC}/staff-invitations/{{invitation_id}}/resend"),
    Route("PATCH", MEMBER, body=lambda: {"active": True}),
    Route("DELETE", MEMBER, may=MEMBERS),
    Route("POST", f"{MEMBER}/second-factor-reset"),
    Route(
        "POST",
        f"{CLINIC}/imports",
        otherwise=422,
        content_type="text/csv",
    ),
    Route("GET", f"{CLINIC}/imports/{{job_id}}"),
    Route("GET", f"{CLINIC}/imports/{{job_id}}/rejects.csv"),
    Route("GET", f"{CLINIC}/patients/{{patient_id}}/export"),
    Route("POST", f"{CLINIC}/patients/{{patient_id}}/erasure", body=lambda: {"confirm": "erase"}),
    Route("GET", "/v1/me/export", otherwise=200),
    Route("POST", "/v1/me/erasure", body=lambda: {"confirm": "erasure"}, otherwise=422),
)
OF_A_CLINIC = [route for route in ROUTES if route.is_of_a_clinic]


def proper(route: Route, staffed: StaffedClinic | None = None) -> dict[str, Any]:
    """The arguments of a request with a body that fits."""
    arguments: dict[str, Any] = {}
    if route.body:
        arguments["json"] = route.body()
    if route.content_type:
        arguments["headers"] = {"Content-Type": route.content_type}
    return arguments
