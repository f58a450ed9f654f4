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
language plpgsql
stable
set search_path = ''
as $$
declare
  shown timestamp := day + clock;
  as_utc timestamptz := shown at time zone 'UTC';
  earlier timestamptz := as_utc - interval '24 hours';
  later timestamptz := as_utc + interval '24 hours';
  by_old_offset timestamptz :=
    as_utc - ((earlier at time zone time_zone) - (earlier at time zone 'UTC'));
  by_new_offset timestamptz :=
    as_utc - ((later at time zone time_zone) - (later at time zone 'UTC'));
begin
  if by_old_offset = by_new_offset then
    return by_old_offset;
  elsif by_new_offset at time zone time_zone <> shown then
    return by_old_offset;
  elsif by_old_offset at time zone time_zone <> shown then
    return by_new_offset;
  end if;
  return least(by_old_offset, by_new_offset);
end;
$$;

comment on function private.local_instant(date, time, text) is
  'The one place where wall-clock time becomes an instant. Gap: forward by the gap. Fold: the first.';
