-- Recurrence: a small, strict part of iCalendar's RRULE (RFC 5545), and the times it means.
-- Promises: wall_clock_time; a series keeps the time its clock showed, whatever clocks do between.

create type private.frequency as enum ('DAILY', 'WEEKLY', 'MONTHLY');

-- A rule that has been understood. `ordinals` stand beside `weekdays` in monthly rules: 2TU is
-- ordinal 2, weekday 2.
create type private.recurrence as (
  frequency private.frequency,
  step int,
  occurrences int,
  until_day date,
  until_time timestamptz,
  weekdays int[],
  ordinals int[]
);

-- Raises invalid_input with what is wrong with a rule.
create function private.refuse_rule(what text) returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  perform private.raise_error('invalid_input', what || ' A rule looks like '
    'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;COUNT=10 or FREQ=MONTHLY;BYDAY=2TU;UNTIL=20271231.');
end;
$$;

-- A positive number of at most four digits in a rule's part. Raises invalid_input.
create function private.rule_number(part text, value text) returns int
language plpgsql
stable
set search_path = ''
as $$
begin
  if value !~ '^[1-9][0-9]{0,3}$' then
    perform private.refuse_rule(part || ' has to be a number from 1 to 9999.');
  end if;
  return value::int;
end;
$$;

-- The rule understood. Raises invalid_input for everything outside the subset: FREQ (DAILY, WEEKLY,
-- MONTHLY), INTERVAL, COUNT or UNTIL, and BYDAY, with ordinals in monthly rules only.
create function private.parse_rule(rule text) returns private.recurrence
language plpgsql
stable
set search_path = ''
as $$
declare
  parsed private.recurrence;
  seen text[] := '{}';
  part text;
  name text;
  value text;
begin
  if coalesce(rule, '') = '' or length(rule) > 200 then
    perform private.refuse_rule('Give a rule of at most 200 characters.');
  end if;
  parsed.step := 1;
  foreach part in array string_to_array(upper(regexp_replace(rule, '^RRULE:', '', 'i')), ';') loop
    name := split_part(part, '=', 1);
    value := substr(part, length(name) + 2);
    if name = any (seen) then
      perform private.refuse_rule(name || ' occurs twice.');
    end if;
    seen := seen || name;
    case name
      when 'FREQ' then
        if value not in ('DAILY', 'WEEKLY', 'MONTHLY') then
          perform private.refuse_rule('FREQ has to be DAILY, WEEKLY or MONTHLY.');
        end if;
        parsed.frequency := value;
      when 'INTERVAL' then
        parsed.step := private.rule_number(name, value);
      when 'COUNT' then
        parsed.occurrences := private.rule_number(name, value);
      when 'UNTIL' then
        parsed := private.with_end(parsed, value);
      when 'BYDAY' then
        parsed := private.with_days(parsed, value);
      else
        perform private.refuse_rule('Only FREQ, INTERVAL, COUNT, UNTIL and BYDAY are understood.');
    end case;
  end loop;

  if parsed.frequency is null then
    perform private.refuse_rule('FREQ is missing.');
  end if;
  if num_nonnulls(parsed.occurrences, parsed.until_day, parsed.until_time) <> 1 then
    perform private.refuse_rule('A series needs an end: COUNT or UNTIL, not both.');
  end if;
  if parsed.weekdays is not null and (
    parsed.frequency = 'DAILY'
    or (parsed.frequency = 'MONTHLY') <> (cardinality(parsed.ordinals) > 0)
  ) then
    perform private.refuse_rule('BYDAY is for weekly rules, as in BYDAY=MO,TH, and for monthly '
      'rules with a number, as in BYDAY=2TU or BYDAY=-1FR.');
  end if;
  return parsed;
end;
$$;

-- The rule with its UNTIL: a day, meant at the place of the visit, or an instant in UTC.
create function private.with_end(parsed private.recurrence, value text) returns private.recurrence
language plpgsql
stable
set search_path = ''
as $$
begin
  if value ~ '^[0-9]{8}$' then
    parsed.until_day := to_date(value, 'YYYYMMDD');
  elsif value ~ '^[0-9]{8}T[0-9]{6}Z$' then
    parsed.until_time := (substr(value, 1, 8) || ' ' || substr(value, 10, 2) || ':'
      || substr(value, 12, 2) || ':' || substr(value, 14, 2))::timestamp at time zone 'UTC';
  else
    perform private.refuse_rule('UNTIL has to be a day, as in 20271231, or a time in UTC, as in '
      '20271231T235959Z.');
  end if;
  return parsed;
exception when datetime_field_overflow or invalid_datetime_format then
  perform private.refuse_rule('UNTIL is not in the calendar.');
  return null;
end;
$$;

-- The rule with its BYDAY: weekdays, all with an ordinal or all without.
create function private.with_days(parsed private.recurrence, value text) returns private.recurrence
language plpgsql
stable
set search_path = ''
as $$
declare
  names constant text[] := '{MO,TU,WE,TH,FR,SA,SU}';
begin
  if value ~ '^(MO|TU|WE|TH|FR|SA|SU)(,(MO|TU|WE|TH|FR|SA|SU))*$' then
    parsed.ordinals := '{}';
  elsif value ~ '^-?[1-5](MO|TU|WE|TH|FR|SA|SU)(,-?[1-5](MO|TU|WE|TH|FR|SA|SU))*$' then
    parsed.ordinals := array(
      select left(entry, -2)::int from string_to_table(value, ',') as entry);
  else
    perform private.refuse_rule('BYDAY has to be a list of MO, TU, WE, TH, FR, SA and SU, in '
      'monthly rules each with a number from 1 to 5 or -1 to -5.');
  end if;
  parsed.weekdays := array(
    select array_position(names, right(entry, 2)) from string_to_table(value, ',') as entry);
  return parsed;
end;
$$;

-- The days on which a rule recurs, from the first day on, for at most ten years, in order. Days
-- that a month does not have (the 31st, a fifth Tuesday) are left out, as iCalendar says.
create function private.recurring_days(rule private.recurrence, first_day date) returns setof date
language plpgsql
stable
set search_path = ''
as $$
declare
  last_day date := first_day + interval '10 years';
  first_monday date := date_trunc('week', first_day::timestamp);
  first_month date := date_trunc('month', first_day::timestamp);
begin
  case rule.frequency
    when 'DAILY' then
      return query select first_day + days
        from generate_series(0, last_day - first_day, rule.step) as days;
    when 'WEEKLY' then
      return query select distinct first_monday + days + weekday - 1
        from generate_series(0, last_day - first_monday, 7 * rule.step) as days
        cross join unnest(coalesce(
          rule.weekdays, array[extract(isodow from first_day)::int])) as weekday
        where first_monday + days + weekday - 1 between first_day and last_day
        order by 1;
    when 'MONTHLY' then
      return query select distinct recurring.day
        from generate_series(0, 120, rule.step) as months
        cross join lateral (
          select (first_month + make_interval(months => months))::date as month_start,
            (first_month + make_interval(months => months + 1))::date as next_month_start
        ) as month
        cross join lateral (
          select month.month_start + extract(day from first_day)::int - 1 as day
          where rule.weekdays is null
          union all
          select case
            when wanted.ordinal > 0 then month.month_start + 7 * (wanted.ordinal - 1)
              + (wanted.weekday - extract(isodow from month.month_start)::int + 7) % 7
            else month.next_month_start + 7 * wanted.ordinal
              + (wanted.weekday - extract(isodow from month.next_month_start)::int + 7) % 7
          end
          from unnest(rule.weekdays, rule.ordinals) as wanted (weekday, ordinal)
        ) as recurring
        where recurring.day >= month.month_start and recurring.day < month.next_month_start
          and recurring.day between first_day and last_day
        order by 1;
  end case;
end;
$$;

-- When a series takes place: at the wall-clock time of its start, in that zone, on the days of the
-- rule. Raises invalid_input for a rule that is not understood or means no day at all,
-- limit_reached for more than 100 visits or ten years.
create function private.occurrences(starts_at timestamptz, rule text, time_zone text)
returns timestamptz[]
language plpgsql
stable
set search_path = ''
as $$
declare
  parsed private.recurrence := private.parse_rule(occurrences.rule);
  first_day date := (occurrences.starts_at at time zone occurrences.time_zone)::date;
  clock time := (occurrences.starts_at at time zone occurrences.time_zone)::time;
  last_day date := coalesce(
    parsed.until_day, (parsed.until_time at time zone occurrences.time_zone)::date);
  found_times timestamptz[];
begin
  if parsed.occurrences > 100 then
    perform private.raise_error('limit_reached', 'A series has at most 100 visits.');
  end if;
  if last_day > first_day + interval '10 years' then
    perform private.raise_error('limit_reached', 'A series lasts at most ten years.');
  end if;
  select array_agg(occurrence.at order by occurrence.at) into found_times
  from (
    select case
      -- The start itself may be the second time that a clock showed it.
      when day = first_day then occurrences.starts_at
      else private.local_instant(day, clock, occurrences.time_zone)
    end as at
    from private.recurring_days(parsed, first_day) as day
    where last_day is null or day <= last_day
    order by day
    limit coalesce(parsed.occurrences, 101)
  ) as occurrence
  where parsed.until_time is null or occurrence.at <= parsed.until_time;

  if cardinality(found_times) > 100 then
    perform private.raise_error('limit_reached', 'A series has at most 100 visits.');
  end if;
  if found_times is null then
    perform private.refuse_rule('The series would have no visit.');
  end if;
  if cardinality(found_times) < parsed.occurrences then
    perform private.raise_error('limit_reached', 'A series lasts at most ten years.');
  end if;
  return found_times;
end;
$$;

comment on function private.occurrences(timestamptz, text, text) is
  'The times of a series. Wall-clock time is kept; gaps and folds as in local_instant.';
