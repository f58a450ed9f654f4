-- Availability: weekly hours and dated exceptions in wall time, and the one function that turns
-- them into open time.
-- Promises: wall_clock_time.
-- Access: members read hours and exceptions; managers and owners change them.

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
  valid_until date
    constraint weekly_hours_valid_until_is_a_day check (isfinite(valid_until)),
  cycle_weeks smallint not null default 1
    constraint weekly_hours_cycle_weeks_is_possible check (cycle_weeks between 1 and 52),
  cycle_from date
    constraint weekly_hours_cycle_from_is_a_day check (isfinite(cycle_from)),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint weekly_hours_opens_before_closes check (opens < closes),
  constraint weekly_hours_valid_from_before_until check (valid_from <= valid_until),
  constraint weekly_hours_cycle_from_before_valid_from check (cycle_from <= valid_from),
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

comment on column public.weekly_hours.cycle_weeks is
  'Every how many weeks, counted from the week of cycle_from; 1: every week.';
comment on column public.weekly_hours.cycle_from is
  'A day of a week of the cycle, valid_from or before; null: valid_from. Keep it when hours are changed, '
  'so that their weeks stay the same.';

create type public.availability_exception_kind as enum (
  'closed',  -- takes open time away, extra hours included
  'extra'    -- adds open time
);

create table public.availability_exceptions (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  provider_id uuid,
  location_id uuid,
  kind public.availability_exception_kind not null default 'closed',
  starts_on date not null
    constraint availability_exceptions_starts_on_is_a_day check (isfinite(starts_on)),
  ends_on date not null
    constraint availability_exceptions_ends_on_is_a_day check (isfinite(ends_on)),
  opens time,
  closes time,
  reason text
    constraint availability_exceptions_reason_is_short check (length(reason) <= 200)
    constraint availability_exceptions_reason_is_not_blank check (btrim(reason) <> ''),
  external_id text
    constraint availability_exceptions_external_id_is_short check (length(external_id) <= 200),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint availability_exceptions_starts_before_it_ends check (starts_on <= ends_on),
  constraint availability_exceptions_is_not_for_ever check (ends_on - starts_on <= 3660),
  constraint availability_exceptions_opens_before_closes check (opens < closes),
  constraint availability_exceptions_whole_days_or_both_times
    check ((opens is null) = (closes is null)),
  constraint availability_exceptions_external_id_is_unique unique (clinic_id, external_id),
  constraint availability_exceptions_provider_is_of_clinic
    foreign key (clinic_id, provider_id) references public.providers (clinic_id, id)
    on delete cascade,
  constraint availability_exceptions_location_is_of_clinic
    foreign key (clinic_id, location_id) references public.locations (clinic_id, id)
    on delete cascade
);

create index availability_exceptions_by_clinic
  on public.availability_exceptions (clinic_id, ends_on);
create index availability_exceptions_by_provider
  on public.availability_exceptions (clinic_id, provider_id);
create index availability_exceptions_by_location
  on public.availability_exceptions (clinic_id, location_id);

comment on table public.availability_exceptions is
  'Days on which the weekly hours do not hold: closed, or extra hours. Of a provider, of a location, '
  'of a provider at one location, or of the whole clinic, if neither is given.';
comment on column public.availability_exceptions.provider_id is 'Null: all providers.';
comment on column public.availability_exceptions.location_id is
  'Null: all locations, each in its own zone.';
comment on column public.availability_exceptions.kind is
  'Where closed and extra hours meet it is closed. Extra hours open the places at which a provider '
  'has weekly hours on that day; given a provider and a location, that place in any case.';
comment on column public.availability_exceptions.ends_on is
  'The last day. Left out: the first day.';
comment on column public.availability_exceptions.opens is
  'From this time on each of the days, as the wall clock at the location shows it; null: whole days.';
comment on column public.availability_exceptions.closes is
  'Until this time on each of the days; 24:00 is the end of the day; null: whole days.';
comment on column public.availability_exceptions.reason is
  'For the clinic''s staff; patients never see it.';
comment on column public.availability_exceptions.external_id is
  'Set by imports, so that the same holiday comes once.';

create trigger _100_set_updated_at before update on public.weekly_hours
  for each row execute function private.set_updated_at();
create trigger _100_set_updated_at before update on public.availability_exceptions
  for each row execute function private.set_updated_at();

alter table public.weekly_hours enable row level security;
alter table public.availability_exceptions enable row level security;

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

create policy "members read exceptions" on public.availability_exceptions
  for select to authenticated using (clinic_id = any (array(select private.my_clinics())));
create policy "managers add exceptions" on public.availability_exceptions
  for insert to authenticated
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers change exceptions" on public.availability_exceptions
  for update to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))))
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers remove exceptions" on public.availability_exceptions
  for delete to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));

grant select, insert, update, delete on public.weekly_hours, public.availability_exceptions
  to authenticated, service_role;

-- Days at one place of which none is longer than the other, and on which nothing but weekly hours and
-- days closed for everybody matters; location_id is null if that is not so.
create type private.even_days as (
  location_id uuid,
  first_day date,
  last_day date,
  midnight timestamptz,
  closed tstzmultirange
);

create function private.even_days_of(
  provider_ids uuid[], location_ids uuid[], from_time timestamptz, to_time timestamptz
) returns private.even_days
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  days private.even_days;
  site_clinic_id uuid;
  zone text;
  is_plain boolean;
begin
  if not location_ids[1] = all (location_ids) then
    return null;
  end if;
  select locations.clinic_id, locations.time_zone into site_clinic_id, zone
  from public.locations where locations.id = location_ids[1];
  days.first_day := (from_time at time zone zone)::date - 1;
  days.last_day := (to_time at time zone zone)::date + 1;
  days.midnight := days.first_day::timestamp at time zone zone;
  if exists (
    select from generate_series(0, days.last_day - days.first_day + 1) as day
    where (days.midnight + day * interval '24 hours') at time zone zone
      <> (days.first_day + day)::timestamp
  ) or exists (
    select from public.busy_blocks as busy
    where busy.provider_id = any (provider_ids)
      and tstzrange(busy.starts_at, busy.ends_at) && tstzrange(from_time, to_time)
  ) then
    return null;
  end if;
  select
    coalesce(bool_and(exception.kind = 'closed' and exception.provider_id is null
      and exception.opens is null), true),
    coalesce(range_agg(tstzrange(
      days.midnight + (greatest(exception.starts_on, days.first_day) - days.first_day)
        * interval '24 hours',
      days.midnight + (least(exception.ends_on, days.last_day) + 1 - days.first_day)
        * interval '24 hours')), '{}')
  into is_plain, days.closed
  from public.availability_exceptions as exception
  where exception.clinic_id = site_clinic_id
    and exception.ends_on >= days.first_day and exception.starts_on <= days.last_day
    and (exception.provider_id is null or exception.provider_id = any (provider_ids))
    and (exception.location_id is null or exception.location_id = location_ids[1]);
  if is_plain then
    days.location_id := location_ids[1];
  end if;
  return days;
end;
$$;

-- The one place where rules become open time: for each asked pair of provider and location the hours
-- and exceptions that touch [from_time, to_time), whole. `shifts` are the weekly and extra hours, one
-- range for each row and day, not merged, since offered starts are counted from their beginnings;
-- `open_time` is the shifts merged, less what is closed. A pair without shifts gives no row.
-- One statement for all pairs, planned once per session: this is the hottest read of all. Its shape
-- costs more than its rows, so spans of days in which every day is as long as the other have their own.
create function private.open_times(
  provider_ids uuid[], location_ids uuid[], from_time timestamptz, to_time timestamptz
) returns table (
  provider_id uuid, location_id uuid, open_time tstzmultirange, shifts tstzrange[]
)
language plpgsql
stable
rows 10
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
#variable_conflict use_column
declare
  days private.even_days := private.even_days_of(
    open_times.provider_ids, open_times.location_ids, open_times.from_time, open_times.to_time);
begin
  if days.location_id is not null then
    return query
    select shift.provider_id, days.location_id, range_agg(shift.during) - days.closed,
      array_agg(shift.during)
    from (
      select wall.provider_id, tstzrange(
        days.midnight + wall.day * interval '24 hours' + wall.opens::interval,
        days.midnight + wall.day * interval '24 hours' + wall.closes::interval) as during
      from (
        -- The first day, counted from first_day, on which these hours hold, and all that follow.
        select hours.provider_id, hours.opens, hours.closes, generate_series(
          week.day_one + greatest(0, (week.earliest - week.day_one + week.cycle_days - 1)
            / week.cycle_days * week.cycle_days),
          least(days.last_day, hours.valid_until) - days.first_day,
          week.cycle_days
        ) as day
        from public.weekly_hours as hours
        cross join lateral (
          select cycle.begins - extract(isodow from cycle.begins)::int + hours.weekday
              - days.first_day as day_one,
            greatest(hours.valid_from - days.first_day, 0) as earliest,
            7 * hours.cycle_weeks as cycle_days
          from (select coalesce(hours.cycle_from, hours.valid_from)) as cycle (begins)
          offset 0
        ) as week
        where hours.provider_id = any (open_times.provider_ids)
          and hours.location_id = days.location_id
      ) as wall
    ) as shift
    where shift.during && tstzrange(open_times.from_time, open_times.to_time)
    group by shift.provider_id;
    return;
  end if;
  return query
  with site as materialized (
    -- A day more on either side costs little and bears clock changes at midnight.
    select location.id, location.clinic_id, location.time_zone, days.first_day, days.last_day,
      -- When each day begins there, from the day before the first to the day after the last.
      array(
        select (days.first_day + step)::timestamp at time zone location.time_zone
        from generate_series(-1, days.last_day - days.first_day + 1) as step
      ) as midnights
    from public.locations as location
    cross join lateral (
      select
        (open_times.from_time at time zone location.time_zone)::date - 1 as first_day,
        (open_times.to_time at time zone location.time_zone)::date + 1 as last_day
    ) as days
    where location.id = any (open_times.location_ids)
  ), place as materialized (
    select asked.provider_id, site.*
    from unnest(open_times.provider_ids, open_times.location_ids)
      as asked (provider_id, location_id)
    join site on site.id = asked.location_id
  ), wall as (
    select place.provider_id, place.id, place.time_zone, place.first_day, place.midnights,
      false as is_closed, week.day_one + step.days as day, hours.opens, hours.closes
    from place
    join public.weekly_hours as hours
      on hours.provider_id = place.provider_id and hours.location_id = place.id
    cross join lateral (
      -- The weekday in the week of cycle_from: cycles are counted from there.
      select cycle.begins - extract(isodow from cycle.begins)::int + hours.weekday as day_one,
        7 * hours.cycle_weeks as cycle_days
      from (select coalesce(hours.cycle_from, hours.valid_from)) as cycle (begins)
    ) as week
    cross join lateral (
      select greatest(place.first_day, hours.valid_from) - week.day_one as earliest,
        least(place.last_day, hours.valid_until) - week.day_one as latest
    ) as days
    cross join lateral generate_series(
      (days.earliest + week.cycle_days - 1) / week.cycle_days * week.cycle_days,
      days.latest,
      week.cycle_days
    ) as step (days)
    union all
    select place.provider_id, place.id, place.time_zone, place.first_day, place.midnights,
      exception.kind = 'closed', exception.starts_on + step.days,
      coalesce(exception.opens, '00:00'), coalesce(exception.closes, '24:00')
    from place
    join public.availability_exceptions as exception
      on exception.clinic_id = place.clinic_id and exception.ends_on >= place.first_day
      and exception.starts_on <= place.last_day
      and (exception.provider_id is null or exception.provider_id = place.provider_id)
      and (exception.location_id is null or exception.location_id = place.id)
    cross join lateral generate_series(
      greatest(place.first_day - exception.starts_on, 0),
      least(place.last_day, exception.ends_on) - exception.starts_on
    ) as step (days)
    where exception.kind = 'closed'
      or (exception.provider_id is not null and exception.location_id is not null)
      or exists (
        select from public.weekly_hours as hours
        where hours.provider_id = place.provider_id and hours.location_id = place.id
          and exception.starts_on + step.days >= hours.valid_from
          and (hours.valid_until is null or exception.starts_on + step.days <= hours.valid_until)
      )
  ), instants as materialized (
    select wall.provider_id, wall.id as location_id, wall.is_closed,
      -- Between two days of 24 hours no clock changed: plain addition spares a conversion.
      case
        when nearby.is_plain then nearby.midnight + wall.opens::interval
        else private.local_instant(wall.day, wall.opens, wall.time_zone)
      end as opens_at,
      case
        when nearby.is_plain then nearby.midnight + wall.closes::interval
        else private.local_instant(wall.day, wall.closes, wall.time_zone)
      end as closes_at
    from wall
    cross join lateral (
      select wall.midnights[wall.day - wall.first_day + 2] as midnight,
        wall.midnights[wall.day - wall.first_day + 3]
          = wall.midnights[wall.day - wall.first_day + 1] + interval '48 hours' as is_plain
    ) as nearby
    union all
    -- Time that outside calendars keep busy is closed at every location.
    select place.provider_id, place.id, true, busy.starts_at, busy.ends_at
    from place
    join public.busy_blocks as busy
      on busy.provider_id = place.provider_id
      and tstzrange(busy.starts_at, busy.ends_at)
        && tstzrange(open_times.from_time, open_times.to_time)
  )
  select instants.provider_id, instants.location_id,
    range_agg(tstzrange(instants.opens_at, instants.closes_at))
        filter (where not instants.is_closed)
      - coalesce(range_agg(tstzrange(instants.opens_at, instants.closes_at))
        filter (where instants.is_closed), '{}'),
    array_agg(tstzrange(instants.opens_at, instants.closes_at))
      filter (where not instants.is_closed)
  from instants
  -- Hours that a clock change skips whole leave nothing.
  where instants.opens_at < instants.closes_at
    and instants.opens_at < open_times.to_time
    and instants.closes_at > open_times.from_time
  group by instants.provider_id, instants.location_id
  having bool_or(not instants.is_closed);
end;
$$;

-- When the provider is there, whatever is booked.
create function private.open_time(
  provider_id uuid, location_id uuid, from_time timestamptz, to_time timestamptz
) returns tstzmultirange
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce((
    select place.open_time
    from private.open_times(
      array[open_time.provider_id], array[open_time.location_id],
      open_time.from_time, open_time.to_time
    ) as place
  ), '{}');
end;
$$;

-- Whether a row of weekly hours covers the visit on a day without exceptions, imported busy time or a
-- clock change: so it is with most visits, and then open_time says the same at several times the cost.
-- False says nothing. A day next to a clock change is left to open_time, so the wall clock can be
-- compared as it stands.
create function private.lies_in_weekly_hours(
  provider_id uuid, location_id uuid, starts_at timestamptz, ends_at timestamptz
) returns boolean
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  place_clinic_id uuid;
  zone text;
  wall timestamp;
  day date;
begin
  select locations.clinic_id, locations.time_zone into place_clinic_id, zone
  from public.locations where locations.id = lies_in_weekly_hours.location_id;
  if private.changes_clock_around(starts_at, zone) then
    return false;
  end if;
  wall := starts_at at time zone zone;
  day := wall::date;
  return exists (
    select from public.weekly_hours as hours
    where hours.provider_id = lies_in_weekly_hours.provider_id
      and hours.location_id = lies_in_weekly_hours.location_id
      and hours.weekday = extract(isodow from day)::smallint
      and hours.opens <= wall::time and wall + (ends_at - starts_at) <= day + hours.closes
      and hours.valid_from <= day and (hours.valid_until is null or day <= hours.valid_until)
      and private.is_week_of_cycle(
        day, coalesce(hours.cycle_from, hours.valid_from), hours.cycle_weeks)
  ) and not exists (
    select from public.availability_exceptions as exception
    where exception.clinic_id = place_clinic_id and exception.ends_on >= day
      and exception.starts_on <= day and exception.kind = 'closed'
      and (exception.provider_id is null
        or exception.provider_id = lies_in_weekly_hours.provider_id)
      and (exception.location_id is null
        or exception.location_id = lies_in_weekly_hours.location_id)
  ) and not exists (
    select from public.busy_blocks as busy
    where busy.provider_id = lies_in_weekly_hours.provider_id
      and tstzrange(busy.starts_at, busy.ends_at)
        && tstzrange(lies_in_weekly_hours.starts_at, lies_in_weekly_hours.ends_at)
  );
end;
$$;

-- Whether a clock of that zone is changed within a day before or after.
create function private.changes_clock_around(instant timestamptz, zone text) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return (instant + interval '24 hours') at time zone zone
    - (instant - interval '24 hours') at time zone zone <> interval '48 hours';
end;
$$;

-- Whether hours that hold every so many weeks, counted from the week of cycle_from, hold in the week of
-- that day.
create function private.is_week_of_cycle(day date, cycle_from date, cycle_weeks smallint)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return cycle_weeks = 1
    or (date_trunc('week', day::timestamp)::date - date_trunc('week', cycle_from::timestamp)::date)
      / 7 % cycle_weeks = 0;
end;
$$;

comment on function private.open_time(uuid, uuid, timestamptz, timestamptz) is
  'Promise inside_availability: the one answer to "is the provider there then".';
