-- Numbers: how full a clinic is, who comes, how far ahead people book and whether reminders help, by
-- provider, service, weekday, week and month.
-- Access: owner, manager and front desk, who also read the clinic's messages; row security of the
--         tables behind holds. Counts and ids of the clinic's own set-up, nothing about a patient.
--         What each number means: docs/numbers.md.

create type public.numbers_by as enum (
  'total',     -- one row for all
  'provider',  -- key: the provider's id
  'service',   -- key: the service's id
  'weekday',   -- key: 1 is Monday, 7 is Sunday
  'week',      -- key: the week's Monday
  'month'      -- key: the month's first day
);

-- Raises not_signed_in, not_found for strangers, not_allowed for providers, invalid_time, and
-- limit_reached for more than 400 days: the numbers are counted when they are asked for.
-- Definer: callers may not raise errors by key themselves.
create function private.check_may_count(clinic_id uuid, from_day date, to_day date) returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if not private.is_trusted() then
    perform private.require_user();
    if check_may_count.clinic_id is null
      or not check_may_count.clinic_id in (select private.my_clinics()) then
      perform private.raise_error('not_found');
    end if;
    if not check_may_count.clinic_id in (
      select private.my_clinics_as('owner', 'manager', 'front_desk')
    ) then
      perform private.raise_error('not_allowed');
    end if;
  end if;
  if not coalesce(
    isfinite(from_day) and isfinite(to_day) and from_day <= to_day
      and from_day >= date '2000-01-01' and to_day < date '2200-01-01',
    false
  ) then
    perform private.raise_error('invalid_time', 'Give a first and a last day.');
  end if;
  if to_day - from_day >= 400 then
    perform private.raise_error('limit_reached', 'Ask for at most 400 days at once.');
  end if;
end;
$$;

-- How long each provider was there, or will be, on each day; what closed days and outside calendars
-- take away is not counted, and nothing of providers who have left from today on.
-- Definer: open time is worked out by private functions; whose clinic it is is checked.
create function private.open_minutes(clinic_id uuid, from_day date, to_day date)
returns table (provider_id uuid, day date, minutes numeric)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  provider_ids uuid[];
  location_ids uuid[];
begin
  perform private.check_may_count(
    open_minutes.clinic_id, open_minutes.from_day, open_minutes.to_day);
  select array_agg(pair.provider_id), array_agg(pair.location_id)
  into provider_ids, location_ids
  from (
    select hours.provider_id, hours.location_id from public.weekly_hours as hours
    where hours.clinic_id = open_minutes.clinic_id
    union
    select extra.provider_id, extra.location_id from public.availability_exceptions as extra
    where extra.clinic_id = open_minutes.clinic_id and extra.kind = 'extra'
      and extra.provider_id is not null and extra.location_id is not null
  ) as pair;
  return query
  select place.provider_id, span.day,
    sum(extract(epoch from
      least(upper(span.open), (span.day + 1)::timestamp at time zone location.time_zone)
      - greatest(lower(span.open), span.day::timestamp at time zone location.time_zone)) / 60)
  from private.open_times(
    provider_ids, location_ids,
    (open_minutes.from_day - 1)::timestamp at time zone 'UTC',
    (open_minutes.to_day + 2)::timestamp at time zone 'UTC'
  ) as place
  join public.locations as location on location.id = place.location_id
  join public.providers as provider on provider.id = place.provider_id
  cross join lateral (
    select open, first_day + step as day
    from unnest(place.open_time) as open
    cross join lateral (
      select greatest(open_minutes.from_day, (lower(open) at time zone location.time_zone)::date)
          as first_day,
        -- A range ends before its upper bound: at midnight it does not touch the next day.
        least(open_minutes.to_day,
          ((upper(open) - interval '1 microsecond') at time zone location.time_zone)::date)
          as last_day
    ) as days
    cross join lateral generate_series(0, last_day - first_day) as step
  ) as span
  where provider.active or span.day < (now() at time zone location.time_zone)::date
  group by place.provider_id, span.day;
end;
$$;

create function public.clinic_numbers(clinic_id uuid, from_day date, to_day date)
returns table (
  dimension public.numbers_by,
  key text,
  label text,
  visits int,
  attended int,
  missed int,
  unknown int,
  cancelled int,
  cancelled_late int,
  no_show_rate numeric,
  cancellation_rate numeric,
  booked_minutes int,
  open_minutes int,
  utilisation numeric,
  lead_days numeric,
  booked_same_day int,
  booked_within_week int,
  booked_within_month int,
  booked_earlier int,
  reminded int,
  reminded_missed int,
  reminded_no_show_rate numeric,
  not_reminded int,
  not_reminded_missed int,
  not_reminded_no_show_rate numeric
)
language plpgsql
stable
set search_path = ''
-- The plan depends on how many days are asked for.
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
  perform private.check_may_count(
    clinic_numbers.clinic_id, clinic_numbers.from_day, clinic_numbers.to_day);
  return query
  with visit as (
    select
      appointment.id, appointment.provider_id, appointment.service_id, appointment.session_id,
      appointment.status, appointment.cancelled_late,
      appointment.status = 'booked' and appointment.ends_at <= now() as is_unknown,
      (appointment.starts_at at time zone location.time_zone)::date as day,
      extract(epoch from appointment.ends_at - appointment.starts_at) / 60 as minutes,
      case when appointment.booked_via <> 'import' and appointment.status <> 'cancelled' then
        (appointment.starts_at at time zone location.time_zone)::date
        - (appointment.created_at at time zone location.time_zone)::date
      end as lead
    from public.appointments as appointment
    join public.locations as location on location.id = appointment.location_id
    where appointment.clinic_id = clinic_numbers.clinic_id
      -- A day more on either side, for all zones; the index on clinic and start is used.
      and appointment.starts_at >= (clinic_numbers.from_day - 1)::timestamp at time zone 'UTC'
      and appointment.starts_at < (clinic_numbers.to_day + 2)::timestamp at time zone 'UTC'
      and (
        appointment.status in ('booked', 'arrived', 'fulfilled', 'noshow')
        -- A hold that ended was never agreed.
        or (appointment.status = 'cancelled' and appointment.hold_expires_at is null)
      )
  ), reminder as (
    select distinct message.appointment_id
    from visit
    join public.notifications as message on message.appointment_id = visit.id
    where visit.status in ('arrived', 'fulfilled', 'noshow')
      and message.clinic_id = clinic_numbers.clinic_id and message.kind = 'reminder'
      -- Not every way of sending tells what became of a message.
      and message.status in ('sent', 'delivered', 'complained')
  ), fact as (
    select visit.provider_id, visit.service_id, visit.day,
      count(*) filter (where visit.status <> 'cancelled') as visits,
      count(*) filter (where visit.status in ('arrived', 'fulfilled')) as attended,
      count(*) filter (where visit.status = 'noshow') as missed,
      count(*) filter (where visit.status = 'cancelled') as cancelled,
      count(*) filter (where visit.status = 'cancelled' and visit.cancelled_late) as cancelled_late,
      count(*) filter (where visit.is_unknown) as unknown,
      -- The seats of a session share its time; sessions are added below.
      coalesce(sum(visit.minutes) filter (
        where visit.status <> 'cancelled' and visit.session_id is null), 0) as booked_minutes,
      0::numeric as open_minutes,
      count(visit.lead) as led,
      sum(visit.lead) as lead,
      count(*) filter (where visit.lead <= 0) as same_day,
      count(*) filter (where visit.lead between 1 and 7) as within_week,
      count(*) filter (where visit.lead between 8 and 30) as within_month,
      count(*) filter (where visit.lead > 30) as earlier,
      count(reminder.appointment_id) as reminded,
      count(reminder.appointment_id) filter (where visit.status = 'noshow') as reminded_missed
    from visit
    left join reminder on reminder.appointment_id = visit.id
    where visit.day between clinic_numbers.from_day and clinic_numbers.to_day
    group by visit.provider_id, visit.service_id, visit.day
    union all
    select session.provider_id, session.service_id,
      (session.starts_at at time zone location.time_zone)::date,
      0, 0, 0, 0, 0, 0, extract(epoch from session.ends_at - session.starts_at) / 60,
      0, 0, 0, 0, 0, 0, 0, 0, 0
    from public.group_sessions as session
    join public.locations as location on location.id = session.location_id
    where session.clinic_id = clinic_numbers.clinic_id
      and session.status = 'scheduled' and session.seats_taken > 0
      and session.starts_at >= (clinic_numbers.from_day - 1)::timestamp at time zone 'UTC'
      and session.starts_at < (clinic_numbers.to_day + 2)::timestamp at time zone 'UTC'
      and (session.starts_at at time zone location.time_zone)::date
        between clinic_numbers.from_day and clinic_numbers.to_day
    union all
    select hours.provider_id, null, hours.day,
      0, 0, 0, 0, 0, 0, 0, hours.minutes, 0, 0, 0, 0, 0, 0, 0, 0
    from private.open_minutes(
      clinic_numbers.clinic_id, clinic_numbers.from_day, clinic_numbers.to_day) as hours
  ), summed as (
    select
      case
        when grouping(fact.provider_id) = 0 then 'provider'
        when grouping(fact.service_id) = 0 then 'service'
        when grouping(extract(isodow from fact.day)) = 0 then 'weekday'
        when grouping(date_trunc('week', fact.day::timestamp)::date) = 0 then 'week'
        when grouping(date_trunc('month', fact.day::timestamp)::date) = 0 then 'month'
        else 'total'
      end::public.numbers_by as dimension,
      coalesce(
        fact.provider_id::text, fact.service_id::text, extract(isodow from fact.day)::text,
        date_trunc('week', fact.day::timestamp)::date::text,
        date_trunc('month', fact.day::timestamp)::date::text
      ) as key,
      fact.provider_id, fact.service_id,
      coalesce(sum(fact.visits), 0) as visits,
      coalesce(sum(fact.attended), 0) as attended,
      coalesce(sum(fact.missed), 0) as missed,
      coalesce(sum(fact.unknown), 0) as unknown,
      coalesce(sum(fact.cancelled), 0) as cancelled,
      coalesce(sum(fact.cancelled_late), 0) as cancelled_late,
      coalesce(sum(fact.booked_minutes), 0) as booked_minutes,
      -- Nobody is open for one service alone.
      case when grouping(fact.service_id) = 1 then coalesce(sum(fact.open_minutes), 0) end
        as open_minutes,
      sum(fact.lead) / nullif(sum(fact.led), 0) as lead,
      coalesce(sum(fact.same_day), 0) as same_day,
      coalesce(sum(fact.within_week), 0) as within_week,
      coalesce(sum(fact.within_month), 0) as within_month,
      coalesce(sum(fact.earlier), 0) as earlier,
      coalesce(sum(fact.reminded), 0) as reminded,
      coalesce(sum(fact.reminded_missed), 0) as reminded_missed
    from fact
    group by grouping sets (
      (), (fact.provider_id), (fact.service_id), (extract(isodow from fact.day)),
      (date_trunc('week', fact.day::timestamp)::date),
      (date_trunc('month', fact.day::timestamp)::date)
    )
    -- Open time is of no service.
    having not (grouping(fact.service_id) = 0 and fact.service_id is null)
  )
  select
    summed.dimension,
    summed.key,
    coalesce(provider.full_name, service.name),
    summed.visits::int,
    summed.attended::int,
    summed.missed::int,
    summed.unknown::int,
    summed.cancelled::int,
    summed.cancelled_late::int,
    round(summed.missed / nullif(summed.attended + summed.missed, 0), 4),
    round(summed.cancelled / nullif(summed.visits + summed.cancelled, 0), 4),
    round(summed.booked_minutes)::int,
    round(summed.open_minutes)::int,
    round(summed.booked_minutes / nullif(summed.open_minutes, 0), 4),
    round(summed.lead, 1),
    summed.same_day::int,
    summed.within_week::int,
    summed.within_month::int,
    summed.earlier::int,
    summed.reminded::int,
    summed.reminded_missed::int,
    round(summed.reminded_missed / nullif(summed.reminded, 0), 4),
    (summed.attended + summed.missed - summed.reminded)::int,
    (summed.missed - summed.reminded_missed)::int,
    round((summed.missed - summed.reminded_missed)
      / nullif(summed.attended + summed.missed - summed.reminded, 0), 4)
  from summed
  left join public.providers as provider on provider.id = summed.provider_id
  left join public.services as service on service.id = summed.service_id
  order by summed.dimension, coalesce(provider.full_name, service.name), summed.key;
end;
$$;

comment on function public.clinic_numbers(uuid, date, date) is
  'A clinic''s visits from day to day, both included, at most 400: attendance, cancellations, '
  'utilisation, lead time and the effect of reminders, in total and by provider, service, weekday, '
  'week and month. Rates are parts of one, null where there is nothing to divide by.';

grant execute on function
  private.check_may_count(uuid, date, date), private.open_minutes(uuid, date, date)
to authenticated, service_role;
grant execute on function public.clinic_numbers(uuid, date, date) to authenticated, service_role;
