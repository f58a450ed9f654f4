-- Limits: how many visits a service or provider gives a day or week, and how much time one person may
-- keep. Promises: counted under the locks of the ledger or of the person, so that no two transactions
-- take the last one.
-- Access: the ledger's triggers and the booking functions.

-- Whether visits of that kind by that provider are limited in number.
create function private.is_capped(service_id uuid, provider_id uuid) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from public.services
    left join public.provider_services as offered
      on offered.provider_id = is_capped.provider_id and offered.service_id = services.id
    where services.id = is_capped.service_id
      and num_nonnulls(services.max_per_day, services.max_per_week,
        offered.max_per_day, offered.max_per_week) > 0
  );
end;
$$;

-- The visits of that kind in a span of time that count: one row each, with the day it has where it
-- takes place. What is called off, missed, or held too long does not count, nor do seats of sessions.
create function private.counted_visits(
  service_id uuid, from_time timestamptz, to_time timestamptz
) returns table (appointment_id uuid, provider_id uuid, day date)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select visit.id, visit.provider_id, (visit.starts_at at time zone place.time_zone)::date
  from public.provider_services as offered
  join private.reservations as kept
    on kept.resource_id = offered.provider_id
    and kept.during && tstzrange(counted_visits.from_time, counted_visits.to_time)
    and (kept.expires_at is null or kept.expires_at > now())
  join public.appointments as visit
    on visit.id = kept.appointment_id and visit.service_id = counted_visits.service_id
  join public.locations as place on place.id = visit.location_id
  where offered.service_id = counted_visits.service_id;
end;
$$;

-- Raises limit_reached if the visit would be one too many in its day or week. The service is locked
-- exclusively by the caller. Overbooked and imported visits are not held to it.
create function private.check_caps(visit public.appointments) returns void
language plpgsql
set search_path = ''
as $$
declare
  service public.services;
  offered public.provider_services;
  visit_day date;
  visits record;
begin
  if visit.overbook_reason is not null or visit.booked_via = 'import'
    or visit.session_id is not null then
    return;
  end if;
  select * into service from public.services where services.id = visit.service_id;
  select * into offered from public.provider_services
  where provider_services.provider_id = visit.provider_id
    and provider_services.service_id = visit.service_id;
  select (visit.starts_at at time zone locations.time_zone)::date into visit_day
  from public.locations where locations.id = visit.location_id;
  -- A week and the days by which zones differ.
  select
    count(*) filter (where other.day = visit_day) as of_day,
    count(*) as of_week,
    count(*) filter (where other.day = visit_day and other.provider_id = visit.provider_id)
      as of_providers_day,
    count(*) filter (where other.provider_id = visit.provider_id) as of_providers_week
  into visits
  from private.counted_visits(visit.service_id,
    visit.starts_at - interval '9 days', visit.starts_at + interval '9 days') as other
  where other.appointment_id <> visit.id
    and date_trunc('week', other.day::timestamp) = date_trunc('week', visit_day::timestamp);
  if visits.of_day >= service.max_per_day or visits.of_providers_day >= offered.max_per_day then
    perform private.raise_error('limit_reached',
      'No more visits of this kind are given on this day. Choose another day.');
  end if;
  if visits.of_week >= service.max_per_week or visits.of_providers_week >= offered.max_per_week then
    perform private.raise_error('limit_reached',
      'No more visits of this kind are given in this week. Choose another week.');
  end if;
end;
$$;

-- The days at that place on which that provider gives no more visits of that kind.
create function private.full_days(
  service public.services,
  provider_id uuid,
  location_id uuid,
  from_time timestamptz,
  to_time timestamptz
) returns tstzmultirange
language plpgsql
stable
set search_path = ''
as $$
declare
  zone text;
  offered public.provider_services;
begin
  if not private.is_capped(service.id, full_days.provider_id) then
    return '{}';
  end if;
  select locations.time_zone into zone from public.locations
  where locations.id = full_days.location_id;
  select * into offered from public.provider_services
  where provider_services.provider_id = full_days.provider_id
    and provider_services.service_id = service.id;
  return (
    with days as (
      select calendar.day::date as day, date_trunc('week', calendar.day) as week
      from generate_series(
        (full_days.from_time at time zone zone)::date::timestamp,
        (full_days.to_time at time zone zone)::date::timestamp,
        interval '1 day') as calendar (day)
    ), visits as materialized (
      select counted.provider_id, counted.day, date_trunc('week', counted.day::timestamp) as week
      from private.counted_visits(service.id,
        full_days.from_time - interval '9 days', full_days.to_time + interval '9 days') as counted
    )
    select coalesce(range_agg(tstzrange(
      private.local_instant(days.day, time '00:00', zone),
      private.local_instant(days.day + 1, time '00:00', zone))), '{}')
    from days
    cross join lateral (
      select
        count(*) filter (where visits.day = days.day) as of_day,
        count(*) as of_week,
        count(*) filter (where visits.day = days.day
          and visits.provider_id = full_days.provider_id) as of_providers_day,
        count(*) filter (where visits.provider_id = full_days.provider_id) as of_providers_week
      from visits where visits.week = days.week
    ) as given
    where given.of_day >= service.max_per_day
      or given.of_week >= service.max_per_week
      or given.of_providers_day >= offered.max_per_day
      or given.of_providers_week >= offered.max_per_week
  );
end;
$$;

-- Raises limit_reached if the visit is a patient's own booking and would be more than the clinic lets
-- one person keep. Calls for one person queue here, so that none of them is missed in the count;
-- called before the first schedule is locked, and once for `more` visits that are booked together.
create function private.check_person_limits(visit public.appointments, more int default 1)
returns void
language plpgsql
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  clinic public.clinics;
  mine uuid[];
  lock_key int;
begin
  if visit.booked_via <> 'patient' then
    return;
  end if;
  select * into clinic from public.clinics where clinics.id = visit.clinic_id;
  if visit.status <> 'held' and clinic.max_open_bookings_per_patient is null then
    return;
  end if;
  -- All whom the caller acts for, whichever is meant now: always the same ones, in the same order.
  mine := array(select private.my_patients() union select visit.patient_id);
  for lock_key in
    select distinct hashtext(person.id::text) from unnest(mine) as person (id) order by 1
  loop
    perform pg_advisory_xact_lock(hashtext('person'), lock_key);
  end loop;
  -- What the clinic offers to somebody on the waiting list is not their own hold. Few people keep a hold:
  -- these first, by the small index of holds, and the visit of each by its id, however large the clinic.
  if visit.status = 'held' and more + (
    select count(distinct hold.id)
    from unnest(mine) as person (id)
    cross join lateral (
      select reservations.appointment_id from private.reservations
      where reservations.resource_id = person.id and reservations.expires_at > now()
      offset 0
    ) as kept
    cross join lateral (
      select appointments.id, appointments.clinic_id, appointments.booked_via
      from public.appointments where appointments.id = kept.appointment_id
      offset 0
    ) as hold
    where hold.clinic_id = clinic.id and hold.booked_via = 'patient'
  ) > clinic.max_holds_per_person then
    perform private.raise_error('limit_reached',
      'You keep as many times as the clinic allows. Book or give back one of them first.');
  end if;
  if clinic.max_open_bookings_per_patient is null then
    return;
  end if;
  if more + (
    select count(*) from public.appointments
    where appointments.patient_id = visit.patient_id and appointments.starts_at > now()
      and (appointments.status in ('pending', 'booked')
        or appointments.status = 'held' and appointments.hold_expires_at > now())
  ) > clinic.max_open_bookings_per_patient then
    perform private.raise_error('limit_reached',
      'You have as many coming visits as can be booked online. Please call the clinic.');
  end if;
end;
$$;

-- Whether the clinic has seen all patients for whom the caller could book. Staff books for anyone.
create function private.knows_caller(clinic_id uuid) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  if private.is_staff_of(knows_caller.clinic_id) then
    return false;
  end if;
  return coalesce((
    select bool_and(private.has_been_seen(patients.id)) from public.patients
    where patients.clinic_id = knows_caller.clinic_id
      and patients.id in (select private.my_patients())
  ), false);
end;
$$;
