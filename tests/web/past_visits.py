"""A year of past visits for the demo clinic, so that pictures of its numbers show something.

Written past triggers and the ledger, which is for pictures alone: such visits were never booked.
"""

from __future__ import annotations

import psycopg

from stack.config import StackConfig
from stack.seed import DEMO_CLINIC_ID

# A practice full of people, each of whom comes a few times a year.
PEOPLE = tuple(
    f"{first} {last}"
    for first in (
        "Amira", "Bram", "Carla", "David", "Elif", "Femke", "Gustav", "Hanna", "Igor", "Julia",
        "Karel", "Lena", "Marco", "Nadia", "Otto", "Paul", "Ruth", "Sanne", "Timo", "Vera",
    )
    for last in (
        "Brandt", "Costa", "de Boer", "Feld", "Haddad", "Ivanova", "Jansson", "Kaya", "Lindqvist",
        "Meyer", "Novak", "Simmons",
    )
)  # fmt: skip

# What is random depends on the visit alone: the same year gives the same pictures.
VISITS = """
insert into public.appointments (clinic_id, location_id, service_id, provider_id, patient_id,
  starts_at, ends_at, buffer_before_minutes, buffer_after_minutes, status, booked_via, created_at,
  cancelled_late)
select hours.clinic_id, hours.location_id, service.id, hours.provider_id, patient.id, visit.at,
  visit.at + make_interval(mins => service.duration_minutes), 0, 0,
  (case when chance.fate < 0.09 then 'cancelled' when chance.fate < 0.155 then 'noshow'
    when chance.fate < 0.165 then 'booked' else 'fulfilled' end)::public.appointment_status,
  'patient', visit.at - make_interval(hours => (chance.ahead ^ 2 * 900)::int + 2),
  chance.fate < 0.03
from public.weekly_hours as hours
join public.locations as place on place.id = hours.location_id
join lateral generate_series(current_date - 370, current_date - 1, interval '1 day') as day
  on extract(isodow from day) = hours.weekday
join lateral generate_series(0, 20) as step
  on step * interval '40 minutes' <= hours.closes - hours.opens - interval '30 minutes'
cross join lateral (
  select (day::date + hours.opens + step * interval '40 minutes') at time zone place.time_zone as at
) as visit
cross join lateral (
  select abs(hashtext(hours.provider_id || 'fate' || visit.at) %% 1000) / 1000.0 as fate,
    abs(hashtext(hours.provider_id || 'ahead' || visit.at) %% 1000) / 1000.0 as ahead,
    abs(hashtext(hours.provider_id || 'taken' || visit.at) %% 1000) / 1000.0 as taken
) as chance
join lateral (
  select services.id, services.duration_minutes
  from public.provider_services as offered
  join public.services on services.id = offered.service_id and services.capacity = 1
  where offered.provider_id = hours.provider_id
  order by hashtext(services.id::text || visit.at) limit 1
) as service on true
join lateral (
  select patients.id from public.patients where patients.clinic_id = hours.clinic_id
  order by hashtext(patients.id::text || visit.at || hours.provider_id) limit 1
) as patient on true
where hours.clinic_id = %(clinic)s
  and chance.taken < 0.6 + 0.2 * sin(extract(doy from day) / 30.0)
    + case hours.weekday when 1 then 0.12 when 5 then -0.12 else 0 end
"""

REMINDERS = """
insert into public.notifications (clinic_id, appointment_id, appointment_version, kind,
  recipient_id, reminder_minutes, status, due_at, sent_at, created_at)
select clinic_id, id, 1, 'reminder', patient_id, 2880, 'delivered', starts_at - interval '2 days',
  starts_at - interval '2 days', created_at
from public.appointments
where clinic_id = %(clinic)s and starts_at < now() and status in ('fulfilled', 'noshow')
  and created_at < starts_at - interval '2 days'
  and (status = 'fulfilled' or hashtext(id::text) %% 3 <> 0)
on conflict do nothing
"""


def write_past_visits(stack: StackConfig) -> None:
    """Adds the year once; a clinic that has it stays as it is."""
    clinic = {"clinic": DEMO_CLINIC_ID}
    with psycopg.connect(stack.db_url("supabase_admin")) as connection:
        known = connection.execute(
            "select from public.appointments"
            " where clinic_id = %(clinic)s and starts_at < now() - interval '300 days' limit 1",
            clinic,
        ).fetchone()
        if known is not None:
            return
        connection.execute("set local session_replication_role = replica")
        connection.execute(
            "insert into public.patients (clinic_id, full_name) select %s, unnest(%s::text[])",
            [DEMO_CLINIC_ID, list(PEOPLE)],
        )
        connection.execute(VISITS, clinic)
        connection.execute(REMINDERS, clinic)
