-- Wall-clock time: hours are local time plus an IANA zone, instants are `timestamptz`, and one
-- function turns the first into the second. The rule for gaps and folds stands in docs/time.md.

create table private.time_zones (
  name text primary key
);

comment on table private.time_zones is
  'Zones a clinic or location may have: the IANA names this PostgreSQL knows, no abbreviations.';

alter table private.time_zones enable row level security;

-- Takes over zones that a newer zone database brings; zones in use are never removed.
create function private.refresh_time_zones() returns void
language sql
set search_path = ''
as $$
  insert into private.time_zones (name)
  select name from pg_catalog.pg_timezone_names
  where name ~ '^[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+$' or name = 'UTC'
  on conflict do nothing;
$$;

select private.refresh_time_zones();

-- The instant at which a wall clock in that zone shows this date and time. A time that occurs twice
-- is its first occurrence; one that is skipped is moved forward by as much as the clock was.
-- The true offset is among those of a day before and a day after, since no zone changes its
-- clock twice so quickly.
create function private.local_instant(day date, clock time, time_zone text) returns timestamptz
language sql
stable
set search_path = ''
as $$
  with wanted as (
    select (day + clock) as shown, (day + clock) at time zone 'UTC' as as_utc
  ), offsets as (
    select
      shown,
      as_utc,
      ((as_utc - interval '24 hours') at time zone time_zone)
        - ((as_utc - interval '24 hours') at time zone 'UTC') as before,
      ((as_utc + interval '24 hours') at time zone time_zone)
        - ((as_utc + interval '24 hours') at time zone 'UTC') as after
    from wanted
  )
  select case
    when before = after then as_utc - before
    when (as_utc - after) at time zone time_zone <> shown then as_utc - before
    when (as_utc - before) at time zone time_zone <> shown then as_utc - after
    else least(as_utc - before, as_utc - after)
  end
  from offsets;
$$;

comment on function private.local_instant(date, time, text) is
  'The one place where wall-clock time becomes an instant. Gap: forward by the gap. Fold: the first.';
