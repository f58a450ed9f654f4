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
-- PostgreSQL moves skipped times forward as we do, but reads a repeated one as its last occurrence.
-- Then the clock was turned back during the 24 hours before, since no zone changes it twice so
-- quickly, and the first occurrence is as much earlier as the clock showed more the day before.
create function private.local_instant(day date, clock time, time_zone text) returns timestamptz
language plpgsql
stable
parallel safe
set search_path = ''
as $$
declare
  shown timestamp := day + clock;
  latest timestamptz := shown at time zone time_zone;
  turned_back interval := ((latest - interval '24 hours') at time zone time_zone)
    - (shown - interval '24 hours');
begin
  if turned_back > interval '0' and (latest - turned_back) at time zone time_zone = shown then
    return latest - turned_back;
  end if;
  return latest;
end;
$$;

comment on function private.local_instant(date, time, text) is
  'The one place where wall-clock time becomes an instant. Gap: forward by the gap. Fold: the first.';
