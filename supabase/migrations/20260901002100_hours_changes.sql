-- Changed hours: visits and group sessions that a change of hours or exceptions leaves outside, or whose
-- provider, room or equipment is switched off, are marked for follow-up, whichever way the change comes,
-- and unmarked once all is well again.
-- Promises: inside_availability; a booking and such a change at the same instant see each other.
-- Access: members read follow-ups and close them; triggers write. Why it is shaped like this:
--         docs/decisions/0010-availability.md.

create type public.follow_up_kind as enum (
  'outside_hours',  -- the provider does not work at that time any more, or not at all
  'resource_gone'   -- a room or piece of equipment that it keeps is switched off
);

create table public.appointment_follow_ups (
  id bigint generated always as identity primary key,
  clinic_id uuid not null,
  appointment_id uuid,
  kind public.follow_up_kind not null,
  created_at timestamptz not null default now(),
  resolved_at timestamptz,
  session_id uuid,
  constraint appointment_follow_ups_are_of_one check (num_nonnulls(appointment_id, session_id) = 1),
  constraint appointment_follow_ups_appointment_is_of_clinic
    foreign key (clinic_id, appointment_id) references public.appointments (clinic_id, id)
    on delete cascade
);

create unique index appointment_follow_ups_one_open
  on public.appointment_follow_ups (appointment_id, kind) where resolved_at is null;
create unique index appointment_follow_ups_one_open_per_session
  on public.appointment_follow_ups (session_id, kind) where resolved_at is null;
create index appointment_follow_ups_by_appointment
  on public.appointment_follow_ups (clinic_id, appointment_id);
create index appointment_follow_ups_by_session
  on public.appointment_follow_ups (clinic_id, session_id) where session_id is not null;

comment on table public.appointment_follow_ups is
  'Visits and sessions that somebody has to look at: move, cancel, or agree to with an '
  'overbook_reason.';
comment on column public.appointment_follow_ups.session_id is
  'The group session as such, whoever has a seat; null: it is about a visit or a seat.';
comment on column public.appointment_follow_ups.resolved_at is
  'Set by itself when the visit is moved, called off or inside the hours again; staff may set it.';

alter table public.appointment_follow_ups enable row level security;

create policy "members read follow-ups" on public.appointment_follow_ups
  for select to authenticated using (clinic_id = any (array(select private.my_clinics())));
create policy "members close follow-ups" on public.appointment_follow_ups
  for update to authenticated
  using (clinic_id = any (array(select private.my_clinics())))
  with check (clinic_id = any (array(select private.my_clinics())));

grant select on public.appointment_follow_ups to authenticated, service_role;
grant update (resolved_at) on public.appointment_follow_ups to authenticated, service_role;

-- Keeps the provider's hours as they are until this transaction ends. Bookings run side by side; a
-- change of hours waits for them and then sees what they booked.
create function private.keep_hours_still(provider_id uuid) returns void
language plpgsql
set search_path = ''
as $$
declare
  state text;
begin
  -- Another seed than the ledger's: the same provider's hours have a lock of their own.
  if coalesce(current_setting('appoint.ledger', true), '') <> 'in use' then
    -- Assigned, since `perform` would run a query.
    state := pg_advisory_xact_lock_shared(pg_catalog.uuid_hash_extended(provider_id, 1));
  else
    perform private.lock_hours(array[keep_hours_still.provider_id], false);
  end if;
end;
$$;

-- The same for the providers among these, before any schedule is locked: whoever has locked some must not
-- wait for hours, and to ask again and again would keep everybody else waiting meanwhile.
create function private.keep_hours_of(resource_ids uuid[]) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.keep_hours_still(provider.id)
  from (
    select providers.id from public.providers
    where providers.id = any (keep_hours_of.resource_ids)
    order by providers.id
  ) as provider;
end;
$$;

-- Locks hours for a change, or for a booking that holds reservations already. Only who asks for one
-- lock and holds none waits without end; all others could be part of a circle, so they ask again
-- for two seconds and then give up. Raises slot_taken.
create function private.lock_hours(provider_ids uuid[], is_exclusive boolean) returns void
language plpgsql
set search_path = ''
as $$
declare
  lock_keys bigint[] := array(
    select distinct pg_catalog.uuid_hash_extended(asked.id, 1)
    from unnest(provider_ids) as asked (id) order by 1);
  may_wait boolean := cardinality(lock_keys) = 1
    and coalesce(current_setting('appoint.ledger', true), '') <> 'in use';
  lock_key bigint;
  attempts int := 0;
begin
  foreach lock_key in array lock_keys loop
    if may_wait then
      perform pg_advisory_xact_lock(lock_key);
      continue;
    end if;
    while not private.try_lock(lock_key, is_exclusive) loop
      attempts := attempts + 1;
      if attempts > 200 then
        perform private.raise_error('slot_taken',
          'Someone is changing the same schedule right now. Try again.');
      end if;
      perform pg_sleep(0.01);
    end loop;
  end loop;
  if is_exclusive then
    perform set_config('appoint.ledger', 'in use', true);
  end if;
end;
$$;

-- Coming visits of these providers that lie outside of the hours without anybody having said so; who is
-- switched off has none. A group session comes, beside its seats, as a visit without a patient.
create function private.visits_outside_hours(clinic_id uuid, provider_ids uuid[])
returns setof public.appointments
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  with visits as materialized (
    select * from public.appointments as visit
    where visit.clinic_id = visits_outside_hours.clinic_id
      and visit.provider_id = any (visits_outside_hours.provider_ids)
      and visit.starts_at > now()
      and visit.status in ('held', 'pending', 'booked', 'arrived')
      and (visit.status <> 'held' or visit.hold_expires_at > now())
      and visit.overbook_reason is null
      and not exists (
        select from public.group_sessions as session
        where session.id = visit.session_id and session.overbook_reason is not null
      )
    union all
    select visit.*
    from public.group_sessions as session
    cross join lateral private.session_as_visit(session) as visit
    where session.clinic_id = visits_outside_hours.clinic_id
      and session.provider_id = any (visits_outside_hours.provider_ids)
      and session.starts_at > now() and session.status = 'scheduled'
      and session.overbook_reason is null
  ), opening as materialized (
    select place.*
    from (
      select array_agg(asked.provider_id) as provider_ids,
        array_agg(asked.location_id) as location_ids,
        min(asked.starts_at) as from_time, max(asked.ends_at) as to_time
      from (
        select visits.provider_id, visits.location_id, min(visits.starts_at) as starts_at,
          max(visits.ends_at) as ends_at
        from visits group by visits.provider_id, visits.location_id
      ) as asked
    ) as asked
    cross join lateral private.open_times(
      asked.provider_ids, asked.location_ids, asked.from_time, asked.to_time) as place
  )
  select visits.* from visits
  join public.providers as provider on provider.id = visits.provider_id
  left join opening
    on opening.provider_id = visits.provider_id and opening.location_id = visits.location_id
  where not provider.active
    or not coalesce(tstzrange(visits.starts_at, visits.ends_at) <@ opening.open_time, false);
end;
$$;

-- Marks what a change of these providers' hours has left outside; closes what is inside again.
create function private.follow_up_hours(clinic_id uuid, provider_ids uuid[]) returns void
language plpgsql
set search_path = ''
as $$
declare
  outside public.appointments[];
begin
  perform private.lock_hours(provider_ids, true);
  outside := array(
    select visit
    from private.visits_outside_hours(follow_up_hours.clinic_id, provider_ids) as visit);
  insert into public.appointment_follow_ups (clinic_id, appointment_id, session_id, kind)
  select follow_up_hours.clinic_id,
    case when visit.patient_id is not null then visit.id end,
    case when visit.patient_id is null then visit.id end,
    'outside_hours'
  from unnest(outside) as visit
  on conflict do nothing;
  update public.appointment_follow_ups as note set resolved_at = now()
  where note.clinic_id = follow_up_hours.clinic_id and note.kind = 'outside_hours'
    and note.resolved_at is null
    and (
      exists (
        select from public.appointments as visit
        where visit.id = note.appointment_id and visit.provider_id = any (provider_ids)
      )
      or exists (
        select from public.group_sessions as session
        where session.id = note.session_id and session.provider_id = any (provider_ids)
      )
    )
    and not coalesce(note.appointment_id, note.session_id) in (
      select visit.id from unnest(outside) as visit);
end;
$$;

-- Whether anything in the clinic waits for a follow-up: then more hours may settle it.
create function private.has_follow_ups(clinic_id uuid) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from public.appointment_follow_ups as note
    where note.clinic_id = has_follow_ups.clinic_id and note.resolved_at is null
  );
end;
$$;

-- Definer: whoever changes the hours, all visits are looked at.
create function private.follow_up_weekly_hours() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  touched record;
begin
  if tg_op = 'INSERT' then
    -- Hours that are added push nothing out.
    for touched in
      select changed.clinic_id, array_agg(distinct changed.provider_id) as provider_ids
      from changed where private.has_follow_ups(changed.clinic_id) group by changed.clinic_id
    loop
      perform private.follow_up_hours(touched.clinic_id, touched.provider_ids);
    end loop;
    return null;
  elsif tg_op = 'UPDATE' then
    for touched in
      select both_sides.clinic_id, array_agg(distinct both_sides.provider_id) as provider_ids
      from (select * from before union all select * from changed) as both_sides
      group by both_sides.clinic_id
    loop
      perform private.follow_up_hours(touched.clinic_id, touched.provider_ids);
    end loop;
    return null;
  end if;
  for touched in
    select changed.clinic_id, array_agg(distinct changed.provider_id) as provider_ids
    from changed group by changed.clinic_id
  loop
    perform private.follow_up_hours(touched.clinic_id, touched.provider_ids);
  end loop;
  return null;
end;
$$;

-- Definer: as follow_up_weekly_hours.
create function private.follow_up_exceptions() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  touched public.availability_exceptions[];
begin
  if tg_op = 'UPDATE' then
    touched := array(
      select row(both_sides.*)::public.availability_exceptions
      from (select * from before union all select * from changed) as both_sides);
  else
    touched := array(select row(changed.*)::public.availability_exceptions from changed);
  end if;
  perform private.follow_up_hours(affected.clinic_id, affected.provider_ids)
  from (
    select provider.clinic_id, array_agg(distinct provider.id) as provider_ids
    from unnest(touched) as exception
    join public.providers as provider
      on provider.clinic_id = exception.clinic_id
      and (exception.provider_id is null or provider.id = exception.provider_id)
    group by provider.clinic_id
  ) as affected;
  return null;
end;
$$;

-- Definer: as follow_up_weekly_hours.
create function private.follow_up_time_zone() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.follow_up_hours(
    new.clinic_id,
    array(select providers.id from public.providers where providers.clinic_id = new.clinic_id));
  return null;
end;
$$;

-- Definer: as follow_up_weekly_hours.
create function private.follow_up_provider() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.follow_up_hours(new.clinic_id, array[new.id]);
  return null;
end;
$$;

-- Refuses to remove a room or piece of equipment, or to put it elsewhere, as long as coming visits keep
-- it. Whoever is just booking it is waited for; who comes later sees what became of it.
-- Definer: as follow_up_weekly_hours.
create function private.lock_changed_resource() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.lock_schedules(private.whole_schedules(array[old.id]), 'move');
  if tg_op = 'UPDATE' and (new.location_id, new.kind) = (old.location_id, old.kind) then
    return new;
  end if;
  if exists (select from private.keepers_of(old.id)) then
    perform private.raise_error('not_allowed', 'Coming visits keep it. Switch it off (active), so that '
      'they are marked for follow-up, and move or cancel them first.');
  end if;
  if tg_op = 'DELETE' then
    return old;
  end if;
  return new;
end;
$$;

-- The coming visits and sessions that keep a room or piece of equipment.
create function private.keepers_of(resource_id uuid)
returns table (appointment_id uuid, session_id uuid)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select kept.appointment_id, kept.session_id
  from private.reservations as kept
  where kept.resource_id = keepers_of.resource_id and kept.during && tstzrange(now(), null)
    and (kept.expires_at is null or kept.expires_at > now());
end;
$$;

-- Definer: as follow_up_weekly_hours.
create function private.follow_up_resource() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if not new.active then
    insert into public.appointment_follow_ups (clinic_id, appointment_id, session_id, kind)
    select new.clinic_id, keeper.appointment_id, keeper.session_id, 'resource_gone'
    from private.keepers_of(new.id) as keeper
    on conflict do nothing;
  else
    update public.appointment_follow_ups as note set resolved_at = now()
    from private.keepers_of(new.id) as keeper
    where note.kind = 'resource_gone' and note.resolved_at is null
      and coalesce(note.appointment_id, note.session_id)
        = coalesce(keeper.appointment_id, keeper.session_id)
      and not exists (
        select from private.reservations as other
        join public.resources on resources.id = other.resource_id and not resources.active
        where coalesce(other.appointment_id, other.session_id)
          = coalesce(keeper.appointment_id, keeper.session_id)
      );
  end if;
  return null;
end;
$$;

-- A visit that was moved lies inside the hours, in rooms that are there, or staff said why not; one that
-- is over or called off needs nobody.
-- Definer: as follow_up_weekly_hours.
create function private.settle_follow_ups() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.appointment_follow_ups as note set resolved_at = now()
  where note.appointment_id = new.id and note.resolved_at is null;
  return null;
end;
$$;

create trigger _500_follow_up_insert after insert on public.weekly_hours
  referencing new table as changed
  for each statement execute function private.follow_up_weekly_hours();
create trigger _500_follow_up_update after update on public.weekly_hours
  referencing old table as before new table as changed
  for each statement execute function private.follow_up_weekly_hours();
create trigger _500_follow_up_delete after delete on public.weekly_hours
  referencing old table as changed
  for each statement execute function private.follow_up_weekly_hours();

create trigger _500_follow_up_insert after insert on public.availability_exceptions
  referencing new table as changed
  for each statement execute function private.follow_up_exceptions();
create trigger _500_follow_up_update after update on public.availability_exceptions
  referencing old table as before new table as changed
  for each statement execute function private.follow_up_exceptions();
create trigger _500_follow_up_delete after delete on public.availability_exceptions
  referencing old table as changed
  for each statement execute function private.follow_up_exceptions();

create trigger _500_follow_up_time_zone after update of time_zone on public.locations
  for each row when (old.time_zone <> new.time_zone)
  execute function private.follow_up_time_zone();

create trigger _500_follow_up_active after update of active on public.providers
  for each row when (old.active <> new.active)
  execute function private.follow_up_provider();

create trigger _400_lock_changed before update of active, location_id, kind on public.resources
  for each row when (
    (old.active, old.location_id, old.kind) <> (new.active, new.location_id, new.kind)
  )
  execute function private.lock_changed_resource();
create trigger _400_lock_removed before delete on public.resources
  for each row execute function private.lock_changed_resource();
create trigger _500_follow_up_active after update of active on public.resources
  for each row when (old.active <> new.active)
  execute function private.follow_up_resource();

-- As settle_follow_ups, for a session.
-- Definer: as follow_up_weekly_hours.
create function private.settle_session_follow_ups() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.appointment_follow_ups as note set resolved_at = now()
  where note.session_id = new.id and note.resolved_at is null;
  return null;
end;
$$;

create trigger _800_settle_follow_ups after update on public.appointments
  for each row
  when (
    (old.starts_at, old.ends_at, old.provider_id, old.location_id, old.overbook_reason)
      is distinct from
      (new.starts_at, new.ends_at, new.provider_id, new.location_id, new.overbook_reason)
    or (old.status <> new.status and new.status not in ('held', 'pending', 'booked', 'arrived'))
  )
  execute function private.settle_follow_ups();
