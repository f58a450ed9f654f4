-- Free times: what the ledger, the hours and the service leave open.
-- Access: everyone for clinics that book publicly; members and patients for their own clinics.

create type public.open_slot as (
  provider_id uuid,
  location_id uuid,
  starts_at timestamptz,
  ends_at timestamptz
);

comment on type public.open_slot is 'A time that could be booked now.';

-- Where and by whom a visit can be given, how long it takes there, and whether only so many are given
-- a day or week.
create type private.place as (
  provider_id uuid,
  location_id uuid,
  length interval,
  is_capped boolean
);

-- Who could give the visit where, and how long it takes there. Nobody and nowhere if the service is
-- given to groups: their sessions are planned, and joined.
create function private.places_of(service public.services, provider_id uuid, location_id uuid)
returns setof private.place
language plpgsql
stable
rows 10
set search_path = ''
-- Left to itself, PostgreSQL would plan it anew for every call, which takes longer than all the rest.
set plan_cache_mode = 'force_generic_plan'
as $$
#variable_conflict use_column
declare
  provider_ids uuid[] := array[places_of.provider_id];
begin
  if places_of.provider_id is null then
    select array_agg(offered.provider_id) into provider_ids
    from public.provider_services as offered where offered.service_id = service.id;
  end if;
  -- One shape for one provider and for all, which keeps its plan from call to call.
  return query
  select
    offered.provider_id,
    hours.location_id,
    make_interval(mins => coalesce(offered.duration_minutes, service.duration_minutes)),
    num_nonnulls(service.max_per_day, service.max_per_week,
      offered.max_per_day, offered.max_per_week) > 0
  from unnest(provider_ids) as candidate (id)
  cross join lateral (
    -- Looked up one by one: without offset all that is offered would be read to hash it.
    select * from public.provider_services
    where provider_services.provider_id = candidate.id
      and provider_services.service_id = service.id
    offset 0
  ) as offered
  join public.providers on providers.id = offered.provider_id and providers.active
  cross join lateral (
    select weekly_hours.location_id from public.weekly_hours
    where weekly_hours.provider_id = offered.provider_id
    union
    select exception.location_id from public.availability_exceptions as exception
    where exception.clinic_id = service.clinic_id and exception.provider_id = offered.provider_id
      and exception.location_id is not null and exception.kind = 'extra'
  ) as hours
  where service.capacity = 1
    and (places_of.location_id is null or hours.location_id = places_of.location_id);
end;
$$;

-- The times that lie in at least that many of the multiranges; null is one without any.
create function private.in_at_least(many int, multiranges tstzmultirange[]) returns tstzmultirange
language plpgsql
immutable
set search_path = ''
as $$
declare
  -- In the n-th: what lies in at least n of those seen so far.
  seen tstzmultirange[] := array_fill('{}'::tstzmultirange, array[many]);
  next_one tstzmultirange;
begin
  foreach next_one in array multiranges loop
    continue when next_one is null;
    for number in reverse many .. 2 loop
      seen[number] := seen[number] + seen[number - 1] * next_one;
    end loop;
    seen[1] := seen[1] + next_one;
  end loop;
  return seen[many];
end;
$$;

-- Starts at which everything else that the service needs is free at the location for a visit of that
-- length. A reservation [x, y) rules out every start in (x - length - buffer, y + buffer).
create function private.starts_with_resources(
  service public.services,
  location_id uuid,
  length interval,
  from_time timestamptz,
  to_time timestamptz
) returns tstzmultirange
language plpgsql
stable
set search_path = ''
as $$
declare
  asked tstzmultirange := tstzmultirange(tstzrange(from_time, to_time));
  lead interval := length + make_interval(mins => service.buffer_after_minutes);
  lag interval := make_interval(mins => service.buffer_before_minutes);
begin
  return coalesce((
    with needs as (
      select * from public.service_needs where service_needs.service_id = service.id
    ), candidates as (
      select needs.id as need, resources.id as resource_id
      from needs
      join public.resources
        on resources.location_id = starts_with_resources.location_id
        and resources.kind = needs.kind and resources.active
      where case
        when needs.resource_id is null
        then not exists (select from needs as fixed where fixed.resource_id = resources.id)
        else needs.resource_id = resources.id
      end
    ), candidates_free as (
      select candidates.need, asked - coalesce(taken.starts, '{}') as starts
      from candidates
      cross join lateral (
        select range_agg(tstzrange(
          lower(reservations.during) - lead, upper(reservations.during) + lag, '()')) as starts
        from private.reservations
        where reservations.resource_id = candidates.resource_id
          and reservations.during && tstzrange(from_time - lag, to_time + lead)
          and (reservations.expires_at is null or reservations.expires_at > now())
      ) as taken
    ), each_need as (
      -- A need without candidates is never met.
      select case
        when needs.quantity = 1 then coalesce(range_agg(candidates_free.starts), '{}')
        else private.in_at_least(needs.quantity, array_agg(candidates_free.starts))
      end as starts
      from needs left join candidates_free on candidates_free.need = needs.id
      group by needs.id, needs.quantity
    )
    select range_intersect_agg(each_need.starts) from each_need
  ), asked);
end;
$$;

-- Free slots with a start in [from_time, to_time), by time: hours, shortened by the visit, minus what
-- would overlap a reservation of the provider, minus times at which a needed resource is taken, minus
-- days that are full. Starts lie on the service's interval, counted from the beginning of each shift.
-- Results come by time, so a few days at a time are worked out, until there are enough.
create function private.slots(
  service public.services,
  provider_id uuid,
  location_id uuid,
  from_time timestamptz,
  to_time timestamptz,
  max_results int
) returns setof public.open_slot
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
#variable_conflict use_column
declare
  step interval := make_interval(mins => service.slot_interval_minutes);
  buffer_after interval := make_interval(mins => service.buffer_after_minutes);
  lag interval := make_interval(mins => service.buffer_before_minutes);
  needs_resources boolean := exists (
    select from public.service_needs where service_needs.service_id = service.id);
  -- Beside each place: the starts at which what is needed there is free.
  needed tstzmultirange[];
  places private.place[];
  provider_ids uuid[];
  location_ids uuid[];
  longest interval;
  days int;
  part_start timestamptz := slots.from_time;
  part_end timestamptz;
  missing int := slots.max_results;
  found_now int;
begin
  select array_agg(place), array_agg(place.provider_id), array_agg(place.location_id),
    max(place.length)
  into places, provider_ids, location_ids, longest
  from private.places_of(service, slots.provider_id, slots.location_id) as place;
  -- A place seldom has fewer than eight free starts a day.
  days := 1 + slots.max_results / (8 * cardinality(places));

  while missing > 0 and part_start < slots.to_time and cardinality(places) > 0 loop
    part_end := least(part_start + make_interval(days => days), slots.to_time);
    if needs_resources then
      needed := array(
        select kinds.starts
        from unnest(places) with ordinality
          as place (provider_id, location_id, length, is_capped, number)
        join (
          select known.location_id, known.length, private.starts_with_resources(
            service, known.location_id, known.length, part_start, part_end) as starts
          from (select distinct every_place.location_id, every_place.length
            from unnest(places) as every_place) as known
          offset 0
        ) as kinds using (location_id, length)
        order by place.number
      );
    end if;
    return query
    with free as materialized (
      select place.provider_id, place.location_id, place.length, opening.shifts,
        coalesce(place.needed, '{(,)}') * (
          select range_agg(tstzrange(lower(piece), upper(piece) - place.length, '[]'))
          from unnest(opening.open_time) as piece
          where upper(piece) - lower(piece) >= place.length
        ) - coalesce((
          -- A reservation [x, y) rules out every start in (x - length - buffer, y + buffer).
          select range_agg(tstzrange(
            lower(reservations.during) - (place.length + buffer_after),
            upper(reservations.during) + lag, '()'))
          from private.reservations
          where reservations.resource_id = place.provider_id
            and reservations.during
              && tstzrange(part_start - lag, part_end + (place.length + buffer_after))
            and (reservations.expires_at is null or reservations.expires_at > now())
        ), '{}') - case
          when place.is_capped then private.full_days(
            service, place.provider_id, place.location_id, part_start, part_end)
          else '{}'
        end as starts
      from unnest(places, needed)
        as place (provider_id, location_id, length, is_capped, needed)
      join private.open_times(provider_ids, location_ids, part_start, part_end + longest)
          as opening
        using (provider_id, location_id)
    )
    select grid.provider_id, grid.location_id, grid.starts_at, grid.starts_at + grid.length
    from (
      -- Set-returning functions beside the columns: in FROM, each piece would be stored first.
      select span.provider_id, span.location_id, span.length, span.piece, generate_series(
        date_bin(step, lower(span.piece) + step - interval '1 microsecond', span.base),
        upper(span.piece), step
      ) as starts_at
      from (
        select free.provider_id, free.location_id, free.length, kin.base,
          unnest(free.starts * kin.open_time) as piece
        from free
        -- Shifts that begin a whole number of steps apart, which most do, have their starts in common.
        cross join lateral (
          select min(lower(shift)) as base,
            range_agg(shift * tstzrange(part_start, part_end)) as open_time
          from unnest(free.shifts) as shift
          group by lower(shift) - date_bin(step, lower(shift), part_start)
        ) as kin
      ) as span
    ) as grid
    where grid.starts_at <@ grid.piece
    order by 3, 1, 2
    limit missing;
    get diagnostics found_now = row_count;
    missing := missing - found_now;
    part_start := part_end;
    days := days * 4;
  end loop;
end;
$$;

-- Definer: visitors read neither hours nor reservations; only free times come out.
create function public.open_slots(
  service_id uuid,
  from_time timestamptz,
  to_time timestamptz,
  provider_id uuid default null,
  location_id uuid default null,
  max_results int default 500
) returns setof public.open_slot
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  service public.services;
  earliest timestamptz := open_slots.from_time;
  latest timestamptz := open_slots.to_time;
begin
  select * into service from public.services
  where services.id = open_slots.service_id and services.active;
  if service.id is null or not private.may_see_clinic(service.clinic_id) then
    perform private.raise_error('not_found');
  end if;
  if earliest is null or latest is null or not isfinite(earliest) or not isfinite(latest)
    or earliest >= latest then
    perform private.raise_error('invalid_time', 'Ask for a time that ends after it starts.');
  end if;
  if latest - earliest > interval '62 days' or coalesce(open_slots.max_results, 0) > 5000 then
    perform private.raise_error('limit_reached', 'Ask for at most 62 days and 5000 slots.');
  end if;
  if coalesce(open_slots.max_results, 0) < 1 then
    perform private.raise_error('invalid_input', 'Ask for at least one slot.');
  end if;

  if service.new_patients_only and private.knows_caller(service.clinic_id) then
    return;
  end if;
  if private.is_staff_of(service.clinic_id) then
    earliest := greatest(earliest, now());
  else
    earliest := greatest(earliest, now() + make_interval(mins => service.min_notice_minutes));
    latest := least(latest, now() + make_interval(days => service.horizon_days));
  end if;
  if earliest < latest then
    return query select * from private.slots(service, open_slots.provider_id,
      open_slots.location_id, earliest, latest, open_slots.max_results);
  end if;
end;
$$;

comment on function public.open_slots(uuid, timestamptz, timestamptz, uuid, uuid, int) is
  'Times that could be booked now, at most 62 days and 5000 slots at once, by time. '
  'Notice and horizon are those of patients; the clinic''s staff is bound by neither.';

grant execute on function
  public.open_slots(uuid, timestamptz, timestamptz, uuid, uuid, int)
to anon, authenticated, service_role;
