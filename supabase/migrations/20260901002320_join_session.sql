-- Sessions as people meet them: which have a seat left, and taking one.
-- Promises: of any number of people who ask for the last seat at once exactly one gets it.
-- Access: everyone sees seats left in clinics that book publicly; signed-in people join for
--         themselves, staff and the service key for any patient of their clinic.

create type public.open_session as (
  session_id uuid,
  provider_id uuid,
  location_id uuid,
  starts_at timestamptz,
  ends_at timestamptz,
  seats_left int
);

comment on type public.open_session is 'A group session with seats left.';

-- How many seats can be had; one held for too long can.
create function private.seats_left(session public.group_sessions) returns int
language plpgsql
stable
set search_path = ''
as $$
begin
  return session.capacity - session.seats_taken
    + cardinality(private.seats_over(array[session.id]));
end;
$$;

-- Definer: visitors read no sessions; only times and the number of seats come out.
create function public.open_sessions(
  service_id uuid,
  from_time timestamptz,
  to_time timestamptz
) returns setof public.open_session
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  service public.services;
  earliest timestamptz := open_sessions.from_time;
  latest timestamptz := open_sessions.to_time;
begin
  select * into service from public.services
  where services.id = open_sessions.service_id and services.active;
  if service.id is null or not private.may_see_clinic(service.clinic_id) then
    perform private.raise_error('not_found');
  end if;
  if earliest is null or latest is null or not isfinite(earliest) or not isfinite(latest)
    or earliest >= latest then
    perform private.raise_error('invalid_time', 'Ask for a time that ends after it starts.');
  end if;
  if latest - earliest > interval '62 days' then
    perform private.raise_error('limit_reached', 'Ask for at most 62 days.');
  end if;

  if private.is_staff_of(service.clinic_id) then
    earliest := greatest(earliest, now());
  else
    earliest := greatest(earliest, now() + make_interval(mins => service.min_notice_minutes));
    latest := least(latest, now() + make_interval(days => service.horizon_days));
  end if;
  return query
  select sessions.id, sessions.provider_id, sessions.location_id, sessions.starts_at,
    sessions.ends_at, seats.unclaimed
  from public.group_sessions as sessions
  cross join lateral private.seats_left(sessions) as seats (unclaimed)
  where sessions.service_id = service.id and sessions.status = 'scheduled'
    and seats.unclaimed > 0
    -- A session that starts right now is over for booking.
    and sessions.starts_at > now()
    and sessions.starts_at >= earliest and sessions.starts_at < latest
  order by sessions.starts_at, sessions.id;
end;
$$;

-- Definer: nobody may insert appointments directly; who may ask for whom is checked here.
create function public.join_session(
  session_id uuid,
  patient_id uuid default null,
  request_id uuid default null,
  reason text default null
) returns public.appointments
language plpgsql
security definer
set search_path = ''
as $$
declare
  session public.group_sessions;
  service public.services;
  seat public.appointments;
  earlier_id uuid;
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  select * into session from public.group_sessions
  where group_sessions.id = join_session.session_id;
  if session.id is null or not private.may_see_clinic(session.clinic_id) then
    perform private.raise_error('not_found', 'There is no such session.');
  end if;
  seat.id := private.time_ordered_id();
  seat.patient_id := private.patient_to_book(session.clinic_id, join_session.patient_id);
  earlier_id := private.earlier_result(
    join_session.request_id,
    jsonb_build_array('join_session', session.id, seat.patient_id, join_session.reason),
    seat.id
  );
  if earlier_id is not null then
    return private.repeated_answer(earlier_id);
  end if;
  select * into strict service from public.services where services.id = session.service_id;
  perform private.check_bookable_time(service, session.starts_at);
  seat.clinic_id := session.clinic_id;
  seat.booked_via := private.booking_path_of(session.clinic_id);
  seat.status := case
    when service.needs_approval and seat.booked_via = 'patient' then 'pending' else 'booked'
  end;
  perform private.check_person_limits(seat);
  -- A cheap look that spares most losers the wait for the session; the count decides.
  if session.seats_taken >= session.capacity and session.status = 'scheduled' then
    if private.seats_left(session) <= 0 then
      perform private.raise_error('slot_taken', 'This session is full. Choose another one.');
    end if;
  end if;

  insert into public.appointments (id, session_id, patient_id, status, booked_by, booked_via,
    request_id)
  values (
    seat.id, session.id, seat.patient_id, seat.status, auth.uid(), seat.booked_via,
    join_session.request_id
  ) returning * into seat;
  perform private.keep_reason(seat, 'visit', join_session.reason);
  return seat;
end;
$$;

comment on function public.open_sessions(uuid, timestamptz, timestamptz) is
  'Group sessions of that service with seats left, at most 62 days at once, by time.';
comment on function public.join_session(uuid, uuid, uuid, text) is
  'Takes a seat. No patient: the caller. The same request_id again returns the same seat. Full: '
  'slot_taken. Cancelling the appointment frees the seat.';

grant execute on function public.open_sessions(uuid, timestamptz, timestamptz)
to anon, authenticated, service_role;
grant execute on function public.join_session(uuid, uuid, uuid, text)
to authenticated, service_role;
