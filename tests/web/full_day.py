"""A full day of the demo clinic and people on its waiting list, for pictures to show."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta

import psycopg

from stack.config import StackConfig
from stack.seed import DEMO_CLINIC_ID

_IN_A_WEEK = datetime.now(UTC).date() + timedelta(days=7)
# A Tuesday: everybody works then.
FULL_DAY = _IN_A_WEEK + timedelta(days=(1 - _IN_A_WEEK.weekday()) % 7)

PEOPLE = (
    "Anna Berg", "Liam de Vries", "Sofia Marino", "Jonas Keller", "Emma Janssen", "Aylin Demir",
    "Marc Fontaine", "Greta Olsen", "Hugo Martín", "Ida Lund", "Samir Haddad", "Clara Rossi",
    "Nils Aalto", "Eva Sørensen", "Oscar Blanc", "Mila Horvat", "Ruben Smit", "Lea Fischer",
)  # fmt: skip

# Each provider's services in turn, with pauses; people in turn, so that nobody is in two places.
SLOTS = """
select hours.provider_id, hours.location_id, service.id as service_id,
  (%(day)s::date + hours.opens + step * interval '1 hour' + service.buffer) at time zone
    place.time_zone as starts_at,
  row_number() over (order by step, hours.opens, hours.provider_id) as number
from public.weekly_hours as hours
join public.locations as place on place.id = hours.location_id
join lateral generate_series(0, 8) as step
  on step * interval '1 hour' <= hours.closes - hours.opens - interval '1 hour'
join lateral (
  select services.id, make_interval(mins => services.buffer_before_minutes) as buffer
  from public.provider_services as offered
  join public.services on services.id = offered.service_id and services.capacity = 1
  where offered.provider_id = hours.provider_id
  order by hashtext(services.id::text || step) limit 1
) as service on true
where hours.clinic_id = %(clinic)s and hours.weekday = 2
  and abs(hashtext(hours.provider_id::text || hours.opens || step)) %% 5 > 0
order by number
"""


LINDQVIST = "12000000-0000-4000-8000-000000000001"
OKAFOR = "12000000-0000-4000-8000-000000000002"
MOREAU = "12000000-0000-4000-8000-000000000004"

# The day as it stands late in the morning: who was seen, who never came, who is here.
COURSE = """
update public.appointments set status = (case
    when hour < 10 and hashtext(id::text) %% 4 = 0 then 'noshow'
    when hour < 10 then 'fulfilled'
    when hour < 11 then 'arrived'
    when hashtext(id::text) %% 5 = 0 then 'pending'
    else 'booked' end)::public.appointment_status,
  booked_via = case when hashtext(patient_id::text) %% 3 = 0 then 'staff' else 'patient' end
    ::public.booking_path
from (select id as visit, extract(hour from starts_at at time zone 'Europe/Amsterdam') as hour
  from public.appointments) as at
where at.visit = id and clinic_id = %(clinic)s and status = 'booked'
  and (starts_at at time zone 'Europe/Amsterdam')::date = %(day)s
"""

# Two confirmations that the mail provider did not take; a worker may just have one of them.
UNSENT = """
update public.notifications
set status = 'dead', sent_at = null, leased_until = null, last_error = '500:application_error'
where id in (select id from public.notifications
  where clinic_id = %(clinic)s and kind = 'confirmation' and status <> 'skipped'
  order by created_at, id limit 2)
"""


def write_full_day(stack: StackConfig) -> None:
    """Adds the day once; a clinic that has it stays as it is."""
    with psycopg.connect(stack.db_url(), autocommit=True) as connection:
        known = connection.execute(
            "select from public.patients where clinic_id = %s and full_name = %s",
            [DEMO_CLINIC_ID, PEOPLE[0]],
        ).fetchone()
        if known is not None:
            return
        patients = [_patient(connection, name) for name in PEOPLE]
        connection.execute(
            "insert into public.availability_exceptions"
            " (clinic_id, provider_id, kind, starts_on, ends_on, opens, closes, reason)"
            " values (%s, %s, 'closed', %s, %s, '11:00', '12:00', 'Team meeting')",
            [DEMO_CLINIC_ID, MOREAU, FULL_DAY, FULL_DAY],
        )
        slots = connection.execute(SLOTS, {"clinic": DEMO_CLINIC_ID, "day": FULL_DAY}).fetchall()
        for provider, location, service, starts_at, number in slots:
            try:
                connection.execute(
                    "insert into public.appointments"
                    " (provider_id, location_id, service_id, starts_at, patient_id)"
                    " values (%s, %s, %s, %s, %s)",
                    [provider, location, service, starts_at, patients[number % len(patients)]],
                )
            except psycopg.Error:
                continue  # the time is taken, maybe by this very visit
        connection.execute(
            "insert into public.appointments"
            " (provider_id, location_id, service_id, starts_at, patient_id, overbook_reason)"
            " select %(provider)s, locations.id, services.id,"
            " (%(day)s + time '09:00') at time zone locations.time_zone, %(patient)s,"
            " 'In pain since the morning'"
            " from public.services, public.locations"
            " where services.clinic_id = %(clinic)s and services.name = 'Consultation'"
            " and locations.clinic_id = %(clinic)s order by locations.name limit 1",
            {
                "provider": OKAFOR,
                "day": FULL_DAY,
                "patient": patients[-1],
                "clinic": DEMO_CLINIC_ID,
            },
        )
        for patient, urgency in (
            (patients[0], "soon"),
            (patients[1], "routine"),
            (patients[2], "urgent"),
        ):
            connection.execute(
                "insert into public.waitlist_entries (service_id, patient_id, urgency)"
                " select id, %s, %s from public.services where clinic_id = %s"
                " and capacity = 1 order by name limit 1 on conflict do nothing",
                [patient, urgency, DEMO_CLINIC_ID],
            )
        _plan_course(connection)
        connection.execute(UNSENT, {"clinic": DEMO_CLINIC_ID})
    # Past triggers and the ledger, which know that the day is yet to come.
    with psycopg.connect(stack.db_url("supabase_admin")) as connection:
        connection.execute("set local session_replication_role = replica")
        connection.execute(COURSE, {"clinic": DEMO_CLINIC_ID, "day": FULL_DAY})


def _plan_course(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """A group that meets on four evenings, beside everybody's hours."""
    course = connection.execute(
        "insert into public.services (clinic_id, name, description, duration_minutes, capacity)"
        " values (%s, 'Antenatal course', 'Four evenings for parents to be', 90, 8) returning id",
        [DEMO_CLINIC_ID],
    ).fetchone()
    assert course is not None
    connection.execute(
        "insert into public.provider_services (clinic_id, provider_id, service_id)"
        " values (%s, %s, %s)",
        [DEMO_CLINIC_ID, LINDQVIST, course[0]],
    )
    connection.execute(
        "insert into public.group_sessions (service_id, provider_id, location_id, capacity,"
        " starts_at, overbook_reason)"
        " select %s, %s, '11000000-0000-4000-8000-000000000001', 8,"
        " (%s + time '19:00' + week * interval '1 week') at time zone 'Europe/Amsterdam',"
        " 'In the evening' from generate_series(0, 3) as week",
        [course[0], LINDQVIST, FULL_DAY],
    )


def mail_address(name: str) -> str:
    """Anna Berg's is anna.berg@mail.example."""
    letters = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return f"{letters.replace(' ', '.')}@mail.example"


def _patient(connection: psycopg.Connection[tuple[object, ...]], name: str) -> object:
    known = connection.execute(
        "select id from public.patients where clinic_id = %s and full_name = %s",
        [DEMO_CLINIC_ID, name],
    ).fetchone()
    added = (
        known
        or connection.execute(
            "insert into public.patients (clinic_id, full_name, phone, email)"
            " values (%s, %s, %s, %s) returning id",
            [
                DEMO_CLINIC_ID,
                name,
                "+31 20 555 0100",
                mail_address(name),
            ],
        ).fetchone()
    )
    assert added is not None
    return added[0]
