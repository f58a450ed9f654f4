-- Seats: what ties appointments with a session_id to their session, and sessions to the ledger.
-- Promises: a session has never more seats taken than it has; all seats move with it or none; all
--           are called off with it, and each patient is told.

-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table private.reservations add constraint reservations_session_exists
  foreign key (session_id) references public.group_sessions (id) on delete cascade;
-- squawk-ignore require-concurrent-index-creation
create index reservations_by_session on private.reservations (session_id)
  where session_id is not null;

-- Locks a session until the transaction ends, before its seats and before any schedule, and returns
-- it. A transaction waits only if it holds neither a session nor a schedule yet, and no seat
-- (`may_wait`); otherwise it asks again for a moment and then gives up.
create function private.lock_session(session_id uuid, may_wait boolean)
returns public.group_sessions
language plpgsql
set search_path = ''
as $$
declare
  session public.group_sessions;
  attempts int := 0;
begin
  if may_wait and coalesce(current_setting('appoint.ledger', true), '') <> 'in use'
    and coalesce(current_setting('appoint.session', true), '') <> 'in use' then
    select * into session from public.group_sessions
    where group_sessions.id = lock_session.session_id for no key update;
  else
    loop
      select * into session from public.group_sessions
      where group_sessions.id = lock_session.session_id for no key update skip locked;
      exit when found or not exists (
        select from public.group_sessions where group_sessions.id = lock_session.session_id);
      attempts := attempts + 1;
      if attempts > 50 then
        perform private.raise_error('slot_taken',
          'Someone is changing the same session right now. Try again.');
      end if;
      perform pg_sleep(0.01);
    end loop;
  end if;
  if session.id is null then
    perform private.raise_error('not_found', 'There is no such session.');
  end if;
  -- Until the transaction, or the savepoint that holds this lock, ends.
  perform set_config('appoint.session', 'in use', true);
  return session;
end;
$$;

-- Held seats of these sessions whose holds are over: they count until somebody ends them.
create function private.seats_over(session_ids uuid[]) returns uuid[]
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select seat.id from public.appointments as seat
    where seat.session_id = any (seats_over.session_ids)
      and seat.status = 'held' and seat.hold_expires_at <= now()
  );
end;
$$;

-- A seat is where and when its session is, whatever was written, and stays with that session.
-- Definer: whoever books a seat, the session is read and locked.
create function private.follow_session() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  session public.group_sessions;
  is_new boolean := tg_op = 'INSERT';
  was_taken boolean := not is_new and private.keeps_time(old.status);
  is_placed_by_hand boolean;
begin
  if not is_new and new.session_id is distinct from old.session_id then
    perform private.raise_error('not_allowed', 'A seat stays with its session. Cancel it and join '
      'the other one.');
  end if;
  if not private.keeps_time(new.status) and was_taken then
    -- Only to count it; the seat stays where it was.
    perform private.lock_session(new.session_id, false);
    return new;
  end if;
  if not private.keeps_time(new.status) and not is_new then
    return new;
  end if;

  if was_taken then
    select * into session from public.group_sessions where group_sessions.id = new.session_id;
  else
    session := private.lock_session(new.session_id, is_new);
    if session.status = 'cancelled' and private.keeps_time(new.status) then
      perform private.raise_error('illegal_transition', 'This session was called off.');
    end if;
    if session.seats_taken >= session.capacity then
      perform private.end_holds(private.seats_over(array[session.id]));
    end if;
  end if;
  -- What is left out, or nulled to be filled in, is not by hand.
  is_placed_by_hand := (
    is_new or (new.service_id, new.provider_id, new.location_id, new.starts_at, new.ends_at)
      is distinct from
      (old.service_id, old.provider_id, old.location_id, old.starts_at, old.ends_at)
  ) and (
    coalesce(new.service_id, session.service_id), coalesce(new.provider_id, session.provider_id),
    coalesce(new.location_id, session.location_id), coalesce(new.starts_at, session.starts_at),
    coalesce(new.ends_at, session.ends_at)
  ) is distinct from (
    session.service_id, session.provider_id, session.location_id, session.starts_at,
    session.ends_at
  );
  if new.clinic_id <> session.clinic_id then
    perform private.raise_error('not_found', 'This clinic has no such session.');
  end if;
  if is_placed_by_hand then
    perform private.raise_error('not_allowed', 'A seat takes place where and when its session '
      'does. Move the session, or cancel the seat and join another one.');
  end if;
  new.clinic_id := session.clinic_id;
  new.service_id := session.service_id;
  new.provider_id := session.provider_id;
  new.location_id := session.location_id;
  new.starts_at := session.starts_at;
  new.ends_at := session.ends_at;
  new.buffer_before_minutes := session.buffer_before_minutes;
  new.buffer_after_minutes := session.buffer_after_minutes;
  new.overbook_reason := session.overbook_reason;
  return new;
end;
$$;

-- Before a seat is deleted, its session is locked: it may have to be counted anew.
-- Definer: as follow_session.
create function private.lock_session_for_removal() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.lock_session(old.session_id, false);
  return old;
end;
$$;

-- Counts the seats of a session, which this transaction has locked. Raises slot_taken if it is
-- full.
-- Definer: as follow_session.
create function private.count_seat() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  change int := (tg_op <> 'DELETE' and private.keeps_time(new.status))::int
    - (tg_op <> 'INSERT' and private.keeps_time(old.status))::int;
begin
  if change = 0 then
    return null;
  end if;
  update public.group_sessions set seats_taken = group_sessions.seats_taken + change
  where group_sessions.id = coalesce(new.session_id, old.session_id)
    and group_sessions.seats_taken + change <= group_sessions.capacity;
  if not found then
    perform private.raise_error('slot_taken', 'This session is full. Choose another one.');
  end if;
  return null;
end;
$$;

create trigger _090_follow_session_insert before insert on public.appointments
  for each row when (new.session_id is not null) execute function private.follow_session();
create trigger _090_follow_session_update before update on public.appointments
  for each row when (new.session_id is not null or old.session_id is not null)
  execute function private.follow_session();
create trigger _090_follow_session_delete before delete on public.appointments
  for each row when (old.session_id is not null)
  execute function private.lock_session_for_removal();

create trigger _400_count_seat_insert after insert on public.appointments
  for each row when (new.session_id is not null) execute function private.count_seat();
create trigger _400_count_seat_update after update on public.appointments
  for each row when (new.session_id is not null and new.status <> old.status)
  execute function private.count_seat();
create trigger _400_count_seat_delete after delete on public.appointments
  for each row when (old.session_id is not null) execute function private.count_seat();

-- What these sessions keep; their seats keep their patients.
create function private.stretches_kept_by_sessions(session_ids uuid[]) returns private.stretch[]
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select (reservations.resource_id, reservations.during)::private.stretch
    from private.reservations
    where reservations.session_id = any (session_ids)
  );
end;
$$;

-- Gives back what changed sessions keep and reserves what they (now) need; every schedule, also
-- those of all their seats, is locked before the first reservation goes. Holds that are over end
-- here, as for single visits.
create function private.reserve_sessions(changed uuid[], taking uuid[])
returns void
language plpgsql
set search_path = ''
as $$
declare
  session public.group_sessions;
  stretches private.stretch[];
  holds_over uuid[];
begin
  perform from public.appointments
  where appointments.session_id = any (changed)
  order by appointments.id for no key update;
  stretches := array(
    select (wanted.resource_id, wanted.during)::private.stretch
    from public.group_sessions
    cross join lateral private.wanted_resources(private.session_as_visit(group_sessions)) as wanted
    where group_sessions.id = any (taking)
  );
  holds_over := private.holds_over_in(stretches);
  stretches := stretches || private.stretches_kept_by(holds_over)
    || private.stretches_kept_by_sessions(changed);
  -- Where a seat is now and where it will be.
  stretches := stretches || array(
    select (seat.patient_id, tstzrange(time.starts_at, time.ends_at))::private.stretch
    from public.appointments as seat
    join public.group_sessions as planned on planned.id = seat.session_id
    cross join lateral (
      values (seat.starts_at, seat.ends_at), (planned.starts_at, planned.ends_at)
    ) as time (starts_at, ends_at)
    where seat.session_id = any (changed) and private.keeps_time(seat.status)
  );
  perform private.lock_schedules(stretches, 'move');
  perform private.end_holds(holds_over || private.seats_over(changed));
  delete from private.reservations where reservations.session_id = any (changed);
  for session in select * from public.group_sessions where group_sessions.id = any (taking) loop
    perform private.reserve(private.session_as_visit(session), true);
  end loop;
end;
$$;

-- Definer: whoever plans the session, the ledger is written.
create function private.reserve_for_new_sessions() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.reserve_sessions('{}', array_agg(added.id))
  from added where added.status = 'scheduled'
  having count(*) > 0;
  return null;
end;
$$;

-- Moves or frees what changed sessions keep, and takes their seats along: all of it, or the change
-- is refused.
-- Definer: as reserve_for_new_sessions.
create function private.reserve_for_changed_sessions() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  changed uuid[];
  taking uuid[];
begin
  select array_agg(after.id), array_agg(after.id) filter (where after.status = 'scheduled')
  into changed, taking
  from after join before using (id)
  where (after.status, after.provider_id, after.location_id, after.starts_at, after.ends_at,
      after.buffer_before_minutes, after.buffer_after_minutes, after.overbook_reason)
    is distinct from (before.status, before.provider_id, before.location_id, before.starts_at,
      before.ends_at, before.buffer_before_minutes, before.buffer_after_minutes,
      before.overbook_reason);
  if changed is null then
    return null;
  end if;
  perform private.reserve_sessions(changed, taking);
  update public.appointments set
    starts_at = after.starts_at, ends_at = after.ends_at,
    provider_id = after.provider_id, location_id = after.location_id,
    overbook_reason = after.overbook_reason
  from after
  where appointments.session_id = after.id and after.id = any (taking)
    and private.keeps_time(appointments.status);
  update public.appointments set status = 'cancelled'
  from after
  where appointments.session_id = after.id and after.id = any (changed)
    and after.status = 'cancelled' and private.keeps_time(appointments.status);
  return null;
end;
$$;

-- A removed session takes its reservations along by foreign key.
-- Definer: as reserve_for_new_sessions.
create function private.lock_for_removal_of_session() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.lock_schedules(private.stretches_kept_by_sessions(array[old.id]), 'give_back');
  return old;
end;
$$;

-- Tells open screens when sessions take or free a provider's time; seats tell of themselves.
-- Definer: callers may not write realtime.messages.
create function private.broadcast_session() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if tg_op <> 'INSERT' then
    perform private.broadcast_slots(old.clinic_id, old.provider_id, old.starts_at, old.ends_at);
  end if;
  if tg_op <> 'DELETE' then
    perform private.broadcast_slots(new.clinic_id, new.provider_id, new.starts_at, new.ends_at);
  end if;
  return null;
end;
$$;

create trigger _500_reserve_insert after insert on public.group_sessions
  referencing new table as added
  for each statement execute function private.reserve_for_new_sessions();
create trigger _500_reserve_update after update on public.group_sessions
  referencing old table as before new table as after
  for each statement execute function private.reserve_for_changed_sessions();
create trigger _500_lock_for_removal before delete on public.group_sessions
  for each row execute function private.lock_for_removal_of_session();

create trigger _900_broadcast after insert or delete on public.group_sessions
  for each row execute function private.broadcast_session();
create trigger _900_broadcast_update after update on public.group_sessions
  for each row when (
    (new.status, new.provider_id, new.starts_at, new.ends_at, new.capacity)
    is distinct from (old.status, old.provider_id, old.starts_at, old.ends_at, old.capacity)
  ) execute function private.broadcast_session();
