-- Calendar import: which outside calendars to read now, and what came of it.
-- Promises: one worker at a time reads a calendar, one that dies loses nothing; busy time changes
--           in one transaction, in which bookings under way are seen.
-- Access: the service key alone.

-- How far ahead a clinic's calendars are followed: as far as it can be booked, and a week more, since a
-- calendar that does not change is read whole once a week. At least 400 days: staff book further.
create function private.calendar_reach(clinic_id uuid) returns interval
language plpgsql
stable
set search_path = ''
as $$
begin
  return make_interval(days => greatest(400, 7 + (
    select max(services.horizon_days) from public.services
    where services.clinic_id = calendar_reach.clinic_id
  )));
end;
$$;

create function private.is_read_far_enough(calendar public.outside_calendars) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return calendar.read_until
    > now() + private.calendar_reach(calendar.clinic_id) - interval '7 days';
end;
$$;

-- Says of calendars that were not read for an hour that they are stale, and after a day that they fail.
create function private.mark_late_calendars() returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.outside_calendars as late set state = case
      when coalesce(late.last_fetched_at, late.created_at) < now() - interval '1 day' then 'failing'
      else 'stale'
    end::public.outside_calendar_state
  where coalesce(late.last_fetched_at, late.created_at) < now() - interval '1 hour'
    and late.state <> 'failing'
    and (late.state <> 'stale'
      or coalesce(late.last_fetched_at, late.created_at) < now() - interval '1 day');
end;
$$;

-- Which calendars are due, one of a clinic at a time: however many a clinic has and however long they
-- take, the others get their turn.
-- Definer: the service key has no privilege to write outside calendars.
create function worker.claim_outside_calendars(batch int default 5, lease_seconds int default 120)
returns table (
  calendar_id uuid, lease_id uuid, url text, etag text, last_modified text, time_zone text,
  read_until timestamptz
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if coalesce(claim_outside_calendars.batch, 0) not between 1 and 100
    or coalesce(claim_outside_calendars.lease_seconds, 0) not between 1 and 3600 then
    perform private.raise_error('invalid_input', 'Claim 1 to 100 for 1 to 3600 seconds.');
  end if;
  perform private.mark_late_calendars();
  return query
  update public.outside_calendars as taken set
    lease_id = gen_random_uuid(),
    leased_until = now() + make_interval(secs => claim_outside_calendars.lease_seconds),
    last_tried_at = now(),
    -- As after a failure, should the worker die of it: it would come first again and again.
    next_fetch_at = now() + interval '5 minutes'
  where taken.id = any (array(
    select due.id from public.outside_calendars as due
    where due.next_fetch_at <= now() and (due.leased_until is null or due.leased_until <= now())
      and due.id in (
        select distinct on (first.clinic_id) first.id
        from public.outside_calendars as first
        where first.next_fetch_at <= now() and not exists (
          select from public.outside_calendars as other
          where other.clinic_id = first.clinic_id and other.leased_until > now()
        )
        order by first.clinic_id, first.next_fetch_at, first.id
      )
    order by due.next_fetch_at
    limit claim_outside_calendars.batch
    for update skip locked
  ))
  returning taken.id, taken.lease_id, taken.url,
    -- Repeating events go on: now and then it is read whole, changed or not, and at once when the
    -- clinic can be booked further ahead.
    case when private.is_read_far_enough(taken) then taken.etag end,
    case when private.is_read_far_enough(taken) then taken.last_modified end,
    (
      select place.time_zone
      from public.locations as place
      left join public.weekly_hours as hours
        on hours.location_id = place.id and hours.provider_id = taken.provider_id
      where place.clinic_id = taken.clinic_id
      group by place.id
      order by count(hours.id) desc, place.created_at
      limit 1
    ),
    now() + private.calendar_reach(taken.clinic_id);
end;
$$;

-- The calendar, locked, if that lease still holds; else null.
create function private.leased_calendar(calendar_id uuid, lease_id uuid)
returns public.outside_calendars
language plpgsql
set search_path = ''
as $$
declare
  calendar public.outside_calendars;
begin
  select * into calendar from public.outside_calendars as known
  where known.id = leased_calendar.calendar_id and known.lease_id = leased_calendar.lease_id
    and known.leased_until > now()
  for update;
  return calendar;
end;
$$;

-- Definer: as claim_outside_calendars.
create function worker.store_busy_blocks(
  calendar_id uuid,
  lease_id uuid,
  starts timestamptz[],
  ends timestamptz[],
  read_until timestamptz,
  etag text default null,
  last_modified text default null,
  skipped_events int default 0,
  appointment_ids uuid[] default null
) returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  calendar public.outside_calendars := private.leased_calendar(
    store_busy_blocks.calendar_id, store_busy_blocks.lease_id);
  busy tstzmultirange;
begin
  if calendar.id is null then
    return false;
  end if;
  select coalesce(range_agg(tstzrange(given.starts_at, given.ends_at)), '{}') into busy
  from unnest(store_busy_blocks.starts, store_busy_blocks.ends,
    store_busy_blocks.appointment_ids)
    as given (starts_at, ends_at, visit_id)
  where given.starts_at < given.ends_at
    -- The provider's own come back through calendars that subscribe to a feed, and must not close their
    -- own time. Where the provider is the patient, the time is taken.
    and not exists (
      select from public.appointments as own
      where own.id = given.visit_id and own.provider_id = calendar.provider_id
    )
    and not exists (
      select from public.group_sessions as own
      where own.id = given.visit_id and own.provider_id = calendar.provider_id
    );
  -- First what is new: a block that only changes its ends must not open its time in between.
  insert into public.busy_blocks (clinic_id, provider_id, outside_calendar_id, starts_at, ends_at)
  select calendar.clinic_id, calendar.provider_id, calendar.id, lower(wanted), upper(wanted)
  from unnest(busy) as wanted
  where not exists (
    select from public.busy_blocks as known
    where known.clinic_id = calendar.clinic_id and known.outside_calendar_id = calendar.id
      and known.provider_id = calendar.provider_id
      and known.starts_at = lower(wanted) and known.ends_at = upper(wanted)
  );
  delete from public.busy_blocks as known
  where known.outside_calendar_id = calendar.id and known.clinic_id = calendar.clinic_id
    and not exists (
      select from unnest(busy) as wanted
      where wanted = tstzrange(known.starts_at, known.ends_at)
    );
  update public.outside_calendars as read set
    etag = left(store_busy_blocks.etag, 500),
    last_modified = left(store_busy_blocks.last_modified, 100),
    skipped_events = coalesce(store_busy_blocks.skipped_events, 0),
    read_until = store_busy_blocks.read_until
  where read.id = calendar.id;
  perform private.calendar_was_read(calendar.id);
  return true;
end;
$$;

-- Definer: as claim_outside_calendars.
create function worker.keep_busy_blocks(calendar_id uuid, lease_id uuid) returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  calendar public.outside_calendars := private.leased_calendar(
    keep_busy_blocks.calendar_id, keep_busy_blocks.lease_id);
begin
  if calendar.id is null then
    return false;
  end if;
  perform private.calendar_was_read(calendar.id);
  return true;
end;
$$;

-- Fresh again, and due in a quarter of an hour, not all at the same moment.
create function private.calendar_was_read(calendar_id uuid) returns void
language sql
set search_path = ''
as $$
  update public.outside_calendars as read set
    state = 'fresh', last_fetched_at = now(), failures = 0, last_error = null,
    lease_id = null, leased_until = null,
    next_fetch_at = now() + interval '15 minutes' + random() * interval '1 minute'
  where read.id = calendar_was_read.calendar_id;
$$;

-- Definer: as claim_outside_calendars.
create function worker.fail_outside_calendar(calendar_id uuid, lease_id uuid, error text)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  calendar public.outside_calendars := private.leased_calendar(
    fail_outside_calendar.calendar_id, fail_outside_calendar.lease_id);
begin
  if calendar.id is null then
    return false;
  end if;
  update public.outside_calendars as failed set
    failures = failed.failures + 1,
    last_error = left(fail_outside_calendar.error, 100),
    lease_id = null,
    leased_until = null,
    -- 5, 10, 20 … minutes, at most 4 hours.
    next_fetch_at = now() + (1 + random() / 10)
      * least(interval '5 minutes' * 2 ^ least(failed.failures, 10), interval '4 hours')
  where failed.id = calendar.id;
  return true;
end;
$$;

comment on function worker.claim_outside_calendars(int, int) is
  'Leases calendars that are due, one of a clinic at a time. etag and last_modified are for a '
  'conditional request; null: read it whole, repeating events until read_until. time_zone is for times '
  'without one.';
comment on function worker.store_busy_blocks(uuid, uuid, timestamptz[], timestamptz[],
  timestamptz, text, text, int, uuid[]) is
  'Replaces the calendar''s busy time by this; false: the lease was lost. appointment_ids, as long '
  'as starts: the visit or session that it is, if one of Appoint; those that the provider gives are left '
  'out.';
comment on function worker.keep_busy_blocks(uuid, uuid) is
  'The calendar has not changed; false: the lease was lost.';
comment on function worker.fail_outside_calendar(uuid, uuid, text) is
  'The calendar could not be read, for this reason, a code; its busy time stays. False: the lease was '
  'lost.';

grant execute on function
  worker.claim_outside_calendars(int, int),
  worker.store_busy_blocks(
    uuid, uuid, timestamptz[], timestamptz[], timestamptz, text, text, int, uuid[]),
  worker.keep_busy_blocks(uuid, uuid),
  worker.fail_outside_calendar(uuid, uuid, text)
to service_role;
