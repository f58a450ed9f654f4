-- Availability: weekly hours in wall time, and the one function that turns them into open time.
-- Promises: wall_clock_time.
-- Access: members read weekly hours; managers and owners change them.

create table public.weekly_hours (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  provider_id uuid not null,
  location_id uuid not null,
  weekday smallint not null constraint weekly_hours_weekday_is_iso check (weekday between 1 and 7),
  opens time not null,
  closes time not null,
  valid_from date not null default date '2000-01-01'
    constraint weekly_hours_valid_from_is_a_day check (isfinite(valid_from)),
  valid_until date,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint weekly_hours_opens_before_closes check (opens < closes),
  constraint weekly_hours_valid_from_before_until check (valid_from <= valid_until),
  constraint weekly_hours_provider_is_of_clinic
    foreign key (clinic_id, provider_id) references public.providers (clinic_id, id)
    on delete cascade,
  constraint weekly_hours_location_is_of_clinic
    foreign key (clinic_id, location_id) references public.locations (clinic_id, id)
);

create index weekly_hours_by_provider on public.weekly_hours (provider_id, location_id, weekday);
create index weekly_hours_by_location on public.weekly_hours (location_id);

comment on table public.weekly_hours is
  'When a provider works at a location, week by week, as the wall clock there shows it.';
comment on column public.weekly_hours.weekday is '1 is Monday, 7 is Sunday.';
comment on column public.weekly_hours.closes is
  '24:00 is the end of the day. Hours past midnight are two rows.';
comment on column public.weekly_hours.valid_until is 'The last day; null: until further notice.';

create trigger _100_set_updated_at before update on public.weekly_hours
  for each row execute function private.set_updated_at();

alter table public.weekly_hours enable row level security;

create policy "members read weekly hours" on public.weekly_hours
  for select to authenticated using (clinic_id = any (array(select private.my_clinics())));
create policy "managers add weekly hours" on public.weekly_hours
  for insert to authenticated
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers change weekly hours" on public.weekly_hours
  for update to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))))
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers remove weekly hours" on public.weekly_hours
  for delete to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));

grant select, insert, update, delete on public.weekly_hours to authenticated, service_role;

-- The provider's hours at the location that touch the time asked about, one range per row of
-- weekly_hours and day, whole and not merged: offered starts are counted from their beginnings.
create function private.shifts(
  provider_id uuid, location_id uuid, from_time timestamptz, to_time timestamptz
) returns setof tstzrange
language plpgsql
stable
rows 20
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select tstzrange(shift.opens_at, shift.closes_at)
  from public.weekly_hours as hours
  join public.locations as place on place.id = hours.location_id
  -- A day more on either side: a zone's day begins up to 14 hours before or after UTC's.
  cross join lateral (
    select (shifts.from_time at time zone place.time_zone)::date - 1 as first_day,
           (shifts.to_time at time zone place.time_zone)::date + 1 as last_day
  ) as days
  cross join lateral generate_series(
    (hours.weekday - extract(isodow from days.first_day)::int + 7) % 7,
    days.last_day - days.first_day,
    7
  ) as step (days_on)
  cross join lateral (select days.first_day + step.days_on as day) as calendar
  cross join lateral (
    select private.local_instant(calendar.day, hours.opens, place.time_zone) as opens_at,
           private.local_instant(calendar.day, hours.closes, place.time_zone) as closes_at
  ) as shift
  where hours.provider_id = shifts.provider_id
    and hours.location_id = shifts.location_id
    and calendar.day >= hours.valid_from
    and (hours.valid_until is null or calendar.day <= hours.valid_until)
    -- Hours that a clock change skips whole leave nothing.
    and shift.opens_at < shift.closes_at
    and shift.opens_at < shifts.to_time
    and shift.closes_at > shifts.from_time;
end;
$$;

-- When the provider is there, whatever is booked: the shifts that touch the time asked about, merged.
create function private.open_time(
  provider_id uuid, location_id uuid, from_time timestamptz, to_time timestamptz
) returns tstzmultirange
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select coalesce(range_agg(shift.during), '{}')
    from private.shifts(
      open_time.provider_id, open_time.location_id, open_time.from_time, open_time.to_time
    ) as shift (during)
  );
end;
$$;

comment on function private.open_time(uuid, uuid, timestamptz, timestamptz) is
  'Promise inside_availability: the one answer to "is the provider there then".';
