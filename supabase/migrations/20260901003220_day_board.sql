-- The day board: what the front desk and providers need to run a day, beside the visits themselves.
-- Promises: hours come from the one answer of open_times, rooms from the ledger; a block of time
--           breaks no booked visit silently; an offer made by hand is a hold like any other.
-- Access: members of the clinic; blocking time is for the front desk, managers, owners, and for
--         providers their own.

-- Definer: hours are computed in private; who may ask is checked here.
create function public.working_hours(clinic_id uuid, from_time timestamptz, to_time timestamptz)
returns table (
  provider_id uuid, location_id uuid, opens_at timestamptz, closes_at timestamptz
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform private.check_day_asked(
    working_hours.clinic_id, working_hours.from_time, working_hours.to_time);
  return query
  select place.provider_id, place.location_id,
    greatest(lower(piece), working_hours.from_time), least(upper(piece), working_hours.to_time)
  from (
    select array_agg(providers.id) as providers, array_agg(locations.id) as locations
    from public.providers
    join public.locations on locations.clinic_id = providers.clinic_id
    where providers.clinic_id = working_hours.clinic_id and providers.active
  ) as asked
  cross join lateral private.open_times(
    asked.providers, asked.locations, working_hours.from_time, working_hours.to_time) as place
  cross join lateral unnest(place.open_time) as piece
  where piece && tstzrange(working_hours.from_time, working_hours.to_time)
  order by 1, 3, 2;
end;
$$;

-- Definer: staff may not read the ledger; what comes out says which room, never when or who.
create function public.rooms_in_use(clinic_id uuid, from_time timestamptz, to_time timestamptz)
returns table (appointment_id uuid, resource_id uuid)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  perform private.check_day_asked(
    rooms_in_use.clinic_id, rooms_in_use.from_time, rooms_in_use.to_time);
  return query
  with visits as materialized (
    select visit.id, visit.session_id from public.appointments as visit
    where visit.clinic_id = rooms_in_use.clinic_id
      and visit.starts_at >= rooms_in_use.from_time and visit.starts_at < rooms_in_use.to_time
  )
  select visits.id, kept.resource_id
  from visits
  join private.reservations as kept on kept.appointment_id = visits.id
  join public.resources on resources.id = kept.resource_id
  union
  select visits.id, kept.resource_id
  from visits
  join private.reservations as kept on kept.session_id = visits.session_id
  join public.resources on resources.id = kept.resource_id
  order by 1, 2;
end;
$$;

-- A function, so that the name somebody types stands in no address and no log. Invoker: row security
-- decides whose records are looked through.
create function public.find_patients(clinic_id uuid, name text, max_results int default 8)
returns table (patient_id uuid, full_name text, birth_year int)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
declare
  words text[] := (regexp_split_to_array(lower(btrim(find_patients.name)), '\s+'))[1:5];
begin
  if coalesce(btrim(find_patients.name), '') = '' then
    return;
  end if;
  return query
  select found.id, found.full_name,
    case when found.namesakes > 1 then private.birth_year_of(found.id) end
  from (
    select patients.id, patients.full_name,
      count(*) over (partition by lower(btrim(patients.full_name))) as namesakes
    from public.patients
    where patients.clinic_id = find_patients.clinic_id
      and patients.merged_into is null and patients.erased_at is null
      and not exists (
        select from unnest(words) as word where strpos(lower(patients.full_name), word) = 0
      )
    order by patients.full_name, patients.id
    limit least(greatest(find_patients.max_results, 1), 50)
  ) as found
  order by found.full_name, found.id;
end;
$$;

-- Definer: a date of birth is read through open_patient alone. Its year is what staff need to tell two
-- people of one name apart.
create function private.birth_year_of(patient_id uuid) returns int
language sql
stable
security definer
set search_path = ''
as $$
  select extract(year from patients.date_of_birth)::int from public.patients
  where patients.id = birth_year_of.patient_id and private.is_staff_of(patients.clinic_id);
$$;

-- Raises not_found for strangers, invalid_time or limit_reached for a span that is none or too long.
create function private.check_day_asked(
  clinic_id uuid, from_time timestamptz, to_time timestamptz
) returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not exists (select from public.clinics where clinics.id = check_day_asked.clinic_id)
    or not private.is_staff_of(check_day_asked.clinic_id) then
    perform private.raise_error('not_found');
  end if;
  if from_time is null or to_time is null or not isfinite(from_time) or not isfinite(to_time)
    or from_time >= to_time then
    perform private.raise_error('invalid_time', 'Give a beginning and an end after it.');
  end if;
  if to_time - from_time > interval '62 days' then
    perform private.raise_error('limit_reached', 'Ask for at most 62 days at once.');
  end if;
end;
$$;

-- Raises not_found for strangers, not_allowed for providers who are not this one.
create function private.check_may_block(clinic_id uuid, provider_id uuid) returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  if check_may_block.clinic_id is null or not private.is_staff_of(check_may_block.clinic_id) then
    perform private.raise_error('not_found');
  end if;
  if not private.is_trusted()
    and not check_may_block.clinic_id in (
      select private.my_clinics_as('owner', 'manager', 'front_desk'))
    and not exists (
      select from public.providers
      where providers.id = check_may_block.provider_id and providers.user_id = auth.uid()
    ) then
    perform private.raise_error('not_allowed', 'Providers block their own time.');
  end if;
end;
$$;

-- Definer: managers alone write exceptions directly; who may block what is checked here.
create function public.block_time(
  provider_id uuid,
  starts_at timestamptz,
  ends_at timestamptz,
  reason text default null,
  on_conflict public.on_visits_outside default 'refuse'
) returns setof public.visit_outside_hours
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  clinic uuid := (
    select providers.clinic_id from public.providers
    where providers.id = block_time.provider_id);
  outside_before uuid[];
  outside public.visit_outside_hours[];
begin
  perform private.check_may_block(clinic, block_time.provider_id);
  if block_time.on_conflict is null then
    perform private.raise_error('invalid_input', 'Say refuse, mark or preview.');
  end if;
  if not coalesce(isfinite(block_time.starts_at) and isfinite(block_time.ends_at)
    and block_time.starts_at < block_time.ends_at, false) then
    perform private.raise_error('invalid_time', 'Give a beginning and an end after it.');
  end if;
  perform private.lock_hours(array[block_time.provider_id], true);
  outside_before := array(
    select visit.id
    from private.visits_outside_hours(clinic, array[block_time.provider_id]) as visit);
  begin
    perform private.write_block(clinic, block_time.provider_id,
      tstzrange(block_time.starts_at, block_time.ends_at), nullif(btrim(block_time.reason), ''));
    outside := private.newly_outside(clinic, array[block_time.provider_id], outside_before);
    perform private.judge_change(outside, block_time.on_conflict);
  exception when sqlstate 'APPRV' then
    null;
  end;
  return query select * from unnest(outside);
end;
$$;

-- Exceptions are wall time: one for all places, or one for each where their clocks differ.
-- Raises invalid_time.
create function private.write_block(
  clinic_id uuid, provider_id uuid, during tstzrange, reason text
) returns void
language plpgsql
set search_path = ''
as $$
declare
  is_one_zone boolean := (
    select count(distinct locations.time_zone) = 1 from public.locations
    where locations.clinic_id = write_block.clinic_id);
  place record;
begin
  for place in
    select case when not is_one_zone then locations.id end as id,
      min(lower(during) at time zone locations.time_zone) as begins,
      min(upper(during) at time zone locations.time_zone) as ends
    from public.locations
    where locations.clinic_id = write_block.clinic_id
    group by 1
  loop
    if place.begins >= place.ends or place.ends > place.begins::date + interval '1 day' then
      perform private.raise_error('invalid_time', 'Block time on one day; whole days and longer '
        'absences are exceptions.');
    end if;
    insert into public.availability_exceptions
      (clinic_id, provider_id, location_id, kind, starts_on, ends_on, opens, closes, reason)
    values (write_block.clinic_id, write_block.provider_id, place.id, 'closed',
      place.begins::date, place.begins::date, place.begins::time,
      case when place.ends::date > place.begins::date then '24:00' else place.ends::time end,
      write_block.reason);
  end loop;
end;
$$;

-- Definer: as block_time. Whole days and closures of the clinic are for managers.
create function public.unblock_time(exception_id uuid) returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  block public.availability_exceptions;
begin
  select * into block from public.availability_exceptions
  where availability_exceptions.id = unblock_time.exception_id;
  perform private.check_may_block(block.clinic_id, block.provider_id);
  if block.provider_id is null or block.kind <> 'closed' or block.opens is null then
    perform private.raise_error('not_allowed', 'Owners and managers change closures and absences.');
  end if;
  delete from public.availability_exceptions where availability_exceptions.id = block.id;
end;
$$;

-- Definer: nobody may write offers directly; who may offer what is checked here.
create function public.offer_time(entry_id uuid, provider_id uuid, starts_at timestamptz)
returns public.waitlist_offers
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  entry public.waitlist_entries;
  service public.services;
  place private.offer;
  candidate private.offer_candidate;
begin
  -- Looked at first, so that strangers cannot make others wait for a row lock.
  select * into entry from public.waitlist_entries
  where waitlist_entries.id = offer_time.entry_id;
  if entry.id is null or not private.is_staff_of(entry.clinic_id) then
    perform private.raise_error('not_found');
  end if;
  select * into entry from public.waitlist_entries
  where waitlist_entries.id = offer_time.entry_id
  for no key update;
  if entry.status <> 'waiting' then
    perform private.raise_error('illegal_transition',
      'This patient has an offer already, or does not wait any more.');
  end if;
  service := private.service_to_book(entry.service_id, offer_time.provider_id);
  perform private.check_bookable_time(service, offer_time.starts_at);
  select * into place
  from private.offered_places(service, offer_time.provider_id, offer_time.starts_at) as offered
  where entry.location_id is null or offered.location_id = entry.location_id
  limit 1;
  if place.provider_id is null then
    perform private.raise_error('outside_availability');
  end if;
  if private.is_visibly_taken(service, place.provider_id, place.during, null) then
    perform private.raise_error('slot_taken');
  end if;
  candidate.entry_id := entry.id;
  candidate.patient_id := entry.patient_id;
  candidate.service_id := service.id;
  candidate.provider_id := place.provider_id;
  candidate.starts_at := lower(place.during);
  candidate.ends_at := upper(place.during);
  return private.make_offer(candidate, place.location_id);
end;
$$;

comment on function public.working_hours(uuid, timestamptz, timestamptz) is
  'When each active provider is there, by place, whatever is booked. Members only.';
comment on function public.rooms_in_use(uuid, timestamptz, timestamptz) is
  'Which rooms and equipment the visits that start in the span keep. Members only.';
comment on function public.find_patients(uuid, text, int) is
  'The clinic''s patients with all these words, or parts of them, in their names; for people of one '
  'name the year in which each was born, if it is known.';
comment on function public.block_time(
  uuid, timestamptz, timestamptz, text, public.on_visits_outside) is
  'Closes some hours of one day for a provider. Returns the coming visits that this leaves outside '
  'the hours; refuse changes nothing if there are any.';
comment on function public.unblock_time(uuid) is 'Takes a block of hours of one provider back.';
comment on function public.offer_time(uuid, uuid, timestamptz) is
  'Keeps a free time for a waiting patient and tells them, as the waiting list does by itself. To '
  'withdraw it, cancel the held appointment.';

-- find_patients asks as its caller, who is a person: programs have no use for it.
grant execute on function private.birth_year_of(uuid), public.find_patients(uuid, text, int)
to authenticated;
grant execute on function
  public.working_hours(uuid, timestamptz, timestamptz),
  public.rooms_in_use(uuid, timestamptz, timestamptz),
  public.block_time(uuid, timestamptz, timestamptz, text, public.on_visits_outside),
  public.unblock_time(uuid),
  public.offer_time(uuid, uuid, timestamptz)
to authenticated, service_role;
