-- Changing hours with an eye on what is booked: each function says which coming visits its change
-- would leave outside, and refuses it, makes it and marks them, or only says so.
-- Promises: inside_availability; no change of hours breaks a booked visit silently.
-- Access: owners and managers of the clinic, providers for themselves, and the service key.

create type public.on_visits_outside as enum (
  'refuse',  -- change nothing if any visit would be left outside
  'mark',    -- change, and mark those visits for follow-up
  'preview'  -- change nothing, only say which visits those would be
);

create type public.visit_outside_hours as (
  appointment_id uuid,
  provider_id uuid,
  location_id uuid,
  patient_id uuid,
  starts_at timestamptz,
  ends_at timestamptz,
  status public.appointment_status,
  session_id uuid
);

comment on type public.visit_outside_hours is
  'A coming visit or seat that a change leaves without hours; with a session_id and no '
  'appointment_id, a group session, whether anybody has a seat or not.';

-- Raises not_found for strangers and for what is not there, not_allowed for other members. Without a
-- provider it is about the hours of a whole clinic or location.
create function private.check_may_change_hours(clinic_id uuid, provider_id uuid) returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  if not exists (select from public.clinics where clinics.id = check_may_change_hours.clinic_id)
    or not private.is_staff_of(check_may_change_hours.clinic_id) then
    perform private.raise_error('not_found');
  end if;
  if not private.is_trusted()
    and not check_may_change_hours.clinic_id in (select private.my_clinics_as('owner', 'manager'))
    and not exists (
      select from public.providers as own
      where own.id = check_may_change_hours.provider_id
        and own.clinic_id = check_may_change_hours.clinic_id and own.user_id = auth.uid()
    ) then
    perform private.raise_error('not_allowed',
      'Owners and managers change hours, and providers their own.');
  end if;
end;
$$;

-- The coming visits outside that are not among those known to be.
create function private.newly_outside(clinic_id uuid, provider_ids uuid[], known uuid[])
returns public.visit_outside_hours[]
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select row(
      case when visit.patient_id is not null then visit.id end, visit.provider_id,
      visit.location_id, visit.patient_id, visit.starts_at, visit.ends_at, visit.status,
      case when visit.patient_id is null then visit.id else visit.session_id end
    )::public.visit_outside_hours
    from private.visits_outside_hours(newly_outside.clinic_id, provider_ids) as visit
    where not visit.id = any (known)
    order by visit.starts_at, visit.id
  );
end;
$$;

-- Lets a change stand that was made, or takes it back by raising: visits_outside_hours if it is to
-- be refused; for a preview a state of its own, which the caller catches.
create function private.judge_change(
  outside public.visit_outside_hours[], on_conflict public.on_visits_outside
) returns void
language plpgsql
set search_path = ''
as $$
begin
  if on_conflict = 'preview' then
    raise sqlstate 'APPRV';
  end if;
  if on_conflict = 'refuse' and outside <> '{}' then
    perform private.raise_error('visits_outside_hours', format('%s booked visits or planned '
      'sessions would be left outside of the hours. Ask with on_conflict preview to see them, or '
      'with mark to change the hours and have them marked for follow-up.', cardinality(outside)));
  end if;
end;
$$;

-- Replaces the weekly hours of a provider at a location from that day on. What is added comes before
-- what is cut, so that visits which stay inside are never outside in between.
create function private.replace_weekly_hours(
  clinic_id uuid, provider_id uuid, location_id uuid, hours jsonb, valid_from date
) returns void
language plpgsql
set search_path = ''
as $$
#variable_conflict use_variable
declare
  written uuid[];
begin
  with added as (
    insert into public.weekly_hours
      (clinic_id, provider_id, location_id, weekday, opens, closes, cycle_weeks, cycle_from,
        valid_from, valid_until)
    select clinic_id, provider_id, location_id, entry.weekday, entry.opens, entry.closes,
      coalesce(entry.cycle_weeks, 1), entry.cycle_from, valid_from, entry.valid_until
    from jsonb_to_recordset(hours) as entry (weekday smallint, opens time, closes time,
      cycle_weeks smallint, cycle_from date, valid_until date)
    returning weekly_hours.id
  )
  select coalesce(array_agg(added.id), '{}') into written from added;
  delete from public.weekly_hours as old
  where old.provider_id = replace_weekly_hours.provider_id
    and old.location_id = replace_weekly_hours.location_id
    and old.valid_from >= replace_weekly_hours.valid_from and not old.id = any (written);
  update public.weekly_hours as old set valid_until = replace_weekly_hours.valid_from - 1
  where old.provider_id = replace_weekly_hours.provider_id
    and old.location_id = replace_weekly_hours.location_id
    and old.valid_from < replace_weekly_hours.valid_from
    and coalesce(old.valid_until >= replace_weekly_hours.valid_from, true);
exception
  when invalid_text_representation or numeric_value_out_of_range or invalid_parameter_value
    or datatype_mismatch then
    perform private.raise_error('invalid_input', 'Give hours as a list of {weekday, opens, closes}, '
      'with cycle_weeks, and cycle_from, if they do not come every week, valid_until if they end.');
  when invalid_datetime_format or datetime_field_overflow then
    perform private.raise_error('invalid_time', 'Give times like 09:00.');
end;
$$;

-- Definer: writes hours and looks at all visits, after the caller's role is checked.
create function public.set_weekly_hours(
  provider_id uuid,
  location_id uuid,
  hours jsonb,
  valid_from date default null,
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
    where providers.id = set_weekly_hours.provider_id);
  providers uuid[] := array[set_weekly_hours.provider_id];
  today date := (
    select (now() at time zone locations.time_zone)::date from public.locations
    where locations.id = set_weekly_hours.location_id);
  first_day date := coalesce(set_weekly_hours.valid_from, today);
  outside_before uuid[];
  outside public.visit_outside_hours[];
begin
  perform private.check_may_change_hours(clinic, set_weekly_hours.provider_id);
  perform private.check_clinics_own(
    clinic, set_weekly_hours.provider_id, set_weekly_hours.location_id);
  if today is null or set_weekly_hours.on_conflict is null
    or jsonb_typeof(set_weekly_hours.hours) is distinct from 'array' then
    perform private.raise_error('invalid_input', 'Give a provider, a location and a list of hours; '
      'an empty list ends them.');
  end if;
  if jsonb_array_length(set_weekly_hours.hours) > 200 then
    perform private.raise_error('limit_reached', 'Give at most 200 hours at once.');
  end if;
  if not isfinite(first_day) or first_day < today then
    perform private.raise_error('invalid_time', 'Hours can be changed from today on.');
  end if;

  perform private.lock_hours(providers, true);
  outside_before := array(
    select visit.id from private.visits_outside_hours(clinic, providers) as visit);
  begin
    perform private.replace_weekly_hours(clinic, set_weekly_hours.provider_id,
      set_weekly_hours.location_id, set_weekly_hours.hours, first_day);
    outside := private.newly_outside(clinic, providers, outside_before);
    perform private.judge_change(outside, set_weekly_hours.on_conflict);
  exception when sqlstate 'APPRV' then
    null;
  end;
  return query select * from unnest(outside);
end;
$$;

-- Definer: as set_weekly_hours.
create function public.add_exception(
  starts_on date,
  ends_on date default null,
  kind public.availability_exception_kind default 'closed',
  clinic_id uuid default null,
  provider_id uuid default null,
  location_id uuid default null,
  opens time default null,
  closes time default null,
  reason text default null,
  on_conflict public.on_visits_outside default 'refuse'
) returns setof public.visit_outside_hours
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  clinic uuid := coalesce(
    add_exception.clinic_id,
    (select providers.clinic_id from public.providers
      where providers.id = add_exception.provider_id),
    (select locations.clinic_id from public.locations
      where locations.id = add_exception.location_id));
  providers uuid[];
  outside_before uuid[];
  outside public.visit_outside_hours[];
begin
  perform private.check_may_change_hours(clinic, add_exception.provider_id);
  if add_exception.on_conflict is null then
    perform private.raise_error('invalid_input', 'Say refuse, mark or preview.');
  end if;
  providers := array(
    select providers.id from public.providers
    where providers.clinic_id = clinic
      and (add_exception.provider_id is null or providers.id = add_exception.provider_id));
  perform private.lock_hours(providers, true);
  outside_before := array(
    select visit.id from private.visits_outside_hours(clinic, providers) as visit);
  begin
    insert into public.availability_exceptions
      (clinic_id, provider_id, location_id, kind, starts_on, ends_on, opens, closes, reason)
    values (clinic, add_exception.provider_id, add_exception.location_id, add_exception.kind,
      add_exception.starts_on, add_exception.ends_on, add_exception.opens, add_exception.closes,
      add_exception.reason);
    outside := private.newly_outside(clinic, providers, outside_before);
    perform private.judge_change(outside, add_exception.on_conflict);
  exception when sqlstate 'APPRV' then
    null;
  end;
  return query select * from unnest(outside);
end;
$$;

-- Definer: as set_weekly_hours.
create function public.remove_exception(
  exception_id uuid, on_conflict public.on_visits_outside default 'refuse'
) returns setof public.visit_outside_hours
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  removed public.availability_exceptions;
  providers uuid[];
  outside_before uuid[];
  outside public.visit_outside_hours[];
begin
  select * into removed from public.availability_exceptions
  where availability_exceptions.id = remove_exception.exception_id;
  perform private.check_may_change_hours(removed.clinic_id, removed.provider_id);
  if remove_exception.on_conflict is null then
    perform private.raise_error('invalid_input', 'Say refuse, mark or preview.');
  end if;
  providers := array(
    select providers.id from public.providers
    where providers.clinic_id = removed.clinic_id
      and (removed.provider_id is null or providers.id = removed.provider_id));
  perform private.lock_hours(providers, true);
  outside_before := array(
    select visit.id from private.visits_outside_hours(removed.clinic_id, providers) as visit);
  begin
    delete from public.availability_exceptions
    where availability_exceptions.id = remove_exception.exception_id;
    outside := private.newly_outside(removed.clinic_id, providers, outside_before);
    perform private.judge_change(outside, remove_exception.on_conflict);
  exception when sqlstate 'APPRV' then
    null;
  end;
  return query select * from unnest(outside);
end;
$$;

comment on function public.set_weekly_hours(uuid, uuid, jsonb, date, public.on_visits_outside) is
  'Replaces a provider''s hours at a location from that day (default: today) on by '
  '[{weekday, opens, closes, cycle_weeks, cycle_from, valid_until}]. Weeks of a cycle count from that of '
  'cycle_from, left out: of that day. Returns the coming visits this leaves outside.';
comment on function public.add_exception(date, date, public.availability_exception_kind, uuid, uuid,
    uuid, time, time, text, public.on_visits_outside) is
  'Closes the clinic, a location or a provider on those days, or opens extra hours. Returns the '
  'coming visits this leaves outside.';
comment on function public.remove_exception(uuid, public.on_visits_outside) is
  'Takes an exception back. Returns the coming visits this leaves outside.';

grant execute on function
  public.set_weekly_hours(uuid, uuid, jsonb, date, public.on_visits_outside),
  public.add_exception(date, date, public.availability_exception_kind, uuid, uuid, uuid, time, time,
    text, public.on_visits_outside),
  public.remove_exception(uuid, public.on_visits_outside)
to authenticated, service_role;
