-- Booking: the functions through which people book, move and call off visits.
-- Promises: the triggers on appointments hold the rules; these functions add who may ask, what was
--           offered, and that a repeated request is done once.
-- Access: signed-in people and the service key.

create table private.requests (
  caller_id uuid not null,
  request_id uuid not null,
  fingerprint bytea not null,
  appointment_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (caller_id, request_id)
);

create index requests_by_age on private.requests (created_at);

comment on table private.requests is
  'Requests that were carried out: the same id again gets the same appointment.';
comment on column private.requests.fingerprint is
  'SHA-256 of the arguments, to refuse the same id with others; what they were is not kept.';

alter table private.requests enable row level security;

-- The appointment of an earlier call with this request id, or null after noting the new one.
-- A concurrent call with the same id waits here until the first is done. Raises request_id_reused.
-- `arguments` give instants in UTC: as text they would differ with the session's time zone.
create function private.earlier_result(request_id uuid, arguments jsonb, appointment_id uuid)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  caller uuid;
  fingerprint bytea;
  known private.requests;
begin
  if earlier_result.request_id is null then
    return null;
  end if;
  caller := coalesce(auth.uid(), '00000000-0000-0000-0000-000000000000');
  fingerprint := sha256(convert_to(arguments::text, 'UTF8'));
  -- Once, but for one that is tidied away between the two looks.
  loop
    insert into private.requests (caller_id, request_id, fingerprint, appointment_id)
    values (caller, earlier_result.request_id, fingerprint, earlier_result.appointment_id)
    on conflict do nothing;
    if found then
      return null;
    end if;
    select * into known from private.requests
    where requests.caller_id = caller
      and requests.request_id = earlier_result.request_id;
    exit when found;
  end loop;
  if known.fingerprint <> fingerprint then
    perform private.raise_error('request_id_reused');
  end if;
  return known.appointment_id;
end;
$$;

-- What an earlier call with the same request id answered with, as it is now. Raises not_found.
create function private.repeated_answer(earlier_id uuid) returns public.appointments
language plpgsql
stable
set search_path = ''
as $$
declare
  visit public.appointments;
begin
  select * into visit from public.appointments where appointments.id = earlier_id;
  if visit.id is null then
    perform private.raise_error('not_found', 'What this request made was removed since. Ask again '
      'with another request_id.');
  end if;
  return visit;
end;
$$;

-- Whom a visit is booked for: the caller's own record unless another is named, which is for staff.
create function private.patient_to_book(clinic_id uuid, patient_id uuid) returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  mine uuid;
begin
  if patient_to_book.patient_id is null then
    select patients.id into mine from public.patients
    where patients.clinic_id = patient_to_book.clinic_id and patients.user_id = auth.uid();
    if mine is null then
      perform private.raise_error('not_found', 'You have no patient record in this clinic yet.');
    end if;
    return mine;
  end if;
  -- One answer to strangers, whether the record exists or not.
  if private.acting_as(patient_to_book.clinic_id, patient_to_book.patient_id) is null or not exists (
    select from public.patients
    where patients.id = patient_to_book.patient_id
      and patients.clinic_id = patient_to_book.clinic_id
  ) then
    perform private.raise_error('not_found', 'This patient has no record in this clinic.');
  end if;
  return patient_to_book.patient_id;
end;
$$;

-- Raises invalid_time, too_soon or too_far_ahead. Staff may book at once and far ahead, but nobody
-- books what is over.
create function private.check_bookable_time(
  service public.services, starts_at timestamptz, is_staff boolean default null
) returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if starts_at is null or not isfinite(starts_at) then
    perform private.raise_error('invalid_time', 'Give the time at which the visit starts.');
  end if;
  if starts_at <= now() then
    perform private.raise_error('too_soon');
  end if;
  if coalesce(is_staff, private.is_staff_of(service.clinic_id)) then
    return;
  end if;
  if starts_at < now() + make_interval(mins => service.min_notice_minutes) then
    perform private.raise_error('too_soon');
  end if;
  if starts_at >= now() + make_interval(days => service.horizon_days) then
    perform private.raise_error('too_far_ahead');
  end if;
end;
$$;

create type private.offer as (
  provider_id uuid,
  location_id uuid,
  during tstzrange
);

-- Where a visit offered at that start would take place, whatever is reserved.
create function private.offered_places(
  service public.services, provider_id uuid, starts_at timestamptz
) returns setof private.offer
language plpgsql
stable
rows 5
set search_path = ''
as $$
#variable_conflict use_column
declare
  places private.place[];
  provider_ids uuid[];
  location_ids uuid[];
  longest interval;
begin
  select array_agg(place), array_agg(place.provider_id), array_agg(place.location_id),
    max(place.length)
  into places, provider_ids, location_ids, longest
  from private.places_of(service, offered_places.provider_id, null) as place;

  return query
  select place.provider_id, place.location_id, visit.during
  from unnest(places) as place
  join private.open_times(
      provider_ids, location_ids, offered_places.starts_at, offered_places.starts_at + longest
    ) as opening using (provider_id, location_id)
  cross join lateral (
    select tstzrange(offered_places.starts_at, offered_places.starts_at + place.length) as during
  ) as visit
  where visit.during <@ opening.open_time
    and exists (
      select from unnest(opening.shifts) as shift (during)
      where offered_places.starts_at <@ shift.during
        and date_bin(make_interval(mins => service.slot_interval_minutes),
          offered_places.starts_at, lower(shift.during)) = offered_places.starts_at
    )
  order by place.provider_id, place.location_id;
end;
$$;

-- The same for most visits at a fraction of the cost, or null, which says nothing: for a provider with
-- hours at one place alone, on a day without exceptions, imported busy time or a clock change, a visit
-- within one row of hours. `lies_in_weekly_hours` is its like for visits whose place is known.
create function private.usual_place(
  service public.services, provider_id uuid, starts_at timestamptz
) returns private.offer
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  place private.offer;
  length interval;
  site_id uuid;
  zone text;
  wall timestamp;
  day date;
begin
  if service.capacity <> 1 then
    return null;
  end if;
  select make_interval(mins => coalesce(offered.duration_minutes, service.duration_minutes)),
    site.id, site.time_zone
  into length, site_id, zone
  from public.provider_services as offered
  join public.providers on providers.id = offered.provider_id and providers.active
  cross join lateral (
    select locations.id, locations.time_zone
    from public.weekly_hours join public.locations on locations.id = weekly_hours.location_id
    where weekly_hours.provider_id = offered.provider_id
    limit 1
  ) as site
  where offered.provider_id = usual_place.provider_id and offered.service_id = service.id;
  if length is null or private.changes_clock_around(usual_place.starts_at, zone) then
    return null;
  end if;
  wall := usual_place.starts_at at time zone zone;
  day := wall::date;
  place.during := tstzrange(usual_place.starts_at, usual_place.starts_at + length);
  if exists (
    select from public.weekly_hours as hours
    where hours.provider_id = usual_place.provider_id and hours.location_id = site_id
      and hours.weekday = extract(isodow from day)::smallint
      and hours.opens <= wall::time and wall + length <= day + hours.closes
      and hours.valid_from <= day and (hours.valid_until is null or day <= hours.valid_until)
      and private.is_week_of_cycle(
        day, coalesce(hours.cycle_from, hours.valid_from), hours.cycle_weeks)
      and date_bin(make_interval(mins => service.slot_interval_minutes), wall, day + hours.opens)
        = wall
  ) and not exists (
    select from public.weekly_hours as elsewhere
    where elsewhere.provider_id = usual_place.provider_id and elsewhere.location_id <> site_id
  ) and not exists (
    select from public.availability_exceptions as exception
    where exception.clinic_id = service.clinic_id
      and exception.ends_on >= day - 1 and exception.starts_on <= day + 1
      and (exception.provider_id is null or exception.provider_id = usual_place.provider_id)
  ) and not exists (
    select from public.busy_blocks as busy
    where busy.provider_id = usual_place.provider_id
      and tstzrange(busy.starts_at, busy.ends_at) && place.during
  ) then
    place.provider_id := usual_place.provider_id;
    place.location_id := site_id;
    return place;
  end if;
  return null;
end;
$$;

-- Whether a committed reservation is visibly in the way: a cheap look that spares most losers of a
-- race the work of an insert that must fail. Not a guarantee; the ledger is.
create function private.is_visibly_taken(
  service public.services, provider_id uuid, during tstzrange, except_appointment_id uuid
) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from private.reservations
    where reservations.resource_id = is_visibly_taken.provider_id
      and reservations.during && tstzrange(
        lower(is_visibly_taken.during) - make_interval(mins => service.buffer_before_minutes),
        upper(is_visibly_taken.during) + make_interval(mins => service.buffer_after_minutes))
      and (reservations.expires_at is null or reservations.expires_at > now())
      and (is_visibly_taken.except_appointment_id is null
        or reservations.appointment_id is distinct from is_visibly_taken.except_appointment_id)
  );
end;
$$;

-- Writes the visit to that place. Raises slot_taken and whatever else the triggers refuse.
create function private.write_visit(
  service public.services, visit public.appointments, place private.offer
) returns public.appointments
language plpgsql
set search_path = ''
as $$
declare
  written public.appointments;
begin
  insert into public.appointments (
    id, clinic_id, location_id, service_id, provider_id, patient_id, starts_at, ends_at,
    buffer_before_minutes, buffer_after_minutes,
    status, hold_expires_at, overbook_reason, booked_by, booked_via, request_id, series_id
  ) values (
    visit.id, service.clinic_id, place.location_id, service.id, place.provider_id,
    visit.patient_id, lower(place.during), upper(place.during),
    -- The triggers need not look the service up again; they know what an overbooked visit keeps.
    case when visit.overbook_reason is null then service.buffer_before_minutes end,
    case when visit.overbook_reason is null then service.buffer_after_minutes end,
    visit.status, visit.hold_expires_at, visit.overbook_reason, visit.booked_by, visit.booked_via,
    visit.request_id, visit.series_id
  ) returning * into written;
  return written;
end;
$$;

-- Where an overbooked visit takes place: with the provider named, at any start. Raises invalid_input.
create function private.overbooked_place(
  service public.services, provider_id uuid, starts_at timestamptz
) returns private.offer
language plpgsql
stable
set search_path = ''
as $$
declare
  place private.offer;
begin
  if overbooked_place.provider_id is null then
    perform private.raise_error('invalid_input', 'Name the provider to overbook.');
  end if;
  select
    offered.provider_id,
    private.location_of_provider(offered.provider_id, lower(visit.during), upper(visit.during)),
    visit.during
  into place
  from public.provider_services as offered
  cross join lateral (
    select tstzrange(overbooked_place.starts_at, overbooked_place.starts_at + make_interval(
      mins => coalesce(offered.duration_minutes, service.duration_minutes))) as during
  ) as visit
  where offered.provider_id = overbooked_place.provider_id and offered.service_id = service.id;
  return place;
end;
$$;

-- Books that provider, or whoever is free and has the next turn; at the place that the visit names, or
-- at any. Raises slot_taken,
-- outside_availability or limit_reached if nobody is left.
create function private.book_first_free(
  service public.services, visit public.appointments, provider_id uuid
) returns public.appointments
language plpgsql
set search_path = ''
as $$
begin
  if visit.overbook_reason is not null then
    return private.write_visit(service, visit, private.overbooked_place(
      service, book_first_free.provider_id, visit.starts_at));
  elsif book_first_free.provider_id is not null then
    return private.book_provider(service, visit, book_first_free.provider_id);
  end if;
  return private.book_any_provider(service, visit);
end;
$$;

-- Where that provider offers the visit's start; at the visit's place alone if it has one already.
create function private.wanted_places(
  service public.services, visit public.appointments, provider_id uuid
) returns private.offer[]
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select offered
    from private.offered_places(service, wanted_places.provider_id, visit.starts_at) as offered
    where visit.location_id is null or offered.location_id = visit.location_id
  );
end;
$$;

-- Books that provider. Raises as book_first_free.
create function private.book_provider(
  service public.services, visit public.appointments, provider_id uuid
) returns public.appointments
language plpgsql
set search_path = ''
as $$
declare
  place private.offer :=
    private.usual_place(service, book_provider.provider_id, visit.starts_at);
  places private.offer[];
begin
  if place.location_id = coalesce(visit.location_id, place.location_id) then
    return private.book_first_place(service, visit, array[place]);
  end if;
  places := private.wanted_places(service, visit, book_provider.provider_id);
  if places = '{}' then
    perform private.raise_error('outside_availability');
  end if;
  return private.book_first_place(service, visit, places);
end;
$$;

-- Books the first of the places that is still free when it is tried. Raises slot_taken or
-- limit_reached if none is.
create function private.book_first_place(
  service public.services, visit public.appointments, places private.offer[]
) returns public.appointments
language plpgsql
set search_path = ''
as $$
declare
  place private.offer;
  failure text;
begin
  for number in 1 .. cardinality(places) loop
    place := places[number];
    continue when private.is_visibly_taken(service, place.provider_id, place.during, null);
    -- The last one needs no way back, and there is seldom more than one.
    if number = cardinality(places) then
      return private.write_visit(service, visit, place);
    end if;
    begin
      return private.write_visit(service, visit, place);
    exception when sqlstate 'PT409' or sqlstate 'PT422' then
      get stacked diagnostics failure = message_text;
      if failure not in ('slot_taken', 'limit_reached') then
        raise;
      end if;
    end;
  end loop;
  perform private.raise_error('slot_taken');
end;
$$;

create type private.booking_terms as (
  patient_id uuid,
  booked_via public.booking_path,
  has_person_limits boolean
);

-- For whom a service is booked and which way. For a patient who books for themselves in a clinic that
-- is open to the public, which most do, in one look; for all others, and for whatever is to be refused,
-- as service_to_book, patient_to_book and booking_path_of say. Raises as they do.
create function private.booking_terms_of(
  service public.services, provider_id uuid, patient_id uuid
) returns private.booking_terms
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  terms private.booking_terms;
  caller_id uuid := auth.uid();
begin
  if auth.role() <> 'service_role' and booking_terms_of.patient_id is null and service.active then
    select mine.id, clinics.max_open_bookings_per_patient is not null
    into terms.patient_id, terms.has_person_limits
    from public.clinics
    join public.patients as mine
      on mine.clinic_id = clinics.id and mine.user_id = caller_id
    left join public.provider_services as offered
      on offered.provider_id = booking_terms_of.provider_id and offered.service_id = service.id
    left join public.providers on providers.id = offered.provider_id
    left join public.members on members.clinic_id = clinics.id and members.user_id = caller_id
    where clinics.id = service.clinic_id and clinics.books_publicly and members.id is null
      and (booking_terms_of.provider_id is null or providers.active);
    if terms.patient_id is not null then
      terms.booked_via := 'patient';
      return terms;
    end if;
  end if;
  service := private.service_to_book(service.id, booking_terms_of.provider_id);
  terms.patient_id := private.patient_to_book(service.clinic_id, booking_terms_of.patient_id);
  terms.booked_via := private.booking_path_of(service.clinic_id);
  terms.has_person_limits := true;
  return terms;
end;
$$;

-- Definer: nobody may insert appointments directly; who may ask for whom is checked here.
create function public.book_appointment(
  service_id uuid,
  starts_at timestamptz,
  provider_id uuid default null,
  patient_id uuid default null,
  hold_id uuid default null,
  request_id uuid default null,
  reason text default null,
  overbook_reason text default null
) returns public.appointments
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller_id uuid := auth.uid();
  terms private.booking_terms;
  service public.services;
  visit public.appointments;
  booked public.appointments;
  place private.offer;
  earlier_id uuid;
begin
  if caller_id is null and not private.is_trusted() then
    perform private.raise_error('not_signed_in');
  end if;
  if book_appointment.hold_id is not null then
    return private.confirm_hold(book_appointment.hold_id, book_appointment.service_id,
      book_appointment.starts_at, book_appointment.provider_id, book_appointment.patient_id,
      book_appointment.request_id, book_appointment.reason);
  end if;
  select * into service from public.services where services.id = book_appointment.service_id;
  terms := private.booking_terms_of(
    service, book_appointment.provider_id, book_appointment.patient_id);
  visit.id := private.time_ordered_id();
  visit.clinic_id := service.clinic_id;
  visit.patient_id := terms.patient_id;
  if book_appointment.request_id is not null then
    earlier_id := private.earlier_result(
      book_appointment.request_id,
      jsonb_build_array('book_appointment', service.id,
        book_appointment.starts_at at time zone 'UTC', book_appointment.provider_id,
        visit.patient_id, book_appointment.reason, book_appointment.overbook_reason),
      visit.id
    );
    if earlier_id is not null then
      return private.repeated_answer(earlier_id);
    end if;
  end if;
  visit.booked_via := terms.booked_via;
  perform private.check_bookable_time(
    service, book_appointment.starts_at, visit.booked_via <> 'patient');
  visit.starts_at := book_appointment.starts_at;
  visit.booked_by := caller_id;
  visit.request_id := book_appointment.request_id;
  if book_appointment.overbook_reason is not null then
    visit.overbook_reason :=
      private.usable_overbook_reason(service.clinic_id, book_appointment.overbook_reason);
  end if;
  visit.status := case
    when service.needs_approval and visit.booked_via = 'patient' then 'pending' else 'booked'
  end;
  if terms.has_person_limits then
    perform private.check_person_limits(visit);
  end if;
  if visit.overbook_reason is null and book_appointment.provider_id is not null then
    place := private.usual_place(service, book_appointment.provider_id, visit.starts_at);
  end if;
  if place.provider_id is null then
    booked := private.book_first_free(service, visit, book_appointment.provider_id);
  elsif private.is_visibly_taken(service, place.provider_id, place.during, null) then
    perform private.raise_error('slot_taken');
  else
    booked := private.write_visit(service, visit, place);
  end if;
  if book_appointment.reason is not null then
    perform private.keep_reason(booked, 'visit', book_appointment.reason);
  end if;
  return booked;
end;
$$;

-- The service, if it can be booked by the caller, with that provider if one is named. Raises
-- not_found.
create function private.service_to_book(service_id uuid, provider_id uuid)
returns public.services
language plpgsql
stable
set search_path = ''
as $$
declare
  service public.services;
begin
  select * into service from public.services
  where services.id = service_to_book.service_id and services.active;
  if service.id is null or not private.may_see_clinic(service.clinic_id) then
    perform private.raise_error('not_found');
  end if;
  if service_to_book.provider_id is not null and not exists (
    select from public.provider_services as offered
    join public.providers on providers.id = offered.provider_id and providers.active
    where offered.service_id = service.id
      and offered.provider_id = service_to_book.provider_id
  ) then
    perform private.raise_error('not_found', 'This provider does not offer this service.');
  end if;
  return service;
end;
$$;

-- The reason for overbooking, if one is given and the caller may overrule; null: none is given.
-- Raises not_allowed or invalid_input.
create function private.usable_overbook_reason(clinic_id uuid, overbook_reason text) returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  if usable_overbook_reason.overbook_reason is null then
    return null;
  end if;
  if not private.is_staff_of(usable_overbook_reason.clinic_id) then
    perform private.raise_error('not_allowed', 'Only the clinic''s staff can overbook.');
  end if;
  if btrim(usable_overbook_reason.overbook_reason) = ''
    or length(usable_overbook_reason.overbook_reason) > 500 then
    perform private.raise_error('invalid_input', 'Give a reason of at most 500 characters.');
  end if;
  return btrim(usable_overbook_reason.overbook_reason);
end;
$$;

-- Which way a booking through the functions comes.
create function private.booking_path_of(clinic_id uuid) returns public.booking_path
language plpgsql
stable
set search_path = ''
as $$
begin
  return case
    when auth.role() = 'service_role' then 'worker'
    when private.is_trusted() then 'dashboard'
    when private.is_member_of(booking_path_of.clinic_id) then 'staff'
    else 'patient'
  end;
end;
$$;

-- The appointment, locked for a change by the caller. Raises not_found or stale_version.
create function private.appointment_to_change(appointment_id uuid, expected_version int)
returns public.appointments
language plpgsql
set search_path = ''
as $$
declare
  visit public.appointments;
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  -- Looked at first, so that strangers cannot make others wait for a row lock.
  select * into visit from public.appointments
  where appointments.id = appointment_to_change.appointment_id;
  if visit.id is null or private.acting_as(visit.clinic_id, visit.patient_id) is null then
    perform private.raise_error('not_found');
  end if;
  -- Sessions before their seats, in the order in which a session moves.
  if visit.session_id is not null then
    perform private.lock_session(visit.session_id, true);
  end if;
  select * into visit from public.appointments
  where appointments.id = appointment_to_change.appointment_id for no key update;
  if visit.id is null then
    perform private.raise_error('not_found');
  end if;
  if visit.version <> expected_version then
    perform private.raise_error('stale_version');
  end if;
  return visit;
end;
$$;

-- Definer: nobody may update appointments directly; check_transition decides who may do what.
create function public.change_appointment_status(
  appointment_id uuid,
  status public.appointment_status,
  reason text default null,
  expected_version int default null
) returns public.appointments
language plpgsql
security definer
set search_path = ''
as $$
declare
  visit public.appointments := private.appointment_to_change(
    change_appointment_status.appointment_id, change_appointment_status.expected_version);
begin
  if change_appointment_status.status is null then
    perform private.raise_error('invalid_input', 'Give the new status.');
  end if;
  if visit.status = change_appointment_status.status then
    perform private.raise_error('illegal_transition', 'The appointment is in this state already.');
  end if;
  update public.appointments set status = change_appointment_status.status
  where appointments.id = visit.id
  returning * into visit;
  perform private.keep_reason(visit, 'change', change_appointment_status.reason);
  return visit;
end;
$$;

-- Invoker: change_appointment_status does the work and the checks.
create function public.cancel_appointment(
  appointment_id uuid,
  reason text default null,
  expected_version int default null
) returns public.appointments
language sql
set search_path = ''
as $$
  select * from public.change_appointment_status(
    cancel_appointment.appointment_id, 'cancelled',
    cancel_appointment.reason, cancel_appointment.expected_version);
$$;

-- Definer: nobody may update appointments directly; who may move what is checked here.
create function public.reschedule_appointment(
  appointment_id uuid,
  starts_at timestamptz,
  provider_id uuid default null,
  request_id uuid default null,
  expected_version int default null,
  overbook_reason text default null
) returns public.appointments
language plpgsql
security definer
set search_path = ''
as $$
declare
  visit public.appointments;
begin
  -- The version is checked only if this is not a repetition, which has raised it itself.
  visit := private.appointment_to_change(reschedule_appointment.appointment_id, null);
  if private.earlier_result(
    reschedule_appointment.request_id,
    jsonb_build_array('reschedule_appointment', visit.id,
      reschedule_appointment.starts_at at time zone 'UTC', reschedule_appointment.provider_id,
      reschedule_appointment.overbook_reason),
    visit.id
  ) is not null then
    return visit;
  end if;
  if visit.version <> reschedule_appointment.expected_version then
    perform private.raise_error('stale_version');
  end if;
  return private.move_visit(visit, reschedule_appointment.starts_at,
    reschedule_appointment.provider_id, reschedule_appointment.overbook_reason,
    not private.is_staff_of(visit.clinic_id));
end;
$$;

-- Moves a visit that the caller has locked. `for_patient`: bound as its patient is; and what the clinic
-- has approved was the old time, so the new one is asked for again.
create function private.move_visit(
  visit public.appointments,
  starts_at timestamptz,
  provider_id uuid,
  overbook_reason text,
  for_patient boolean
) returns public.appointments
language plpgsql
set search_path = ''
as $$
declare
  service public.services;
  place private.offer;
  wanted_provider uuid;
  overruling text;
  moved public.appointments;
begin
  if visit.status not in ('pending', 'booked') then
    perform private.raise_error('illegal_transition', 'This appointment is over or called off; '
      'it cannot be moved.');
  end if;
  if visit.session_id is not null then
    perform private.raise_error('not_allowed', 'A seat moves with its session. Cancel it and join '
      'another one.');
  end if;
  select * into strict service from public.services where services.id = visit.service_id;
  perform private.check_bookable_time(service, move_visit.starts_at, not for_patient);
  if for_patient
    and now() > visit.starts_at - make_interval(mins => service.cancel_notice_minutes) then
    perform private.raise_error('too_late_to_cancel', 'It is too late to move this appointment '
      'online. Please call the clinic.');
  end if;

  wanted_provider := coalesce(move_visit.provider_id, visit.provider_id);
  overruling := private.usable_overbook_reason(visit.clinic_id, move_visit.overbook_reason);
  if overruling is not null then
    place := private.overbooked_place(service, wanted_provider, move_visit.starts_at);
  else
    place := private.usual_place(service, wanted_provider, move_visit.starts_at);
    if place.provider_id is null then
      select * into place
      from private.offered_places(service, wanted_provider, move_visit.starts_at)
      order by offered_places.location_id <> visit.location_id
      limit 1;
    end if;
  end if;
  if place.provider_id is null then
    perform private.raise_error('outside_availability');
  end if;
  if overruling is null
    and private.is_visibly_taken(service, place.provider_id, place.during, visit.id) then
    perform private.raise_error('slot_taken');
  end if;
  update public.appointments as known set
    starts_at = lower(place.during), ends_at = upper(place.during),
    provider_id = place.provider_id, location_id = place.location_id,
    overbook_reason = overruling,
    status = case
      when for_patient and service.needs_approval
        and (lower(place.during), place.provider_id) <> (known.starts_at, known.provider_id)
        then 'pending'
      else known.status
    end
  where known.id = visit.id
  returning * into moved;
  return moved;
end;
$$;

comment on function public.book_appointment(uuid, timestamptz, uuid, uuid, uuid, uuid, text, text) is
  'Books one offered time, or confirms a hold. No provider: any who is free, fairly chosen. No '
  'patient: the caller. The same request_id again returns the same appointment. Staff may overbook, '
  'with a reason: any time that is free, outside hours and beyond limits.';
comment on function public.change_appointment_status(uuid, public.appointment_status, text, int) is
  'Moves the status along the transition table; who may, and how late, is in its rows.';
comment on function public.cancel_appointment(uuid, text, int) is 'Calls the visit off.';
comment on function public.reschedule_appointment(uuid, timestamptz, uuid, uuid, int, text) is
  'Moves the visit to another offered time; the old time is kept if that fails. What a patient moves '
  'waits for approval again if the service needs it.';

grant execute on function
  public.book_appointment(uuid, timestamptz, uuid, uuid, uuid, uuid, text, text),
  public.change_appointment_status(uuid, public.appointment_status, text, int),
  public.cancel_appointment(uuid, text, int),
  public.reschedule_appointment(uuid, timestamptz, uuid, uuid, int, text)
to authenticated, service_role;
