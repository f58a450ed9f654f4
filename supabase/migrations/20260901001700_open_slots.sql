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

-- Free starts of one provider at one place, before they are cut into slots: hours, minus what would
-- overlap a reservation of the provider, minus times at which a needed resource is taken.
-- An existing reservation [x, y) rules out every start in (x - length - buffer, y + buffer).
create function private.free_starts(
  service public.services,
  provider_id uuid,
  location_id uuid,
  length interval,
  from_time timestamptz,
  to_time timestamptz
) returns tstzmultirange
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    with keeping as (
      select
        free_starts.length + make_interval(mins => service.buffer_after_minutes) as lead,
        make_interval(mins => service.buffer_before_minutes) as lag
    ), window_read as (
      select tstzrange(
        free_starts.from_time - keeping.lag, free_starts.to_time + keeping.lead
      ) as during
      from keeping
    ), needs as (
      select * from public.service_needs where service_needs.service_id = service.id
    ), candidates as (
      select needs.id as need, resources.id as resource_id
      from needs
      join public.resources
        on resources.location_id = free_starts.location_id and resources.kind = needs.kind
        and resources.active
      where case
        when needs.resource_id is null
        then not exists (select from needs as fixed where fixed.resource_id = resources.id)
        else needs.resource_id = resources.id
      end
    ), candidates_free as (
      select
        candidates.need,
        tstzmultirange(tstzrange(free_starts.from_time, free_starts.to_time))
          - coalesce(taken.starts, '{}') as starts
      from candidates
      cross join lateral (
        select range_agg(tstzrange(
          lower(reservations.during) - keeping.lead, upper(reservations.during) + keeping.lag, '()'
        )) as starts
        from private.reservations, keeping, window_read
        where reservations.resource_id = candidates.resource_id
          and reservations.during && window_read.during
      ) as taken
    ), each_need as (
      -- One free candidate is enough; a need without candidates is never met.
      select coalesce(
        (select range_agg(piece) from candidates_free cross join lateral unnest(candidates_free.starts)
          as piece where candidates_free.need = needs.id), '{}') as starts
      from needs
    ), provider_taken as (
      select coalesce(range_agg(tstzrange(
        lower(reservations.during) - keeping.lead, upper(reservations.during) + keeping.lag, '()'
      )), '{}') as starts
      from private.reservations, keeping, window_read
      where reservations.resource_id = free_starts.provider_id
        and reservations.during && window_read.during
    ), provider_open as (
      select coalesce(
        range_agg(tstzrange(lower(piece), upper(piece) - free_starts.length, '[]')), '{}') as starts
      from unnest(private.open_time(
        free_starts.provider_id, free_starts.location_id,
        free_starts.from_time, free_starts.to_time + free_starts.length)) as piece
      where upper(piece) - lower(piece) >= free_starts.length
    )
    select (provider_open.starts - provider_taken.starts)
      * coalesce(
          (select range_intersect_agg(each_need.starts) from each_need),
          tstzmultirange(tstzrange(free_starts.from_time, free_starts.to_time))
        )
    from provider_open, provider_taken
  );
end;
$$;

-- Who could give the visit where, and how long it takes there.
create function private.places_of(service public.services, provider_id uuid, location_id uuid)
returns setof private.place
language plpgsql
stable
rows 10
set search_path = ''
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
    select distinct weekly_hours.location_id from public.weekly_hours
    where weekly_hours.provider_id = offered.provider_id
  ) as hours
  where places_of.location_id is null or hours.location_id = places_of.location_id;
end;
$$;

-- Free slots with a start in [from_time, to_time), by time. Starts lie on the service's interval,
-- counted from the beginning of each of the provider's shifts.
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
begin
  return query
  -- Materialized: what is free is worked out once per place, not once per shift.
  with free as materialized (
    select place.provider_id, place.location_id, place.length,
      private.free_starts(service, place.provider_id, place.location_id, place.length,
        slots.from_time, slots.to_time) as starts
    from private.places_of(service, slots.provider_id, slots.location_id) as place
  )
  select distinct free.provider_id, free.location_id, slot.starts_at, slot.starts_at + free.length
  from free
  cross join lateral private.shifts(
    free.provider_id, free.location_id, slots.from_time, slots.to_time) as shift (during)
  cross join lateral unnest(
    free.starts
      * tstzmultirange(shift.during * tstzrange(slots.from_time, slots.to_time))
  ) as piece (during)
  cross join lateral (
    select make_interval(mins => service.slot_interval_minutes) as step
  ) as grid
  cross join lateral generate_series(
    date_bin(grid.step, lower(piece.during) + grid.step - interval '1 microsecond',
      lower(shift.during)),
    upper(piece.during),
    grid.step
  ) as slot (starts_at)
  where slot.starts_at <@ piece.during
  order by 3, 1, 2
  limit slots.max_results;
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
