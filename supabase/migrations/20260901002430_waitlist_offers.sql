-- Offers: a time that becomes free is kept for the waiting patient whom it suits best.
-- Promises: what is freed is noted in the same transaction, so no time is forgotten; an offer is a
--           hold in the ledger, so nobody races; never two open offers to one entry.
-- Access: triggers note, the service key offers and expires.

create table private.freed_slots (
  id bigint generated always as identity primary key,
  clinic_id uuid not null,
  location_id uuid not null,
  provider_id uuid,
  session_id uuid,
  during tstzrange not null,
  noted_at timestamptz not null default now(),
  passed text[] not null default '{}'
);

comment on table private.freed_slots is
  'Times and seats that became free and were not offered to the waiting list yet.';
comment on column private.freed_slots.session_id is
  'The group session that has seats left; null: time for visits of one patient. No foreign key: '
  'whoever removes the session would wait for this row while whoever offers it waits for the session.';
comment on column private.freed_slots.provider_id is
  'Whose time; null: a room or equipment became free with it, so any provider''s may be.';

comment on column private.freed_slots.passed is
  'What looks that had no time to come to an end have tried: entry, start and provider of each.';

alter table private.freed_slots enable row level security;

-- Wakes the workers if anybody waits in these clinics; a hint, the table is the truth.
create function private.announce_freed_slots(clinic_id uuid) returns void
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select from public.waitlist_entries as waiting
    where waiting.clinic_id = announce_freed_slots.clinic_id and waiting.status = 'waiting'
  ) then
    perform realtime.send('{"freed": 1}', 'work_due', 'worker:outbox', true);
  end if;
end;
$$;

-- Notes the time a visit gave back. A seat in a group session gives back no time, but itself.
-- Definer: whoever changes the appointment, the freed time is noted.
create function private.note_freed_visit() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into private.freed_slots (clinic_id, location_id, provider_id, during)
  values (
    old.clinic_id, old.location_id,
    case when not exists (
      select from public.service_needs where service_needs.service_id = old.service_id
    ) then old.provider_id end,
    tstzrange(
      old.starts_at - make_interval(mins => old.buffer_before_minutes),
      old.ends_at + make_interval(mins => old.buffer_after_minutes))
  );
  perform private.announce_freed_slots(old.clinic_id);
  return null;
end;
$$;

create trigger _850_note_freed after update on public.appointments
  for each row when (
    old.session_id is null and old.ends_at > now()
    and old.status in ('held', 'pending', 'booked', 'arrived')
    and (
      new.status in ('cancelled', 'noshow', 'entered_in_error')
      or old.starts_at <> new.starts_at or old.ends_at <> new.ends_at
      or old.provider_id <> new.provider_id or old.location_id <> new.location_id
    )
  )
  execute function private.note_freed_visit();
create trigger _850_note_freed_by_removal after delete on public.appointments
  for each row when (
    old.session_id is null and old.ends_at > now()
    and old.status in ('held', 'pending', 'booked', 'arrived')
  )
  execute function private.note_freed_visit();

-- Notes the days of a provider at a place on which there may be more open time now, as far ahead as
-- anybody can book, cut into pieces that one look at the free times can take.
create function private.note_freed_days(
  clinic_id uuid, location_id uuid, provider_id uuid, first_day date, last_day date
) returns void
language plpgsql
set search_path = ''
as $$
declare
  horizon_days int := (
    select max(services.horizon_days) from public.services
    where services.clinic_id = note_freed_days.clinic_id
  );
begin
  -- Nobody can wait in a clinic without services, nor book.
  if horizon_days is null then
    return;
  end if;
  insert into private.freed_slots (clinic_id, location_id, provider_id, during)
  select
    note_freed_days.clinic_id, place.id, note_freed_days.provider_id,
    tstzrange(
      piece.day at time zone place.time_zone,
      least(piece.day + interval '7 days', span.ends) at time zone place.time_zone)
  from public.locations as place
  cross join lateral (
    select
      greatest(first_day, (now() at time zone place.time_zone)::date)::timestamp as begins,
      least(last_day, (now() at time zone place.time_zone)::date + horizon_days)::timestamp
        + interval '1 day' as ends
  ) as span
  cross join lateral generate_series(span.begins, span.ends - interval '1 day', '7 days')
    as piece (day)
  where place.clinic_id = note_freed_days.clinic_id
    and (note_freed_days.location_id is null or place.id = note_freed_days.location_id);
  perform private.announce_freed_slots(note_freed_days.clinic_id);
end;
$$;

-- Definer: managers change hours; the freed time is noted whoever does.
create function private.note_freed_hours() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.note_freed_days(changed.clinic_id, changed.location_id, changed.provider_id,
    min(changed.valid_from), max(coalesce(changed.valid_until, date '9999-01-01')))
  from changed
  group by changed.clinic_id, changed.location_id, changed.provider_id;
  return null;
end;
$$;

create trigger _850_note_freed_insert after insert on public.weekly_hours
  referencing new table as changed
  for each statement execute function private.note_freed_hours();
create trigger _850_note_freed_update after update on public.weekly_hours
  referencing new table as changed
  for each statement execute function private.note_freed_hours();

-- Extra hours add time; a closure that goes or shrinks gives it back.
-- Definer: as note_freed_hours.
create function private.note_freed_exception() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if tg_op <> 'DELETE' then
    if new.kind = 'extra' then
      perform private.note_freed_days(
        new.clinic_id, new.location_id, new.provider_id, new.starts_on, new.ends_on);
    end if;
  end if;
  if tg_op <> 'INSERT' then
    if old.kind = 'closed' then
      perform private.note_freed_days(
        old.clinic_id, old.location_id, old.provider_id, old.starts_on, old.ends_on);
    end if;
  end if;
  return null;
end;
$$;

create trigger _850_note_freed after insert or update or delete on public.availability_exceptions
  for each row execute function private.note_freed_exception();

-- A provider, or a room or piece of equipment, that is there again gives all its time.
-- Definer: as note_freed_hours.
create function private.note_freed_by_return() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if tg_table_name = 'providers' then
    perform private.note_freed_days(new.clinic_id, null, new.id, '-infinity', 'infinity');
  else
    perform private.note_freed_days(new.clinic_id, new.location_id, null, '-infinity', 'infinity');
  end if;
  return null;
end;
$$;

create trigger _850_note_freed after update of active on public.providers
  for each row when (new.active and not old.active)
  execute function private.note_freed_by_return();
create trigger _850_note_freed after update of active on public.resources
  for each row when (new.active and not old.active)
  execute function private.note_freed_by_return();

-- Notes that a session has a seat left, if it takes place.
create function private.note_freed_seats(session_id uuid) returns void
language plpgsql
set search_path = ''
as $$
declare
  session public.group_sessions;
begin
  select * into session from public.group_sessions
  where group_sessions.id = note_freed_seats.session_id
    and group_sessions.status = 'scheduled' and group_sessions.starts_at > now();
  if session.id is null then
    return;
  end if;
  insert into private.freed_slots (clinic_id, location_id, provider_id, session_id, during)
  values (session.clinic_id, session.location_id, session.provider_id, session.id,
    tstzrange(session.starts_at, session.ends_at));
  perform private.announce_freed_slots(session.clinic_id);
end;
$$;

-- Definer: whoever gives the seat back, it is noted.
create function private.note_freed_seat() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.note_freed_seats(old.session_id);
  return null;
end;
$$;

create trigger _850_note_freed_seat after update on public.appointments
  for each row when (
    old.session_id is not null and old.status in ('held', 'pending', 'booked', 'arrived')
    and new.status in ('cancelled', 'entered_in_error')
  )
  execute function private.note_freed_seat();
create trigger _850_note_freed_seat_by_removal after delete on public.appointments
  for each row when (
    old.session_id is not null and old.status in ('held', 'pending', 'booked', 'arrived')
  )
  execute function private.note_freed_seat();

-- A session that is planned, moved or enlarged has seats for people who wait; one that is called off
-- or moved away gives its provider's time back.
-- Definer: the office plans sessions; what they free is noted whoever does.
create function private.note_freed_by_session() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if tg_op <> 'INSERT' then
    if old.status = 'scheduled' and old.ends_at > now() and (tg_op = 'DELETE'
      or (new.status, new.provider_id, new.location_id, new.starts_at, new.ends_at)
        is distinct from
        (old.status, old.provider_id, old.location_id, old.starts_at, old.ends_at)) then
      insert into private.freed_slots (clinic_id, location_id, provider_id, during)
      values (
        old.clinic_id, old.location_id,
        case when not exists (
          select from public.service_needs where service_needs.service_id = old.service_id
        ) then old.provider_id end,
        private.kept_during(private.session_as_visit(old)));
      perform private.announce_freed_slots(old.clinic_id);
    end if;
  end if;
  if tg_op <> 'DELETE' then
    perform private.note_freed_seats(new.id);
  end if;
  return null;
end;
$$;

create trigger _850_note_freed after insert or delete on public.group_sessions
  for each row execute function private.note_freed_by_session();
create trigger _850_note_freed_by_change after update on public.group_sessions
  for each row when (
    (new.status, new.provider_id, new.location_id, new.starts_at, new.ends_at)
      is distinct from (old.status, old.provider_id, old.location_id, old.starts_at, old.ends_at)
    or new.capacity > old.capacity
  )
  execute function private.note_freed_by_session();

create type private.offer_candidate as (
  entry_id uuid,
  patient_id uuid,
  service_id uuid,
  provider_id uuid,
  starts_at timestamptz,
  ends_at timestamptz,
  session_id uuid
);

-- The waiting patient who comes first by the clinic's policy, with the seat that was freed or the free
-- time closest to it: one that suits, in which the patient is free too, and that shares no minute with
-- one offered to them before: who declined nine o'clock is not asked about a quarter past next.
-- `passed` are pairs of entry and start that were tried in vain.
create function private.next_offer(freed private.freed_slots, passed text[])
returns private.offer_candidate
language plpgsql
stable
set search_path = ''
as $$
declare
  candidate private.offer_candidate;
begin
  with waiting as materialized (
    select entry.*,
      case when clinic.waitlist_policy = 'urgency' then entry.urgency end as urgency_that_counts
    from public.waitlist_entries as entry
    join public.clinics as clinic on clinic.id = entry.clinic_id
    where entry.clinic_id = freed.clinic_id and entry.status = 'waiting'
      and (entry.location_id is null or entry.location_id = freed.location_id)
      and (entry.earliest is null or entry.earliest <= upper(freed.during)::date + 1)
      and (entry.latest is null or entry.latest >= lower(freed.during)::date - 1)
  ), wanted as (
    select service.*, make_interval(mins => greatest(service.duration_minutes, (
        select max(offered.duration_minutes) from public.provider_services as offered
        where offered.service_id = service.id))) as at_most
    from public.services as service
    where service.active and service.id in (select waiting.service_id from waiting)
  ), free as materialized (
    select wanted.id as service_id, slot.*, null::uuid as session_id
    from wanted
    cross join lateral (
      select greatest(
        lower(freed.during) - wanted.at_most - make_interval(mins => wanted.buffer_after_minutes),
        now() + make_interval(mins => greatest(wanted.min_notice_minutes, 1))) as begins
    ) as from_then
    cross join lateral (
      -- open_slots answers for 62 days; what is freed is shorter, also with what lies around it.
      select from_then.begins, least(
        upper(freed.during) + make_interval(mins => wanted.buffer_before_minutes),
        now() + make_interval(days => wanted.horizon_days),
        from_then.begins + interval '62 days') as ends
    ) as near
    cross join lateral public.open_slots(
      wanted.id, near.begins, near.ends, freed.provider_id, freed.location_id, 5000) as slot
    where freed.session_id is null and near.begins < near.ends
      and tstzrange(
        slot.starts_at - make_interval(mins => wanted.buffer_before_minutes),
        slot.ends_at + make_interval(mins => wanted.buffer_after_minutes)) && freed.during
    union all
    select wanted.id, session.provider_id, session.location_id, session.starts_at,
      session.ends_at, session.id
    from public.group_sessions as session
    join wanted on wanted.id = session.service_id
    where session.id = freed.session_id and session.status = 'scheduled'
      and session.starts_at >= now() + make_interval(mins => greatest(wanted.min_notice_minutes, 1))
      and session.starts_at < now() + make_interval(days => wanted.horizon_days)
      and private.seats_left(session) > 0
  ), shown as materialized (
    -- Once for each time: what follows compares it with the wishes of everybody who waits.
    select free.*, here.starts::date as day, extract(isodow from here.starts)::smallint as weekday,
      here.starts::time as from_clock,
      here.starts::time - time '00:00' + (free.ends_at - free.starts_at) as until,
      abs(extract(epoch from free.starts_at - lower(freed.during))) as distance,
      ' ' || free.starts_at || ' ' || free.provider_id as start_and_provider
    from free
    join public.locations as place on place.id = freed.location_id
    cross join lateral (
      select (free.starts_at at time zone place.time_zone) as starts
    ) as here
  )
  -- Entry by entry in their order, so that it ends at the first whom any of the times suits.
  select waiting.id, waiting.patient_id, closest.service_id, closest.provider_id, closest.starts_at,
    closest.ends_at, closest.session_id
  into candidate
  from (
    select * from waiting
    order by waiting.urgency_that_counts desc, waiting.created_at, waiting.id
  ) as waiting
  cross join lateral (
    select shown.*
    from shown
    where shown.service_id = waiting.service_id
      and shown.day between coalesce(waiting.earliest, '-infinity')
        and coalesce(waiting.latest, 'infinity')
      and (waiting.weekdays is null or shown.weekday = any (waiting.weekdays))
      and shown.from_clock >= waiting.from_clock
      and shown.until <= waiting.to_clock - time '00:00'
      and (
        not exists (
          select from public.waitlist_entry_providers as preferred
          where preferred.entry_id = waiting.id
        )
        or exists (
          select from public.waitlist_entry_providers as preferred
          where preferred.entry_id = waiting.id and preferred.provider_id = shown.provider_id
        )
      )
      and not exists (
        select from public.waitlist_offers as earlier
        where earlier.clinic_id = waiting.clinic_id and earlier.entry_id = waiting.id
          and earlier.provider_id = shown.provider_id and earlier.starts_at < shown.ends_at
          and shown.starts_at < earlier.starts_at + (shown.ends_at - shown.starts_at)
      )
      and not exists (
        select from private.reservations as busy
        where busy.resource_id = waiting.patient_id
          and busy.during && tstzrange(shown.starts_at, shown.ends_at)
          and (busy.expires_at is null or busy.expires_at > now())
      )
      and not waiting.id || shown.start_and_provider = any (passed)
    order by shown.distance, shown.starts_at, shown.provider_id
    limit 1
  ) as closest
  order by waiting.urgency_that_counts desc, waiting.created_at, waiting.id
  limit 1;
  return candidate;
end;
$$;

-- Keeps the time for the patient and tells them. Raises what booking it would raise.
create function private.make_offer(candidate private.offer_candidate, location_id uuid)
returns public.waitlist_offers
language plpgsql
set search_path = ''
as $$
declare
  hold public.appointments;
  offer public.waitlist_offers;
begin
  insert into public.appointments (location_id, service_id, provider_id, patient_id, starts_at,
    ends_at, session_id, status, hold_expires_at)
  select make_offer.location_id, candidate.service_id, candidate.provider_id,
    candidate.patient_id, candidate.starts_at, candidate.ends_at, candidate.session_id, 'held',
    least(now() + make_interval(mins => clinics.offer_minutes), candidate.starts_at)
  from public.services join public.clinics on clinics.id = services.clinic_id
  where services.id = candidate.service_id
  returning * into hold;
  insert into public.waitlist_offers
    (clinic_id, entry_id, appointment_id, provider_id, starts_at, expires_at)
  values (hold.clinic_id, candidate.entry_id, hold.id, hold.provider_id, hold.starts_at,
    hold.hold_expires_at)
  returning * into offer;
  insert into public.notifications (clinic_id, appointment_id, appointment_version, kind,
    recipient_id, channel, status, last_error)
  select hold.clinic_id, hold.id, hold.version, 'offer', patients.id, 'email',
    (case when address.email is null then 'skipped' else 'queued' end)
      ::public.notification_status,
    case when address.email is null then 'no_address' end
  from public.patients
  cross join lateral (
    select coalesce(patients.email, private.guardians_address(patients.id)) as email
  ) as address
  where patients.id = candidate.patient_id;
  return offer;
end;
$$;

-- Offers what is free of a freed time, one visit after the other, until it suits nobody any more, 100
-- offers were made or the time is over. Says how many, whether nothing is left, and what was tried.
create function private.offer_freed_slot(
  freed private.freed_slots, within interval, out offers int, out is_over boolean, out passed text[]
)
language plpgsql
set search_path = ''
as $$
declare
  began timestamptz := clock_timestamp();
  candidate private.offer_candidate;
begin
  passed := freed.passed;
  offers := 0;
  loop
    candidate := private.next_offer(freed, passed);
    is_over := candidate.entry_id is null;
    exit when is_over;
    passed := passed
      || (candidate.entry_id || ' ' || candidate.starts_at || ' ' || candidate.provider_id);
    -- Somebody who is being offered another time right now is left to that offer.
    perform from public.waitlist_entries as waiting
    where waiting.id = candidate.entry_id and waiting.status = 'waiting'
    for no key update skip locked;
    if found then
      begin
        perform private.make_offer(candidate, freed.location_id);
        offers := offers + 1;
      exception
        when sqlstate 'PT403' or sqlstate 'PT404' or sqlstate 'PT409' or sqlstate 'PT422' then
          -- Taken meanwhile, or the patient is busy by now: the next one.
          null;
      end;
    end if;
    exit when offers = 100 or clock_timestamp() >= began + within;
  end loop;
end;
$$;

-- What is left to look at of a time that took longer than a statement may: a long one in two halves.
create function private.halves(freed private.freed_slots) returns tstzrange[]
language plpgsql
immutable
set search_path = ''
as $$
declare
  takes interval := upper(freed.during) - lower(freed.during);
  middle timestamptz := lower(freed.during) + takes / 2;
begin
  if freed.session_id is not null or takes <= interval '1 day' then
    return array[freed.during];
  end if;
  return array[tstzrange(lower(freed.during), middle), tstzrange(middle, upper(freed.during))];
end;
$$;

-- Definer: the service key has no privilege to write offers.
create function worker.offer_freed_slots(batch int default 1, within_seconds numeric default 2)
returns table (freed int, offered int)
language plpgsql
security definer
set search_path = ''
as $$
declare
  slot private.freed_slots;
  made record;
  rest tstzrange[];
  is_first boolean := true;
begin
  if coalesce(offer_freed_slots.batch, 0) not between 1 and 1000
    or coalesce(within_seconds, -1) not between 0 and 3600 then
    perform private.raise_error('invalid_input', 'Look at 1 to 1000 freed times at once.');
  end if;
  freed := 0;
  offered := 0;
  for slot in
    select * from private.freed_slots
    order by freed_slots.id
    limit offer_freed_slots.batch
    for update skip locked
  loop
    begin
      -- Sessions before entries and seats; who holds one of these already must not wait.
      if slot.session_id is not null then
        perform private.lock_session(slot.session_id, is_first);
      end if;
    exception
      when sqlstate 'PT404' then null;  -- Removed since: there is nothing to offer.
      when sqlstate 'PT409' then continue;  -- Somebody is changing it: the next look finds it.
    end;
    is_first := false;
    begin
      made := private.offer_freed_slot(
        slot, make_interval(secs => within_seconds::double precision));
      rest := case when made.is_over then '{}' else array[slot.during] end;
      slot.passed := made.passed;
      offered := offered + made.offers;
    exception
      -- The statement's time is over, in a single comparison of everybody with everything.
      when query_canceled then rest := private.halves(slot);
    end;
    freed := freed + 1;
    -- What has more to give goes on behind the others, or a long time would keep them all waiting.
    insert into private.freed_slots
      (clinic_id, location_id, provider_id, session_id, during, noted_at, passed)
    select slot.clinic_id, slot.location_id, slot.provider_id, slot.session_id, piece.during,
      slot.noted_at, slot.passed
    from unnest(rest) as piece (during);
    delete from private.freed_slots where freed_slots.id = slot.id;
  end loop;
  return next;
end;
$$;

-- Definer: as offer_freed_slots.
create function worker.expire_offers(batch int default 100) returns int
language plpgsql
security definer
set search_path = ''
as $$
declare
  sessions uuid[];
  expired int;
begin
  if coalesce(expire_offers.batch, 0) not between 1 and 1000 then
    perform private.raise_error('invalid_input', 'Expire 1 to 1000 offers at once.');
  end if;
  -- Sessions before their seats; one that somebody is just changing is left for the next time.
  sessions := array(
    select session.id from public.group_sessions as session
    where session.id = any (array(
      select hold.session_id
      from public.waitlist_offers as offers
      join public.appointments as hold on hold.id = offers.appointment_id
      where offers.status = 'open' and offers.expires_at <= now()
    ))
    order by session.id
    for no key update skip locked
  );
  -- Triggers close the offers and note the freed times.
  update public.appointments set status = 'cancelled'
  where appointments.status = 'held' and appointments.id = any (array(
    select hold.id
    from public.waitlist_offers as offers
    join public.appointments as hold on hold.id = offers.appointment_id
    where offers.status = 'open' and offers.expires_at <= now() and hold.status = 'held'
      and (hold.session_id is null or hold.session_id = any (sessions))
    order by offers.expires_at
    limit expire_offers.batch
    for no key update of hold skip locked
  ));
  get diagnostics expired = row_count;
  update public.waitlist_entries set status = 'expired'
  where waitlist_entries.status = 'waiting' and waitlist_entries.latest < current_date - 1;
  return expired;
end;
$$;

comment on function worker.offer_freed_slots(int, numeric) is
  'Offers up to `batch` freed times to waiting patients, whose schedules stay locked until it is done: '
  'how many times were looked at, how many offers made. Fewer looked at than asked for: nothing is '
  'left. A time that takes longer than `within_seconds` is gone on with after the others.';
comment on function worker.expire_offers(int) is
  'Ends offers that were not answered in time and returns how many; their times are freed again.';

grant execute on function worker.offer_freed_slots(int, numeric), worker.expire_offers(int) to service_role;
