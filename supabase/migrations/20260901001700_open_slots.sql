-- Free times: what the ledger, the hours and the service leave open.
-- Access: everyone for clinics that book publicly; members and patients for their own clinics.

create type public.open_slot as (
  provider_id uuid,
  location_id uuid,
  starts_at timestamptz,
  ends_at timestamptz
);

comment on type public.open_slot is 'A time that could be booked now.';

-- Where and by whom a visit can be given, and how long it takes there.
create type private.place as (
  provider_id uuid,
  location_id uuid,
  length interval
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
    make_interval(mins => coalesce(offered.duration_minutes, service.duration_minutes))
  from unnest(provider_ids) as candidate (id)
  join public.provider_services as offered
    on offered.provider_id = candidate.id and offered.service_id = service.id
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
      -- One free candidate is enough; a need without candidates is never met.
      select coalesce(range_agg(candidates_free.starts), '{}') as starts
      from needs left join candidates_free on candidates_free.need = needs.id
      group by needs.id
    )
    select range_intersect_agg(each_need.starts) from each_need
  ), asked);
end;
$$;

-- Free slots with a start in [from_time, to_time), by time. Starts lie on the service's interval,
-- counted from the beginning of each of the provider's shifts.
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
as $$
#variable_conflict use_column
declare
  places private.place[] := array(
    select place from private.places_of(service, slots.provider_id, slots.location_id) as place);
  -- A place seldom has fewer than eight free starts a day.
  days int := 1 + slots.max_results / (8 * greatest(cardinality(places), 1));
  part_start timestamptz := slots.from_time;
  part_end timestamptz;
  missing int := slots.max_results;
  found_now int;
begin
  while missing > 0 and part_start < slots.to_time and places <> '{}' loop
    part_end := least(part_start + make_interval(days => days), slots.to_time);
    return query
    select * from private.slots_at(service, places, part_start, part_end, missing);
    get diagnostics found_now = row_count;
    missing := missing - found_now;
    part_start := part_end;
    days := days * 4;
  end loop;
end;
$$;

-- Free slots at these places: hours, shortened by the visit, minus what would overlap a reservation
-- of the provider, minus times at which a needed resource is taken.
create function private.slots_at(
  service public.services,
  places private.place[],
  from_time timestamptz,
  to_time timestamptz,
  max_results int
) returns setof public.open_slot
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
declare
  step interval := make_interval(mins => service.slot_interval_minutes);
  buffer_after interval := make_interval(mins => service.buffer_after_minutes);
  lag interval := make_interval(mins => service.buffer_before_minutes);
  needs_resources boolean := exists (
    select from public.service_needs where service_needs.service_id = service.id);
  is_capped boolean := service.max_per_day is not null or service.max_per_week is not null
    or exists (
      select from public.provider_services as offered
      where offered.service_id = service.id
        and num_nonnulls(offered.max_per_day, offered.max_per_week) > 0
    );
  provider_ids uuid[];
  location_ids uuid[];
  longest interval;
begin
  select array_agg(place.provider_id), array_agg(place.location_id), max(place.length)
  into provider_ids, location_ids, longest
  from unnest(places) as place;

  return query
  with needed as materialized (
    select kinds.location_id, kinds.length,
      private.starts_with_resources(
        service, kinds.location_id, kinds.length, slots_at.from_time, slots_at.to_time) as starts
    from (select distinct place.location_id, place.length from unnest(places) as place) as kinds
    where needs_resources
  ), free as materialized (
    select place.provider_id, place.location_id, place.length, opening.shifts,
      (
        select range_agg(tstzrange(lower(piece), upper(piece) - place.length, '[]'))
        from unnest(opening.open_time) as piece
        where upper(piece) - lower(piece) >= place.length
      ) - coalesce((
        select range_agg(tstzrange(
          lower(reservations.during) - (place.length + buffer_after),
          upper(reservations.during) + lag, '()'))
        from private.reservations
        where reservations.resource_id = place.provider_id
          and reservations.during && tstzrange(
            slots_at.from_time - lag, slots_at.to_time + (place.length + buffer_after))
          and (reservations.expires_at is null or reservations.expires_at > now())
      ), '{}') - case
        when is_capped then private.full_days(service, place.provider_id, place.location_id,
          slots_at.from_time, slots_at.to_time)
        else '{}'
      end as starts
    from unnest(places) as place
    join private.open_times(
        provider_ids, location_ids, slots_at.from_time, slots_at.to_time + longest) as opening
      using (provider_id, location_id)
  )
  select distinct free.provider_id, free.location_id, slot.starts_at, slot.starts_at + free.length
  from free
  left join needed using (location_id, length)
  cross join lateral unnest(free.shifts) as shift (during)
  cross join lateral generate_series(
    -- The first start of the shift that is asked for.
    case
      when lower(shift.during) >= slots_at.from_time then lower(shift.during)
      else date_bin(step, slots_at.from_time + step - interval '1 microsecond', lower(shift.during))
    end,
    least(upper(shift.during), slots_at.to_time),
    step
  ) as slot (starts_at)
  where slot.starts_at <@ free.starts
    and slot.starts_at < slots_at.to_time
    and slot.starts_at < upper(shift.during)
    and (needed.starts is null or slot.starts_at <@ needed.starts)
  order by 3, 1, 2
  limit slots_at.max_results;
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
