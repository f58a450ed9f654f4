-- Hours and exceptions as people type them: what can be left out is filled in, what cannot be meant
-- is refused in words, on plain SQL too. The constraints of the tables stay the proof.
-- Promises: tenant_walls, wall_clock_time.

-- Definer: callers may not execute the functions it uses, and must not see other clinics' rows.
create function private.fill_in_weekly_hours() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  new.clinic_id := coalesce(
    new.clinic_id,
    (select providers.clinic_id from public.providers where providers.id = new.provider_id));
  perform private.check_clinics_own(new.clinic_id, new.provider_id, new.location_id);
  if new.provider_id is null or new.location_id is null or new.weekday is null
    or new.opens is null or new.closes is null then
    perform private.raise_error('invalid_input', 'Give a provider, a location, a weekday and the '
      'times from and until.');
  end if;
  if new.weekday not between 1 and 7 then
    perform private.raise_error('invalid_input', 'Weekdays are 1 (Monday) to 7 (Sunday).');
  end if;
  if new.cycle_weeks is null or new.cycle_weeks not between 1 and 52 then
    perform private.raise_error('invalid_input', 'Hours come every 1 to 52 weeks.');
  end if;
  if new.opens >= new.closes then
    perform private.raise_error('invalid_time', 'Hours have to end after they begin. Hours past '
      'midnight are two rows: until 24:00, and from 00:00 on the next day.');
  end if;
  if new.valid_from is null or not isfinite(new.valid_from) or not isfinite(new.valid_until)
    or new.valid_until < new.valid_from then
    perform private.raise_error('invalid_time', 'The last day may not be before the first. Leave '
      'it empty for hours that hold until further notice.');
  end if;
  if new.cycle_from > new.valid_from or not isfinite(new.cycle_from) then
    perform private.raise_error('invalid_time', 'The weeks of a cycle are counted from the first day '
      'or one before it. Leave it empty for the first day.');
  end if;
  return new;
end;
$$;

-- Definer: as fill_in_weekly_hours.
create function private.fill_in_exception() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  new.clinic_id := coalesce(
    new.clinic_id,
    (select providers.clinic_id from public.providers where providers.id = new.provider_id),
    (select locations.clinic_id from public.locations where locations.id = new.location_id));
  if new.clinic_id is null then
    perform private.raise_error('invalid_input', 'Give a provider, a location or the clinic.');
  end if;
  perform private.check_clinics_own(new.clinic_id, new.provider_id, new.location_id);
  new.ends_on := coalesce(new.ends_on, new.starts_on);
  if new.kind is null or new.starts_on is null then
    perform private.raise_error('invalid_input', 'Give the kind and the first day.');
  end if;
  if not isfinite(new.starts_on) or not isfinite(new.ends_on) or new.ends_on < new.starts_on
    or new.ends_on - new.starts_on > 3660 then
    perform private.raise_error('invalid_time', 'The last day may not be before the first, nor ten '
      'years after it.');
  end if;
  if (new.opens is null) <> (new.closes is null) then
    perform private.raise_error('invalid_input', 'Give both times, or none for whole days.');
  end if;
  if new.opens >= new.closes then
    perform private.raise_error('invalid_time', 'The time until has to be after the time from. What '
      'goes past midnight is two rows.');
  end if;
  if length(new.reason) > 200 then
    perform private.raise_error('invalid_input', 'Give a reason of at most 200 characters.');
  end if;
  new.reason := nullif(btrim(new.reason), '');
  return new;
end;
$$;

-- Refuses a provider or location of another clinic, or none at all; either may be left out.
create function private.check_clinics_own(clinic_id uuid, provider_id uuid, location_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if check_clinics_own.provider_id is not null and not exists (
    select from public.providers
    where providers.id = check_clinics_own.provider_id
      and providers.clinic_id = check_clinics_own.clinic_id
  ) then
    perform private.raise_error('not_found', 'This provider does not work in this clinic.');
  end if;
  if check_clinics_own.location_id is not null and not exists (
    select from public.locations
    where locations.id = check_clinics_own.location_id
      and locations.clinic_id = check_clinics_own.clinic_id
  ) then
    perform private.raise_error('not_found', 'This clinic has no such location.');
  end if;
end;
$$;

-- Definer: as fill_in_weekly_hours.
create function private.refuse_unknown_time_zone() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if not exists (select from private.time_zones where time_zones.name = new.time_zone) then
    perform private.raise_error('invalid_input', 'There is no such time zone. Give a name like '
      'Europe/Vienna.');
  end if;
  return new;
end;
$$;

create trigger _050_fill_in before insert or update on public.weekly_hours
  for each row execute function private.fill_in_weekly_hours();
create trigger _050_fill_in before insert or update on public.availability_exceptions
  for each row execute function private.fill_in_exception();

create trigger _050_refuse_unknown_time_zone before insert or update of time_zone on public.clinics
  for each row when (new.time_zone is not null)
  execute function private.refuse_unknown_time_zone();
create trigger _050_refuse_unknown_time_zone before insert or update of time_zone
  on public.locations
  for each row when (new.time_zone is not null)
  execute function private.refuse_unknown_time_zone();
