-- The ledger: one row per provider, patient, room and piece of equipment kept busy.
-- Promises: never_overlaps, on every path, under any concurrency, without a deadlock.
-- Access: nobody; triggers on appointments and sessions alone write it. Why it is shaped like this:
--         docs/decisions/0003-reservation-ledger.md.

create table private.reservations (
  id bigint generated always as identity primary key,
  resource_id uuid not null,
  during tstzrange not null,
  appointment_id uuid,
  session_id uuid,
  expires_at timestamptz,
  constraint reservations_belong_to_one check (num_nonnulls(appointment_id, session_id) = 1),
  constraint reservations_appointment_exists
    foreign key (appointment_id) references public.appointments (id) on delete cascade,
  constraint reservations_during_is_bounded check (
    not isempty(during) and isfinite(lower(during)) and isfinite(upper(during))
  ),
  constraint reservations_never_overlap exclude using gist (resource_id with =, during with &&)
);

create index reservations_by_appointment on private.reservations (appointment_id);

-- Holds only, so a few rows: what looks for holds that are over must cost next to nothing.
create index reservations_of_holds on private.reservations (resource_id, expires_at)
  where expires_at is not null;

comment on table private.reservations is
  'What is kept busy, buffers included; the one place where double booking is impossible.';
comment on column private.reservations.resource_id is
  'The id of a provider, a patient, or a row of resources.';
comment on column private.reservations.session_id is
  'The group session that keeps provider and rooms; its seats keep their patients. Else null.';
comment on column private.reservations.expires_at is
  'When the hold that keeps this is over: from then on it is in nobody''s way. Null: not a hold.';

alter table private.reservations enable row level security;

-- What a visit has to reserve, in the order in which every transaction reserves: `step` and id.
-- Rows with a need are alternatives: as many free resources of each need as its quantity says are
-- enough. A seat of a session needs its patient alone; provider and rooms are the session's.
create function private.wanted_resources(visit public.appointments)
returns table (step int, resource_id uuid, during tstzrange, need uuid, quantity int)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
declare
  kept_during tstzrange := private.kept_during(visit);
begin
  if visit.session_id is null then
    return query select 1, visit.provider_id, kept_during, null::uuid, 1;
    return query
    with needs as (
      select * from public.service_needs where service_needs.service_id = visit.service_id
    )
    select 2, resources.id, kept_during, needs.id, 1
    from needs join public.resources on resources.id = needs.resource_id
    where (resources.active and resources.location_id = visit.location_id)
      or visit.booked_via = 'import'
    union all
    select 2, resources.id, kept_during, needs.id, needs.quantity
    from needs
    join public.resources
      on resources.location_id = visit.location_id and resources.kind = needs.kind
    where needs.resource_id is null and resources.active
      and not exists (select from needs as fixed where fixed.resource_id = resources.id)
    order by 2;
  end if;
  -- Last, so that two rivals for one time learn about the time, not about the patient.
  if visit.patient_id is not null then
    return query
    select 3, visit.patient_id, tstzrange(visit.starts_at, visit.ends_at), null::uuid, 1;
  end if;
end;
$$;

-- How long a visit keeps its provider, rooms and equipment: buffers included.
create function private.kept_during(visit public.appointments) returns tstzrange
language plpgsql
stable
set search_path = ''
as $$
begin
  return tstzrange(
    visit.starts_at - make_interval(mins => visit.buffer_before_minutes),
    visit.ends_at + make_interval(mins => visit.buffer_after_minutes)
  );
end;
$$;

-- A stretch of the schedule of a provider, a patient or a resource; `during` null: all of it.
create type private.stretch as (resource_id uuid, during tstzrange);

-- What a visit may come to keep, in any order: for most visits without asking more.
create function private.stretches_in_question(visit public.appointments) returns private.stretch[]
language plpgsql
stable
set search_path = ''
as $$
declare
  kept_during tstzrange := private.kept_during(visit);
begin
  if visit.session_id is null and not exists (
    select from public.service_needs where service_needs.service_id = visit.service_id
  ) then
    return array[
      (visit.provider_id, kept_during)::private.stretch,
      (visit.patient_id, kept_during)::private.stretch
    ];
  end if;
  return array(
    select (wanted.resource_id, wanted.during)::private.stretch
    from private.wanted_resources(visit) as wanted
  );
end;
$$;

create type private.ledger_intent as enum (
  'take_one',   -- one new visit: shared, its rivals settle by ON CONFLICT
  'move',       -- anything else that takes time: exclusive
  'give_back'   -- shared: nobody is waited for, but movers must wait
);

create type private.schedule_lock as (lock_key bigint, is_exclusive boolean);

-- Locks these stretches until the transaction ends, always in the same order.
-- A transaction waits only before its first reservation. Later it holds some already, and two that
-- hold and wait would end in a deadlock, so it asks again for a moment and then gives up.
create function private.lock_schedules(stretches private.stretch[], intent private.ledger_intent)
returns void
language plpgsql
set search_path = ''
as $$
declare
  is_first boolean := coalesce(current_setting('appoint.ledger', true), '') <> 'in use';
  wanted private.schedule_lock;
  attempts int := 0;
  state text;
begin
  if cardinality(stretches) = 0 then
    return;
  end if;
  foreach wanted in array private.locks_on(
    stretches, intent = 'move' or (intent = 'take_one' and not is_first))
  loop
    -- Assigned, since `perform` would run a query for each.
    if is_first and wanted.is_exclusive then
      state := pg_advisory_xact_lock(wanted.lock_key);
    elsif is_first then
      state := pg_advisory_xact_lock_shared(wanted.lock_key);
    else
      while not private.try_lock(wanted.lock_key, wanted.is_exclusive) loop
        attempts := attempts + 1;
        if attempts > 50 then
          perform private.raise_error('slot_taken',
            'Someone is changing the same schedule right now. Try again.');
        end if;
        perform pg_sleep(0.01);
      end loop;
    end if;
  end loop;
  -- Until the transaction, or the savepoint that holds these locks, ends.
  if is_first then
    state := set_config('appoint.ledger', 'in use', true);
  end if;
end;
$$;

-- The locks on these stretches, in the order in which all transactions take them: a shared one on each
-- schedule, then one on each day (in UTC) that is touched, so that those who change different days do not
-- wait for each other. What spans more than a month is locked as a whole: one exclusive lock. So is
-- everything if there is so much of it that the server could run out of locks.
create function private.locks_on(stretches private.stretch[], days_are_exclusive boolean)
returns private.schedule_lock[]
language plpgsql
immutable
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  first_day date;
  schedule_keys bigint[];
  day_keys bigint[];
begin
  -- Most visits keep a provider and a patient, for the same time: no query for these.
  if cardinality(stretches) = 2 and stretches[1].during = stretches[2].during then
    first_day := (lower(stretches[1].during) at time zone 'UTC')::date;
    if first_day = (upper(stretches[1].during) at time zone 'UTC')::date then
      schedule_keys := private.pair_of_locks(stretches, 0);
      day_keys := private.pair_of_locks(stretches, private.lock_seed(first_day));
      return array[
        (schedule_keys[1], false), (schedule_keys[2], false),
        (day_keys[1], days_are_exclusive), (day_keys[2], days_are_exclusive)
      ]::private.schedule_lock[];
    end if;
  end if;
  return array(
    with asked as materialized (
      select stretch.resource_id, days.first, days.last,
        coalesce(days.last - days.first > 31, true) or cardinality(stretches) > 500 as is_whole
      from unnest(stretches) as stretch
      cross join lateral (
        select (lower(stretch.during) at time zone 'UTC')::date,
          (upper(stretch.during) at time zone 'UTC')::date
      ) as days (first, last)
    )
    select (needed.lock_key, needed.is_exclusive)::private.schedule_lock
    from (
      select 1 as step, pg_catalog.uuid_hash_extended(asked.resource_id, 0) as lock_key,
        bool_or(asked.is_whole) as is_exclusive
      from asked group by asked.resource_id
      union all
      select distinct 2,
        pg_catalog.uuid_hash_extended(asked.resource_id, private.lock_seed(asked.first + number)),
        days_are_exclusive
      from asked cross join lateral generate_series(0, asked.last - asked.first) as number
      where not asked.is_whole
    ) as needed
    order by needed.step, needed.lock_key
  );
end;
$$;

-- What a day's locks are made with: never 0 or 1, which stand for whole schedules and for hours.
create function private.lock_seed(day date) returns bigint
language plpgsql
immutable
set search_path = ''
as $$
begin
  return 2 + 4 * (day - date '2000-01-01')::bigint;
end;
$$;

create function private.pair_of_locks(stretches private.stretch[], seed bigint) returns bigint[]
language plpgsql
immutable
set search_path = ''
as $$
declare
  one bigint := pg_catalog.uuid_hash_extended(stretches[1].resource_id, seed);
  other bigint := pg_catalog.uuid_hash_extended(stretches[2].resource_id, seed);
begin
  return array[least(one, other), greatest(one, other)];
end;
$$;

create function private.try_lock(lock_key bigint, is_exclusive boolean) returns boolean
language plpgsql
set search_path = ''
as $$
begin
  return case
    when is_exclusive then pg_try_advisory_xact_lock(lock_key)
    else pg_try_advisory_xact_lock_shared(lock_key)
  end;
end;
$$;

-- Reserves all a visit needs, or raises slot_taken or patient_already_booked. Its schedules are
-- locked by the caller. ON CONFLICT looks before it writes and waits for a rival who is not done
-- yet; a plain INSERT would write first and deadlock with that rival.
-- `is_session`: the visit stands for a group session, which has no patient of its own.
create function private.reserve(visit public.appointments, is_session boolean default false)
returns void
language plpgsql
set search_path = ''
as $$
declare
  wanted record;
  met_needs uuid[] := '{}';
  kept_until timestamptz := case when visit.status = 'held' then visit.hold_expires_at end;
begin
  if not is_session and visit.session_id is null and not exists (
    select from public.service_needs where service_needs.service_id = visit.service_id
  ) then
    perform private.reserve_provider_and_patient(visit);
    return;
  end if;
  for wanted in select * from private.wanted_resources(visit) loop
    continue when cardinality(array_positions(met_needs, wanted.need)) >= wanted.quantity;
    insert into private.reservations (resource_id, during, appointment_id, session_id, expires_at)
    values (wanted.resource_id, wanted.during,
      case when not is_session then visit.id end, case when is_session then visit.id end,
      kept_until)
    on conflict do nothing;
    if found then
      if wanted.need is not null then
        met_needs := met_needs || wanted.need;
      end if;
    elsif wanted.step = 3 then
      perform private.raise_error('patient_already_booked');
    elsif wanted.need is null then
      perform private.raise_error('slot_taken');
    end if;
  end loop;
  if exists (
    select from public.service_needs
    where service_needs.service_id = visit.service_id and visit.session_id is null
      and cardinality(array_positions(met_needs, service_needs.id)) < service_needs.quantity
  ) then
    perform private.raise_error('slot_taken', 'The rooms or the equipment that this visit needs are '
      'not free. Choose another time.');
  end if;
end;
$$;

-- As reserve, for a visit that needs its provider and its patient alone: one statement, same order.
create function private.reserve_provider_and_patient(visit public.appointments) returns void
language plpgsql
set search_path = ''
as $$
declare
  kept_until timestamptz;
  taken int;
begin
  if visit.status = 'held' then
    kept_until := visit.hold_expires_at;
  end if;
  insert into private.reservations (resource_id, during, appointment_id, expires_at)
  values
    (visit.provider_id, private.kept_during(visit), visit.id, kept_until),
    (visit.patient_id, tstzrange(visit.starts_at, visit.ends_at), visit.id, kept_until)
  on conflict do nothing;
  get diagnostics taken = row_count;
  if taken < 2 then
    perform private.raise_error(case when exists (
      select from private.reservations
      where reservations.appointment_id = visit.id
        and reservations.resource_id = visit.provider_id
    ) then 'patient_already_booked' else 'slot_taken' end);
  end if;
end;
$$;

-- Reserves for the visit that most are: one that needs its provider and its patient and nothing else,
-- is not limited in number, and has no hold that is over in its way. In one look and one statement, in
-- the order of wanted_resources. False: it is another, and nothing was done. Raises as reserve.
create function private.reserve_usual(visit public.appointments) returns boolean
language plpgsql
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  kept tstzrange := private.kept_during(visit);
  is_usual boolean;
begin
  if visit.session_id is not null then
    return false;
  end if;
  select num_nonnulls(services.max_per_day, services.max_per_week,
      offered.max_per_day, offered.max_per_week) = 0
    and not exists (
      select from public.service_needs where service_needs.service_id = services.id
    ) and not exists (
      select from private.reservations as hold
      where hold.resource_id in (visit.provider_id, visit.patient_id)
        and hold.expires_at <= now() and hold.during && kept
    )
  into is_usual
  from public.services
  left join public.provider_services as offered
    on offered.provider_id = visit.provider_id and offered.service_id = services.id
  where services.id = visit.service_id;
  if is_usual is not true then
    return false;
  end if;
  perform private.lock_schedules(array[
    (visit.provider_id, kept)::private.stretch, (visit.patient_id, kept)::private.stretch
  ], 'take_one');
  perform private.reserve_provider_and_patient(visit);
  return true;
end;
$$;

-- What these appointments keep.
create function private.stretches_kept_by(appointment_ids uuid[]) returns private.stretch[]
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
begin
  return array(
    select (reservations.resource_id, reservations.during)::private.stretch
    from private.reservations
    where reservations.appointment_id = any (appointment_ids)
  );
end;
$$;

-- The holds that are over and in the way there, but for those of the appointments named.
create function private.holds_over_in(stretches private.stretch[], except_ids uuid[] default '{}')
returns uuid[]
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
begin
  return array(
    select distinct hold.appointment_id
    from unnest(stretches) as stretch
    -- By the index of holds, which is nearly empty.
    cross join lateral (
      select reservations.appointment_id, reservations.during from private.reservations
      where reservations.resource_id = stretch.resource_id and reservations.expires_at <= now()
      offset 0
    ) as hold
    where hold.during && stretch.during and not hold.appointment_id = any (except_ids)
  );
end;
$$;

create function private.whole_schedules(resource_ids uuid[]) returns private.stretch[]
language plpgsql
immutable
set search_path = ''
as $$
begin
  return array(
    select (whole.id, null)::private.stretch from unnest(resource_ids) as whole (id)
  );
end;
$$;

-- Ends those of the holds that are over; one that somebody is just changing is left to them, since
-- whoever calls this holds locks on schedules already and must not wait for a row.
create function private.end_holds(appointment_ids uuid[]) returns int
language plpgsql
set search_path = ''
as $$
declare
  ended int;
begin
  update public.appointments set status = 'cancelled'
  where appointments.id = any (array(
    select hold.id from public.appointments as hold
    where hold.id = any (end_holds.appointment_ids)
      and hold.status = 'held' and hold.hold_expires_at <= now()
    order by hold.id
    for no key update skip locked
  ));
  get diagnostics ended = row_count;
  return ended;
end;
$$;

-- Reserves for `taking` once what `giving_ids` keep is given back, and lets holds in `keeping` last as long as
-- they say now: all old reservations go before any new one comes, so that two visits may swap their times
-- in one statement. One new visit alone locks shared; of several, each would hold what another transaction
-- waits for, so they lock exclusively. So does one that moves, that has to end a hold first, or whose service
-- or provider gives a limited number of visits: these are counted one by one.
create function private.exchange(
  taking public.appointments[], giving_ids uuid[], keeping public.appointments[]
) returns void
language plpgsql
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  visit public.appointments;
  stretches private.stretch[] := '{}';
  capped uuid[] := '{}';
  holds_over uuid[] := '{}';
begin
  foreach visit in array taking loop
    stretches := stretches || private.stretches_in_question(visit);
    if private.is_capped(visit.service_id, visit.provider_id) then
      capped := capped || visit.service_id;
    end if;
  end loop;
  if taking <> '{}' then
    holds_over := private.holds_over_in(stretches, giving_ids);
  end if;
  stretches := stretches || private.whole_schedules(capped) || private.stretches_kept_by(
    giving_ids || array(select kept.id from unnest(keeping) as kept) || holds_over);
  perform private.lock_schedules(stretches, case
    when taking = '{}' then 'give_back'
    when cardinality(taking) = 1 and giving_ids = '{}' and holds_over = '{}' and capped = '{}'
      then 'take_one'
    else 'move'
  end::private.ledger_intent);
  if holds_over <> '{}' then
    perform private.end_holds(holds_over);
  end if;
  if giving_ids <> '{}' then
    delete from private.reservations where reservations.appointment_id = any (giving_ids);
  end if;
  foreach visit in array keeping loop
    update private.reservations
    set expires_at = case when visit.status = 'held' then visit.hold_expires_at end
    where reservations.appointment_id = visit.id;
  end loop;
  foreach visit in array taking loop
    if capped <> '{}' then
      perform private.check_caps(visit);
    end if;
    perform private.reserve(visit);
  end loop;
end;
$$;

-- Reserves for new appointments, for follow_new.
create function private.reserve_for_new(added public.appointments[]) returns void
language plpgsql
set search_path = ''
as $$
declare
  taking public.appointments[];
begin
  if cardinality(added) = 1 then
    if not private.keeps_time(added[1].status) or private.reserve_usual(added[1]) then
      return;
    end if;
  end if;
  taking := array(select kept from unnest(added) as kept where private.keeps_time(kept.status));
  if taking <> '{}' then
    perform private.exchange(taking, '{}', '{}');
  end if;
end;
$$;

-- Moves reservations along with changed appointments, for follow_changed. A hold that is confirmed or
-- prolonged keeps its reservations.
create function private.reserve_for_changed(
  befores public.appointments[], afters public.appointments[]
) returns void
language plpgsql
set search_path = ''
as $$
declare
  before public.appointments;
  visit public.appointments;
  taking public.appointments[] := '{}';
  giving_ids uuid[] := '{}';
  keeping public.appointments[] := '{}';
begin
  for number in 1 .. cardinality(afters) loop
    before := befores[number];
    visit := afters[number];
    continue when not private.keeps_time(visit.status) and not private.keeps_time(before.status);
    if (private.keeps_time(visit.status), visit.starts_at, visit.ends_at, visit.provider_id,
        visit.location_id, visit.service_id, visit.buffer_before_minutes, visit.buffer_after_minutes)
      is distinct from (private.keeps_time(before.status), before.starts_at, before.ends_at,
        before.provider_id, before.location_id, before.service_id, before.buffer_before_minutes,
        before.buffer_after_minutes) then
      giving_ids := giving_ids || visit.id;
      if private.keeps_time(visit.status) then
        taking := taking || visit;
      end if;
    elsif (case when visit.status = 'held' then visit.hold_expires_at end)
      is distinct from (case when before.status = 'held' then before.hold_expires_at end) then
      keeping := keeping || visit;
    end if;
  end loop;
  if giving_ids <> '{}' or keeping <> '{}' then
    perform private.exchange(taking, giving_ids, keeping);
  end if;
end;
$$;

-- A removed appointment takes its reservations along by foreign key; their schedules are locked
-- before.
-- Definer: whoever removes the appointment, the ledger is written.
create function private.lock_for_removal() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.lock_schedules(private.stretches_kept_by(array[old.id]), 'give_back');
  return old;
end;
$$;

create trigger _500_lock_for_removal before delete on public.appointments
  for each row execute function private.lock_for_removal();
