-- Explain: why a time is, or is not, offered. One row for each rule; a time is offered to patients
-- exactly when all rows pass. What keeps somebody busy is named by its time alone.
-- Access: staff, for their own clinic.

create type public.slot_rule as (
  rule text,
  passes boolean,
  detail text
);

comment on type public.slot_rule is 'A rule that a time has to pass to be offered, and whether it does.';

-- A span of time as the wall clock at a place shows it.
create function private.clock_span(during tstzrange, time_zone text) returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return to_char(lower(during) at time zone time_zone, 'HH24:MI') || '–'
    || to_char(upper(during) at time zone time_zone, 'HH24:MI');
end;
$$;

-- The rules that hold wherever the visit takes place.
create function private.explain_offer(
  service public.services, provider_id uuid, starts_at timestamptz
) returns setof public.slot_rule
language plpgsql
stable
set search_path = ''
as $$
declare
  provider public.providers;
  offers boolean;
begin
  select * into provider from public.providers where providers.id = explain_offer.provider_id;
  select exists (
    select from public.provider_services as offered
    where offered.provider_id = explain_offer.provider_id and offered.service_id = service.id
  ) into offers;
  return query values
    ('service is active', service.active,
      case when service.active then 'The service is offered.'
        else 'The service is switched off.' end),
    ('visit of one patient', service.capacity = 1,
      case when service.capacity = 1 then 'The service is given to one patient at a time.'
        else 'The service is given to groups: a planned session is joined.' end),
    ('provider is active', provider.active,
      case when provider.active then 'The provider takes visits.'
        else 'The provider is switched off.' end),
    ('provider offers it', offers,
      case when offers then 'The provider offers this service.'
        else 'The provider does not offer this service.' end),
    ('still to come', starts_at >= now(),
      case when starts_at >= now() then 'The time is still to come.'
        else 'The time is over.' end),
    ('notice', starts_at >= now() + make_interval(mins => service.min_notice_minutes), format(
      'Patients book at least %s ahead.',
      private.minutes_in_words(service.min_notice_minutes))),
    ('horizon', starts_at < now() + make_interval(days => service.horizon_days), format(
      'Patients book at most %s days ahead.', service.horizon_days));
end;
$$;

-- e.g. "24 h" or "45 min".
create function private.minutes_in_words(minutes int) returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case when minutes % 60 = 0 then minutes / 60 || ' h' else minutes || ' min' end;
end;
$$;

-- The rules at one place: hours, closures, the grid of starts, provider, caps.
create function private.explain_place(
  service public.services, place private.place, starts_at timestamptz
) returns setof public.slot_rule
language plpgsql
stable
set search_path = ''
as $$
declare
  zone text := (select locations.time_zone from public.locations
    where locations.id = place.location_id);
  step interval := make_interval(mins => service.slot_interval_minutes);
  visit tstzrange := tstzrange(starts_at, starts_at + place.length);
  kept tstzrange := tstzrange(
    starts_at - make_interval(mins => service.buffer_before_minutes),
    starts_at + place.length + make_interval(mins => service.buffer_after_minutes));
  shifts tstzrange[];
  hours tstzmultirange;
  open_time tstzmultirange;
  shift tstzrange;
  is_on_grid boolean;
  busy text;
  is_full boolean;
begin
  select opening.shifts, opening.open_time into shifts, open_time
  from private.open_times(array[place.provider_id], array[place.location_id],
    lower(visit) - interval '1 day', upper(visit) + interval '1 day') as opening;
  shifts := coalesce(shifts, '{}');
  open_time := coalesce(open_time, '{}');
  select coalesce(range_agg(during), '{}') into hours from unnest(shifts) as during;
  return query values ('hours', visit <@ hours, private.explain_hours(visit, shifts, hours, zone));
  return query values (
    'not closed',
    hours * tstzmultirange(visit) <@ open_time,
    case when hours * tstzmultirange(visit) <@ open_time then 'Nothing is closed at that time.'
      else private.explain_closure(place, visit, zone) end
  );

  select bool_or(date_bin(step, starts_at, lower(during)) = starts_at),
    (array_agg(during order by during))[1]
  into is_on_grid, shift
  from unnest(shifts) as during where starts_at <@ during;
  return query values ('grid of starts', coalesce(is_on_grid, true), case
    when shift is null then format('Visits start every %s min, counted from the opening.',
      service.slot_interval_minutes)
    else format('Visits start every %s min, counted from %s.', service.slot_interval_minutes,
      to_char(lower(shift) at time zone zone, 'HH24:MI'))
  end);

  select string_agg(private.clock_span(reservations.during, zone), ', '
    order by reservations.during) into busy
  from private.reservations
  where reservations.resource_id = place.provider_id and reservations.during && kept
    and (reservations.expires_at is null or reservations.expires_at > now());
  return query values ('provider is free', busy is null, case
    when busy is null then 'The provider is free.'
    else format('The provider is busy %s, buffers included; this visit would keep %s.', busy,
      private.clock_span(kept, zone))
  end);

  is_full := starts_at <@ private.full_days(
    service, place.provider_id, place.location_id, starts_at, starts_at);
  return query values ('daily and weekly limits', not is_full, case
    when is_full then 'As many visits of this kind as are given on that day or in that week are '
      'booked already.'
    else 'The limits of the day and the week are not reached.'
  end);
  return query select * from private.explain_needs(service, place.location_id, kept, zone);
end;
$$;

-- What the hours of that day say about a visit.
create function private.explain_hours(
  visit tstzrange, shifts tstzrange[], hours tstzmultirange, zone text
) returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  local_day date := (lower(visit) at time zone zone)::date;
  of_day text;
begin
  if visit <@ hours then
    return 'The provider works then.';
  end if;
  select string_agg(private.clock_span(during, zone), ', ' order by during) into of_day
  from unnest(shifts) as during
  where (lower(during) at time zone zone)::date = local_day
    or (upper(during) at time zone zone)::date = local_day;
  if of_day is null then
    return 'The provider does not work here on that day.';
  end if;
  if lower(visit) <@ hours then
    return format('The provider''s hours end at %s; the visit would end at %s.',
      (
        select to_char(upper(piece) at time zone zone, 'HH24:MI')
        from unnest(hours) as piece where lower(visit) <@ piece
      ),
      to_char(upper(visit) at time zone zone, 'HH24:MI'));
  end if;
  return format('The provider''s hours here on that day are %s.', of_day);
end;
$$;

-- Which exception closes at least part of that time.
create function private.explain_closure(place private.place, visit tstzrange, zone text)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce((
    select string_agg(
      format('Closed %s for %s%s.',
        case when exception.opens is null then 'that day'
          else to_char(exception.opens, 'HH24:MI') || '–' || to_char(exception.closes, 'HH24:MI')
        end,
        case
          when exception.provider_id is not null then 'the provider'
          when exception.location_id is not null then 'the location'
          else 'the whole clinic'
        end,
        coalesce(': ' || exception.reason, '')), ' ' order by exception.id)
    from public.availability_exceptions as exception
    join public.locations
      on locations.id = place.location_id and locations.clinic_id = exception.clinic_id
    where exception.kind = 'closed'
      and daterange(exception.starts_on, exception.ends_on, '[]') && daterange(
        (lower(visit) at time zone zone)::date, (upper(visit) at time zone zone)::date, '[]')
      and (exception.provider_id is null or exception.provider_id = place.provider_id)
      and (exception.location_id is null or exception.location_id = place.location_id)
  ), 'Closed at that time.');
end;
$$;

-- One row for each thing the service needs: whether enough of those that will do are free.
create function private.explain_needs(
  service public.services, location_id uuid, kept tstzrange, zone text
) returns setof public.slot_rule
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  with needs as (
    select * from public.service_needs where service_needs.service_id = service.id
  ), candidates as (
    select needs.id as need, resources.name, (
      select string_agg(private.clock_span(reservations.during, zone), ', '
        order by reservations.during)
      from private.reservations
      where reservations.resource_id = resources.id and reservations.during && kept
        and (reservations.expires_at is null or reservations.expires_at > now())
    ) as busy
    from needs
    join public.resources
      on resources.location_id = explain_needs.location_id and resources.kind = needs.kind
      and resources.active
    where case
      when needs.resource_id is null
      then not exists (select from needs as fixed where fixed.resource_id = resources.id)
      else needs.resource_id = resources.id
    end
  )
  select
    needs.kind || ' is free',
    found.free >= needs.quantity,
    concat_ws(' ',
      case
        when found.here = 0
        then format('There is no active %s of the kind needed at this place.', needs.kind)
        when needs.quantity > 1 then format('Needed at the same time: %s.', needs.quantity)
      end,
      'Free: ' || found.free_names || '.',
      case when found.free < needs.quantity then 'Taken: ' || found.taken_names || '.' end)
  from needs
  cross join lateral (
    select count(*) as here, count(*) filter (where candidates.busy is null) as free,
      string_agg(candidates.name, ', ' order by candidates.name)
        filter (where candidates.busy is null) as free_names,
      string_agg(candidates.name || ' ' || candidates.busy, '; ' order by candidates.name)
        as taken_names
    from candidates where candidates.need = needs.id
  ) as found
  order by needs.kind, needs.id;
end;
$$;

-- Definer: staff may not read the ledger; what comes out names times, never a patient.
create function public.explain_slot(service_id uuid, provider_id uuid, starts_at timestamptz)
returns setof public.slot_rule
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  service public.services;
  place private.place;
  rules public.slot_rule[];
  best public.slot_rule[];
begin
  select * into service from public.services where services.id = explain_slot.service_id;
  if service.id is null or not private.is_staff_of(service.clinic_id) or not exists (
    select from public.providers
    where providers.id = explain_slot.provider_id and providers.clinic_id = service.clinic_id
  ) then
    perform private.raise_error('not_found');
  end if;
  if explain_slot.starts_at is null or not isfinite(explain_slot.starts_at) then
    perform private.raise_error('invalid_time', 'Give the time at which the visit would start.');
  end if;
  return query
  select * from private.explain_offer(
    service, explain_slot.provider_id, explain_slot.starts_at);

  -- A provider may work at several places; the one that comes closest is explained.
  for place in
    select * from private.places_of(service, explain_slot.provider_id, null) as places
    order by places.location_id
  loop
    rules := array(
      select found from private.explain_place(service, place, explain_slot.starts_at) as found);
    if best is null
      or (select count(*) from unnest(rules) as found where not found.passes)
        < (select count(*) from unnest(best) as found where not found.passes) then
      best := rules;
    end if;
  end loop;
  if best is null then
    best := array[row('hours', false, 'The provider has no place to give this service at.')
      ::public.slot_rule];
  end if;
  return query select * from unnest(best);
end;
$$;

comment on function public.explain_slot(uuid, uuid, timestamptz) is
  'Why patients are, or are not, offered this time: one row for each rule. Staff only.';

grant execute on function public.explain_slot(uuid, uuid, timestamptz)
to authenticated, service_role;
