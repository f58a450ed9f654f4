-- Group sessions: one provider, one place, one time, several seats.
-- Promises: never_overlaps and inside_availability, on plain SQL too; a session keeps its provider
--           and rooms once, in the same ledger as single visits.
-- Access: members read their clinic's, patients those they have a seat in; owner, manager and
--         front desk plan them. Why it is shaped like this: docs/decisions/0012-group-sessions.md.

create type public.session_status as enum (
  'scheduled',  -- takes place, and its seats can be booked until it starts; -> cancelled
  'cancelled'   -- called off with all its seats; final
);

create table public.group_sessions (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  location_id uuid not null,
  service_id uuid not null,
  provider_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  buffer_before_minutes int not null
    constraint group_sessions_buffer_before_is_possible check (buffer_before_minutes >= 0),
  buffer_after_minutes int not null
    constraint group_sessions_buffer_after_is_possible check (buffer_after_minutes >= 0),
  capacity int not null
    constraint group_sessions_capacity_is_possible check (capacity between 1 and 1000),
  seats_taken int not null default 0,
  status public.session_status not null default 'scheduled',
  version int not null default 1,
  overbook_reason text
    constraint group_sessions_overbook_reason_is_not_blank check (btrim(overbook_reason) <> '')
    constraint group_sessions_overbook_reason_is_short check (length(overbook_reason) <= 500),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint group_sessions_in_clinic unique (clinic_id, id),
  constraint group_sessions_during_is_bounded
    check (isfinite(starts_at) and isfinite(ends_at) and starts_at < ends_at),
  constraint group_sessions_seats_taken_fit check (seats_taken between 0 and capacity),
  constraint group_sessions_location_is_of_clinic
    foreign key (clinic_id, location_id) references public.locations (clinic_id, id),
  constraint group_sessions_service_is_of_clinic
    foreign key (clinic_id, service_id) references public.services (clinic_id, id),
  constraint group_sessions_provider_is_of_clinic
    foreign key (clinic_id, provider_id) references public.providers (clinic_id, id)
);

create index group_sessions_by_service on public.group_sessions (service_id, starts_at);
create index group_sessions_by_provider on public.group_sessions (provider_id, starts_at);
create index group_sessions_by_clinic on public.group_sessions (clinic_id, starts_at);

comment on table public.group_sessions is
  'Group appointments. Service, provider and start are enough to add one; the rest is filled in. '
  'A seat is a row of appointments with this session_id and a patient.';
comment on column public.group_sessions.clinic_id is 'Left out: the service''s clinic.';
comment on column public.group_sessions.location_id is
  'Left out: where the provider is at that time.';
comment on column public.group_sessions.ends_at is
  'Left out: start plus the length of the service. Buffers are not included.';
comment on column public.group_sessions.buffer_before_minutes is
  'As the service said when this was planned; later changes of the service do not move it.';
comment on column public.group_sessions.buffer_after_minutes is 'As buffer_before_minutes.';
comment on column public.group_sessions.capacity is
  'How many seats there are. Left out: as many as the service says. Never below seats_taken.';
comment on column public.group_sessions.seats_taken is
  'Counted from the seats; what is written here by hand is ignored.';
comment on column public.group_sessions.version is
  'Counts moves to another time, place or provider, by itself.';
comment on column public.group_sessions.overbook_reason is
  'Why staff put this outside the provider''s hours; then hours are not checked, overlaps still '
  'are. Patients can read it.';

-- A session as the ledger and the broadcasts see it: a visit without a patient.
create function private.session_as_visit(session public.group_sessions)
returns public.appointments
language plpgsql
stable
set search_path = ''
as $$
declare
  visit public.appointments;
begin
  visit.id := session.id;
  visit.clinic_id := session.clinic_id;
  visit.location_id := session.location_id;
  visit.service_id := session.service_id;
  visit.provider_id := session.provider_id;
  visit.starts_at := session.starts_at;
  visit.ends_at := session.ends_at;
  visit.buffer_before_minutes := session.buffer_before_minutes;
  visit.buffer_after_minutes := session.buffer_after_minutes;
  return visit;
end;
$$;

-- Fills in what a person leaves out of a new session.
-- Definer: whoever plans it, services and hours must be read.
create function private.fill_in_session() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  service public.services;
  length_minutes int;
begin
  if new.service_id is null or new.provider_id is null then
    perform private.raise_error('invalid_input', 'Give a service and a provider.');
  end if;
  if new.starts_at is null or not isfinite(new.starts_at)
    or (new.ends_at is not null and not isfinite(new.ends_at)) then
    perform private.raise_error('invalid_time', 'Give the time at which the session starts.');
  end if;
  select * into service from public.services where services.id = new.service_id;
  if service.id is null or not private.is_staff_of(service.clinic_id) then
    perform private.raise_error('not_found', 'This clinic does not offer this service.');
  end if;
  select coalesce(offered.duration_minutes, service.duration_minutes) into length_minutes
  from public.provider_services as offered
  where offered.provider_id = new.provider_id and offered.service_id = new.service_id;

  new.clinic_id := coalesce(new.clinic_id, service.clinic_id);
  new.buffer_before_minutes := coalesce(new.buffer_before_minutes, service.buffer_before_minutes);
  new.buffer_after_minutes := coalesce(new.buffer_after_minutes, service.buffer_after_minutes);
  new.capacity := coalesce(new.capacity, service.capacity);
  new.ends_at := coalesce(
    new.ends_at,
    new.starts_at + make_interval(mins => coalesce(length_minutes, service.duration_minutes))
  );
  new.location_id := coalesce(
    new.location_id,
    private.location_of_provider(new.provider_id, new.starts_at, new.ends_at)
  );
  new.seats_taken := 0;
  new.version := 1;
  return new;
end;
$$;

-- Before a change: a moved session keeps its length, and its place follows the provider, unless the
-- person gave them; what identifies it stays, and every move is a new version.
-- Definer: as fill_in_session.
create function private.prepare_changed_session() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if (new.id, new.clinic_id, new.service_id)
    is distinct from (old.id, old.clinic_id, old.service_id) then
    perform private.raise_error('not_allowed', 'A session stays with its clinic and its service. '
      'Cancel it and plan another.');
  end if;
  if new.starts_at is null or not isfinite(new.starts_at)
    or (new.ends_at is not null and not isfinite(new.ends_at)) then
    perform private.raise_error('invalid_time', 'Give the time at which the session starts.');
  end if;
  new.created_at := old.created_at;
  new.capacity := coalesce(new.capacity, old.capacity);
  new.buffer_before_minutes := coalesce(new.buffer_before_minutes, old.buffer_before_minutes);
  new.buffer_after_minutes := coalesce(new.buffer_after_minutes, old.buffer_after_minutes);
  if new.ends_at is null
    or (new.starts_at <> old.starts_at and new.ends_at = old.ends_at) then
    new.ends_at := new.starts_at + (old.ends_at - old.starts_at);
  end if;
  if new.location_id is null
    or ((new.starts_at, new.provider_id) is distinct from (old.starts_at, old.provider_id)
      and new.location_id = old.location_id) then
    new.location_id := private.location_of_provider(
      new.provider_id, new.starts_at, new.ends_at);
  end if;
  new.version := old.version + case
    when (new.provider_id, new.location_id, new.starts_at, new.ends_at)
      is distinct from (old.provider_id, old.location_id, old.starts_at, old.ends_at) then 1
    else 0
  end;
  return new;
end;
$$;

-- Refuses what no path may write: what is not offered, time outside the provider's hours, fewer
-- seats than are taken, a session called off that comes back or moves.
-- Definer: as fill_in_session.
create function private.check_session() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  is_new boolean := tg_op = 'INSERT';
  is_moved boolean := true;
  needs_hours boolean;
begin
  if not is_new then
    is_moved := (new.provider_id, new.location_id, new.starts_at, new.ends_at)
      is distinct from (old.provider_id, old.location_id, old.starts_at, old.ends_at);
  end if;
  needs_hours := new.status = 'scheduled' and new.overbook_reason is null
    and (is_moved or old.overbook_reason is not null);
  -- As in check_appointment.
  if needs_hours then
    perform private.keep_hours_still(new.provider_id);
  end if;
  if new.starts_at >= new.ends_at then
    perform private.raise_error('invalid_time', 'The session has to end after it starts.');
  end if;
  if new.buffer_before_minutes < 0 or new.buffer_after_minutes < 0
    or btrim(new.overbook_reason) = '' then
    perform private.raise_error('invalid_input',
      'Buffers are 0 minutes or more, and a reason for overbooking is not blank.');
  end if;
  if not is_new and old.status = 'cancelled' and (is_moved or new.status <> old.status) then
    perform private.raise_error('illegal_transition', 'This session was called off. Plan another.');
  end if;
  if not new.capacity between 1 and 1000 then
    perform private.raise_error('invalid_input', 'A session has 1 to 1000 seats.');
  end if;
  if new.capacity < new.seats_taken then
    perform private.raise_error('limit_reached',
      'More seats are taken than that. Cancel some seats first.');
  end if;
  if is_moved then
    perform private.check_session_parties(new);
  end if;
  if needs_hours then
    if not tstzrange(new.starts_at, new.ends_at) <@ private.open_time(
        new.provider_id, new.location_id, new.starts_at, new.ends_at) then
      perform private.raise_error('outside_availability', 'The provider does not work at this '
        'place at this time. Choose another time, or give an overbook_reason.');
    end if;
  end if;
  return new;
end;
$$;

-- Refuses parties of different clinics, and what is not offered (any more).
create function private.check_session_parties(session public.group_sessions) returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not exists (
    select from public.provider_services as offered
    join public.services on services.id = offered.service_id
    join public.providers on providers.id = offered.provider_id
    where offered.provider_id = session.provider_id
      and offered.service_id = session.service_id
      and services.clinic_id = session.clinic_id and services.active and providers.active
  ) then
    perform private.raise_error('not_found', 'This provider does not offer this service.');
  end if;
  if not exists (
    select from public.locations
    where locations.id = session.location_id and locations.clinic_id = session.clinic_id
  ) then
    perform private.raise_error('not_found', 'This clinic has no such location.');
  end if;
end;
$$;

-- Seats count themselves.
create function private.keep_seat_count() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.seats_taken := old.seats_taken;
  return new;
end;
$$;

-- Patients who hold a seat must be told before the session goes; seats that are over stay as well.
-- Definer: as fill_in_session, the person may see fewer appointments than there are.
create function private.refuse_removing_seats() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if exists (select from public.appointments where appointments.session_id = old.id) then
    perform private.raise_error('not_allowed', 'Somebody has or had a seat. Cancel the session '
      '(set its status to cancelled), so that patients are told.');
  end if;
  return old;
end;
$$;

create trigger _010_keep_seat_count before update of seats_taken on public.group_sessions
  for each row when (pg_trigger_depth() = 0) execute function private.keep_seat_count();
create trigger _050_fill_in before insert on public.group_sessions
  for each row execute function private.fill_in_session();
create trigger _050_prepare_change before update of
    id, clinic_id, location_id, service_id, provider_id, starts_at, ends_at,
    buffer_before_minutes, buffer_after_minutes, capacity, version, created_at
  on public.group_sessions
  for each row execute function private.prepare_changed_session();
create trigger _100_set_updated_at before update on public.group_sessions
  for each row execute function private.set_updated_at();
create trigger _200_check before insert or update of
    location_id, provider_id, starts_at, ends_at, buffer_before_minutes, buffer_after_minutes,
    capacity, status, overbook_reason
  on public.group_sessions
  for each row execute function private.check_session();
create trigger _200_refuse_removing_seats before delete on public.group_sessions
  for each row execute function private.refuse_removing_seats();
create trigger _200_refuse_truncate before truncate on public.group_sessions
  for each statement execute function private.refuse_truncate();

-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table public.appointments add constraint appointments_session_is_of_clinic
  foreign key (clinic_id, session_id) references public.group_sessions (clinic_id, id);
-- squawk-ignore require-concurrent-index-creation
create index appointments_by_session on public.appointments (session_id)
  where session_id is not null;
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table public.appointment_follow_ups add constraint appointment_follow_ups_session_is_of_clinic
  foreign key (clinic_id, session_id) references public.group_sessions (clinic_id, id)
  on delete cascade;

create trigger _800_settle_follow_ups after update on public.group_sessions
  for each row
  when (
    (old.starts_at, old.ends_at, old.provider_id, old.location_id, old.overbook_reason, old.status)
      is distinct from
      (new.starts_at, new.ends_at, new.provider_id, new.location_id, new.overbook_reason, new.status)
  )
  execute function private.settle_session_follow_ups();

alter table public.group_sessions enable row level security;

create policy "members read their clinic's sessions, patients those joined"
  on public.group_sessions
  for select to authenticated using (
    clinic_id = any (array(select private.my_clinics()))
    or id = any (array(
      select appointments.session_id from public.appointments
      where appointments.patient_id = any (array(select private.my_patients()))
        and appointments.session_id is not null
    ))
  );
create policy "the office plans sessions" on public.group_sessions
  for insert to authenticated
  with check (clinic_id = any (array(
    select private.my_clinics_as('owner', 'manager', 'front_desk'))));
create policy "the office changes sessions" on public.group_sessions
  for update to authenticated
  using (clinic_id = any (array(
    select private.my_clinics_as('owner', 'manager', 'front_desk'))))
  with check (clinic_id = any (array(
    select private.my_clinics_as('owner', 'manager', 'front_desk'))));
create policy "the office removes sessions that nobody joined" on public.group_sessions
  for delete to authenticated
  using (clinic_id = any (array(
    select private.my_clinics_as('owner', 'manager', 'front_desk'))));

grant select, delete on public.group_sessions to authenticated;
grant insert (service_id, provider_id, location_id, starts_at, ends_at, capacity, overbook_reason)
  on public.group_sessions to authenticated;
grant update (provider_id, location_id, starts_at, ends_at, capacity, status, overbook_reason)
  on public.group_sessions to authenticated;
grant select, insert, update, delete on public.group_sessions to service_role;
