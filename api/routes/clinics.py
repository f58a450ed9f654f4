"""Opening a clinic, and the settings of one that need more than a column's check."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field

from api.flows import FlowRequest, asks_for, asks_for_no_clinic, flow_responses
from appoint.texts import OneLine

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/v1/clinics", tags=["clinics"])

Slug = Annotated[
    str,
    Field(
        min_length=3,
        max_length=60,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="The clinic's part of a web address.",
        examples=["harbour-clinic"],
    ),
]
Name = Annotated[OneLine, Field(min_length=1, max_length=200, examples=["Harbour Clinic"])]
TimeZone = Annotated[
    OneLine, Field(min_length=1, max_length=60, description="IANA.", examples=["Europe/Vienna"])
]


class FirstLocation(BaseModel):
    """Where the clinic is; more locations are added afterwards."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Annotated[OneLine, Field(min_length=1, max_length=200, examples=["Pier 4"])]
    address: Annotated[OneLine, Field(max_length=500)] | None = None


class NewClinic(BaseModel):
    """A clinic and its first location, which starts with the clinic's time zone."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Name
    slug: Slug
    time_zone: TimeZone
    locale: (
        Annotated[
            OneLine,
            Field(
                max_length=35,
                description="Language of mails to staff and new patients. Left out: English.",
                examples=["fr"],
            ),
        ]
        | None
    ) = None
    location: FirstLocation


class ClinicChanges(BaseModel):
    """What to change; what is not given stays."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Name | None = None
    slug: Slug | None = None
    time_zone: TimeZone | None = None
    books_publicly: bool | None = Field(
        default=None,
        description="Visitors see free times. Needs a provider with hours and a service.",
    )
    staff_needs_second_factor: bool | None = Field(
        default=None,
        description="Staff must log in with a second factor. Needs one of the caller.",
    )


class Clinic(BaseModel):
    """A clinic's settings."""

    id: UUID
    slug: str
    name: str
    time_zone: str
    locale: str
    books_publicly: bool
    staff_needs_second_factor: bool
    created_at: datetime


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Open a clinic and become its owner",
    responses=flow_responses(),
)
async def open_clinic(
    new: NewClinic, asked: Annotated[FlowRequest, asks_for_no_clinic("onboard_clinic")]
) -> Clinic:
    """Needs a confirmed e-mail address. The same clinic again by the same person is answered with
    the clinic that is there; a slug of somebody else's clinic is refused."""
    parameters: dict[str, Any] = {
        "name": new.name,
        "slug": new.slug,
        "time_zone": new.time_zone,
        "location_name": new.location.name,
        "location_address": new.location.address,
    }
    if new.locale:
        parameters["locale"] = new.locale

    async def act() -> Clinic:
        answer = await asked.person.client.rpc("create_clinic", parameters).execute()
        clinic = Clinic.model_validate(answer.data)
        logger.info("clinic_opened", extra={"clinic_id": clinic.id})
        return clinic

    return await asked.once(Clinic, act)


@router.patch("/{clinic_id}", summary="Change a clinic's settings", responses=flow_responses())
async def change_clinic(
    clinic_id: UUID,
    changes: ClinicChanges,
    asked: Annotated[FlowRequest, asks_for("change_clinic")],
) -> Clinic:
    """Owners and managers."""
    parameters = {"clinic_id": str(clinic_id), **changes.model_dump(exclude_none=True)}

    async def act() -> Clinic:
        answer = await asked.person.client.rpc("change_clinic", parameters).execute()
        logger.info("clinic_changed", extra={"clinic_id": clinic_id})
        return Clinic.model_validate(answer.data)

    return await asked.once(Clinic, act)
