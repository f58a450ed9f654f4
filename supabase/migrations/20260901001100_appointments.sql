-- Appointments: who meets whom, where, when, and in which state.
-- Promises: inside_availability and legal_transitions, on plain SQL too.
-- Access: patients read their own, members their clinic's; all writes go through the booking
--         functions, or through SQL in the dashboard, where the same triggers hold.

create type public.appointment_status as enum (
  'held',             -- a slot kept for minutes; -> pending, booked, cancelled
  'pending',          -- waits for the clinic's approval; -> booked, cancelled
  'booked',           -- agreed; -> arrived, fulfilled, noshow, cancelled, and back to pending
  'arrived',          -- the patient is there; -> fulfilled, or back to booked
  'fulfilled',        -- took place
  'cancelled',        -- called off; final
  'noshow',           -- the patient did not come
  'entered_in_error'  -- should never have been written; final
);

create type public.booking_path as enum (
  'patient',    -- by the patient, through the RPCs
  'staff',      -- by a member of the clinic, through the RPCs
  'worker',     -- by the clinic's own programs, with the service key
  'dashboard',  -- by plain SQL
  'import'      -- taken over from another system
);

create table public.appointments (
  id uuid primary key default private.time_ordered_id(),
  clinic_id uuid not null references public.clinics (id),
  location_id uuid not null,
  service_id uuid not null,
  provider_id uuid not null,
  patient_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  buffer_before_minutes int not null
    constraint appointments_buffer_before_is_possible check (buffer_before_minutes >= 0),
  buffer_after_minutes int not null
    constraint appointments_buffer_after_is_possible check (buffer_after_minutes >= 0),
  status public.appointment_status not null default 'booked',
  version int not null default 1,
  series_id uuid,
  session_id uuid,
  hold_expires_at timestamptz,
  overbook_reason text
    constraint appointments_overbook_reason_is_not_blank check (btrim(overbook_reason) <> '')
    constraint appointments_overbook_reason_is_short check (length(overbook_reason) <= 500),
  booked_by uuid references auth.users (id) on delete set null,
  booked_via public.booking_path not null,
  request_id uuid,
  external_id text
    constraint appointments_external_id_is_short check (length(external_id) <= 200),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint appointments_in_clinic unique (clinic_id, id),
  constraint appointments_during_is_bounded
    check (isfinite(starts_at) and isfinite(ends_at) and starts_at < ends_at),
  constraint appointments_held_until_a_time
    check (status <> 'held' or hold_expires_at is not null),
  constraint appointments_location_is_of_clinic
    foreign key (clinic_id, location_id) references public.locations (clinic_id, id),
  constraint appointments_service_is_of_clinic
    foreign key (clinic_id, service_id) references public.services (clinic_id, id),
  constraint appointments_provider_is_of_clinic
    foreign key (clinic_id, provider_id) references public.providers (clinic_id, id),
  constraint appointments_patient_is_of_clinic
    foreign key (clinic_id, patient_id) references public.patients (clinic_id, id)
);

create unique index appointments_external_id_is_unique
  on public.appointments (clinic_id, external_id) where external_id is not null;
create index appointments_by_clinic on public.appointments (clinic_id, starts_at);
create index appointments_by_patient on public.appointments (patient_id, starts_at);
create index appointments_by_provider on public.appointments (provider_id, created_at);
create index appointments_by_booker on public.appointments (booked_by);

comment on table public.appointments is
  'Visits. Service, provider, patient and start are enough to add one; the rest is filled in.';
comment on column public.appointments.clinic_id is 'Left out: the service''s clinic.';
comment on column public.appointments.location_id is 'Left out: where the provider is at that time.';
comment on column public.appointments.ends_at is
  'Left out: start plus the length of the visit. Buffers are not included.';
comment on column public.appointments.buffer_before_minutes is
  'As the service said when this was booked; later changes of the service do not move it.';
comment on column public.appointments.buffer_after_minutes is 'As buffer_before_minutes.';
comment on column public.appointments.version is
  'Counts changes, by itself. Callers may say which version they saw.';
comment on column public.appointments.series_id is 'Booked together by a recurrence rule; else null.';
comment on column public.appointments.session_id is 'A seat of this group session; else null.';
comment on column public.appointments.hold_expires_at is
  'Until when a held slot is kept; left out: the clinic''s hold_minutes from now. Stays when a hold '
  'ends unused, goes when it is confirmed.';
comment on column public.appointments.overbook_reason is
  'Why staff overrule: hours, limits and the visit''s own buffers are then not checked, overlaps '
  'still are. The patient can read it: write nothing about their health here.';
comment on column public.appointments.booked_via is 'Filled in: which way the booking came.';
comment on column public.appointments.request_id is
  'The caller''s own id of the request; the same again returns the same appointment.';
comment on column public.appointments.external_id is
  'The visit''s id in the system it was imported from.';

create table private.appointment_transitions (
  id int generated always as identity primary key,
  from_status public.appointment_status,
  to_status public.appointment_status not null,
  moved_by text not null constraint appointment_transitions_moved_by_is_known
    check (moved_by in ('patient', 'provider', 'front_desk', 'manager', 'owner', 'system')),
  needs_notice boolean not null default false,
  constraint appointment_transitions_once
    unique nulls not distinct (moved_by, to_status, from_status)
);

comment on table private.appointment_transitions is
  'Promise legal_transitions: status moves along these rows alone. docs/appointment_states.md.';
comment on column private.appointment_transitions.from_status is 'Null: the appointment is new.';
comment on column private.appointment_transitions.moved_by is
  'Who may; system is the service key and plain SQL, as in the dashboard.';
comment on column private.appointment_transitions.needs_notice is
  'True: only as long before the visit as the service''s cancel_notice_minutes says.';

alter table private.appointment_transitions enable row level security;

insert into private.appointment_transitions (from_status, to_status, moved_by, needs_notice)
select
  allowed.from_status::public.appointment_status,
  allowed.to_status::public.appointment_status,
  mover.role,
  mover.role = 'patient' and allowed.to_status = 'cancelled' and allowed.from_status <> 'held'
from (values
  (null, 'held', '{patient,provider,front_desk,manager,owner,system}'::text[]),
  (null, 'pending', '{patient,provider,front_desk,manager,owner,system}'),
  (null, 'booked', '{patient,provider,front_desk,manager,owner,system}'),
  (null, 'arrived', '{provider,front_desk,manager,owner,system}'),
  (null, 'fulfilled', '{system}'),
  (null, 'noshow', '{system}'),
  (null, 'cancelled', '{system}'),
  ('held', 'pending', '{patient,provider,front_desk,manager,owner,system}'),
  ('held', 'booked', '{patient,provider,front_desk,manager,owner,system}'),
  ('held', 'cancelled', '{patient,provider,front_desk,manager,owner,system}'),
  ('pending', 'booked', '{provider,front_desk,manager,owner,system}'),
  ('pending', 'cancelled', '{patient,provider,front_desk,manager,owner,system}'),
  ('pending', 'entered_in_error', '{front_desk,manager,owner,system}'),
  -- With its move to another time alone: check_appointment.
  ('booked', 'pending', '{patient,system}'),
  ('booked', 'arrived', '{provider,front_desk,manager,owner,system}'),
  ('booked', 'fulfilled', '{provider,front_desk,manager,owner,system}'),
  ('booked', 'noshow', '{provider,front_desk,manager,owner,system}'),
  ('booked', 'cancelled', '{patient,provider,front_desk,manager,owner,system}'),
  ('booked', 'entered_in_error', '{front_desk,manager,owner,system}'),
  ('arrived', 'booked', '{provider,front_desk,manager,owner,system}'),
  ('arrived', 'fulfilled', '{provider,front_desk,manager,owner,system}'),
  ('arrived', 'cancelled', '{provider,front_desk,manager,owner,system}'),
  ('arrived', 'entered_in_error', '{front_desk,manager,owner,system}'),
  ('fulfilled', 'arrived', '{provider,manager,owner,system}'),
  ('fulfilled', 'entered_in_error', '{manager,owner,system}'),
  ('noshow', 'booked', '{front_desk,manager,owner,system}'),
  ('noshow', 'arrived', '{provider,front_desk,manager,owner,system}'),
  ('noshow', 'entered_in_error', '{manager,owner,system}'),
  ('cancelled', 'entered_in_error', '{manager,owner,system}')
) as allowed (from_status, to_status, movers)
cross join lateral unnest(allowed.movers) as mover (role);

-- Whether an appointment in this state keeps its time: provider, patient, rooms and equipment.
create function private.keeps_time(status public.appointment_status) returns boolean
language plpgsql
immutable
parallel safe
set search_path = ''
as $$
begin
  return status in ('held', 'pending', 'booked', 'arrived', 'fulfilled');
end;
$$;

-- Whether a change makes it another visit for those who come to it: for what, to whom, when or where.
create function private.is_moved(before public.appointments, after public.appointments)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return (before.service_id, before.provider_id, before.starts_at, before.ends_at,
      before.location_id)
    is distinct from (after.service_id, after.provider_id, after.starts_at, after.ends_at,
      after.location_id);
end;
$$;

-- As whom the caller acts on an appointment of that clinic and patient: a member's role, else
-- 'patient', else 'system' for the service key and plain SQL. Null: a stranger.
create function private.acting_as(clinic_id uuid, patient_id uuid) returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  caller_id uuid;
  role text;
  is_own boolean;
begin
  if private.is_trusted() then
    return 'system';
  end if;
  -- As my_clinics and my_patients say, about one clinic and one patient: every booking asks this.
  caller_id := auth.uid();
  select members.role::text into role
  from public.members join public.clinics on clinics.id = members.clinic_id
  where members.clinic_id = acting_as.clinic_id
    and members.user_id = caller_id and members.active
    and (not clinics.staff_needs_second_factor or private.has_second_factor());
  if role is not null then
    return role;
  end if;
  select patients.user_id = caller_id into is_own
  from public.patients where patients.id = acting_as.patient_id;
  if is_own then
    return 'patient';
  end if;
  if exists (
    select from public.guardians
    where guardians.patient_id = acting_as.patient_id and guardians.user_id = caller_id
      and guardians.starts_at <= now() and (guardians.ends_at is null or guardians.ends_at > now())
  ) then
    return 'patient';
  end if;
  return null;
end;
$$;

-- Fills in what a person leaves out: clinic, length, buffers, location, and how it was booked.
-- Definer: whoever writes the row, services and hours must be read.
create function private.fill_in_appointment() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  service public.services;
  length_minutes int;
begin
  if new.service_id is null or new.provider_id is null or new.patient_id is null then
    perform private.raise_error('invalid_input', 'Give a service, a provider and a patient.');
  end if;
  if new.starts_at is null or not isfinite(new.starts_at)
    or (new.ends_at is not null and not isfinite(new.ends_at)) then
    perform private.raise_error('invalid_time', 'Give the time at which the visit starts.');
  end if;
  -- The booking functions leave nothing of this out.
  if new.clinic_id is null or new.ends_at is null or new.buffer_before_minutes is null
    or new.buffer_after_minutes is null then
    select * into service from public.services where services.id = new.service_id;
    select coalesce(offered.duration_minutes, service.duration_minutes) into length_minutes
    from public.provider_services as offered
    where offered.provider_id = new.provider_id and offered.service_id = new.service_id;
  end if;

  new.clinic_id := coalesce(new.clinic_id, service.clinic_id);
  -- An overbooked visit is squeezed in: it keeps no time of its own around it.
  new.buffer_before_minutes := coalesce(new.buffer_before_minutes,
    case when new.overbook_reason is null then service.buffer_before_minutes else 0 end);
  new.buffer_after_minutes := coalesce(new.buffer_after_minutes,
    case when new.overbook_reason is null then service.buffer_after_minutes else 0 end);
  new.ends_at := coalesce(
    new.ends_at,
    new.starts_at + make_interval(mins => coalesce(length_minutes, service.duration_minutes))
  );
  if new.location_id is null then
    -- A moved visit mostly stays where it was: the quick answer first.
    if tg_op = 'UPDATE' and private.lies_in_weekly_hours(
      new.provider_id, old.location_id, new.starts_at, new.ends_at) then
      new.location_id := old.location_id;
    else
      new.location_id :=
        private.location_of_provider(new.provider_id, new.starts_at, new.ends_at);
    end if;
  end if;
  if new.status = 'held' and new.hold_expires_at is null then
    new.hold_expires_at := now() + (
      select make_interval(mins => clinics.hold_minutes)
      from public.clinics where clinics.id = new.clinic_id
    );
  end if;
  if tg_op = 'INSERT' then
    new.booked_by := coalesce(new.booked_by, auth.uid());
    new.booked_via := coalesce(
      new.booked_via,
      case when auth.role() = 'service_role' then 'worker' else 'dashboard' end
        ::public.booking_path
    );
    new.version := 1;
  end if;
  return new;
end;
$$;

-- Where the provider is during the visit; outside of all hours, where the provider works at all,
-- else the clinic's first location, so that the check of hours can say what is wrong.
create function private.location_of_provider(
  provider_id uuid, starts_at timestamptz, ends_at timestamptz
) returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select place.id
    from public.providers as provider
    join public.locations as place on place.clinic_id = provider.clinic_id
    left join lateral (
      select true as works_here from public.weekly_hours as hours
      where hours.provider_id = provider.id and hours.location_id = place.id
      limit 1
    ) as work on true
    where provider.id = location_of_provider.provider_id
    order by
      case
        when location_of_provider.starts_at < location_of_provider.ends_at
        then tstzrange(location_of_provider.starts_at, location_of_provider.ends_at)
          <@ private.open_time(provider.id, place.id,
            location_of_provider.starts_at, location_of_provider.ends_at)
        else false
      end desc,
      work.works_here is true desc,
      place.created_at,
      place.id
    limit 1
  );
end;
$$;

-- Before a change: a moved visit gets its length and place anew unless the person gave them, what
-- identifies it stays, and every real change is a new version.
create function private.prepare_changed_appointment() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if (new.id, new.clinic_id, new.patient_id)
    is distinct from (old.id, old.clinic_id, old.patient_id)
    and not ((new.id, new.clinic_id) = (old.id, old.clinic_id)
      and private.is_merging(old.patient_id, new.patient_id)) then
    perform private.raise_error('not_allowed', 'An appointment stays with its clinic and its '
      'patient. Cancel it and book another.');
  end if;
  new.booked_via := old.booked_via;
  new.created_at := old.created_at;
  if new.service_id is distinct from old.service_id then
    new.buffer_before_minutes := null;
    new.buffer_after_minutes := null;
  end if;
  if (new.starts_at, new.service_id, new.provider_id)
      is distinct from (old.starts_at, old.service_id, old.provider_id) then
    if new.ends_at is not distinct from old.ends_at then
      new.ends_at := null;
    end if;
    if new.location_id is not distinct from old.location_id then
      new.location_id := null;
    end if;
    if (new.overbook_reason is null) <> (old.overbook_reason is null)
      and (new.buffer_before_minutes, new.buffer_after_minutes)
        is not distinct from (old.buffer_before_minutes, old.buffer_after_minutes) then
      new.buffer_before_minutes := null;
      new.buffer_after_minutes := null;
    end if;
  end if;
  return new;
end;
$$;

-- Refuses what no path may write: another clinic's rows, what is not offered, a visit that moves
-- after it ended, time outside the provider's hours, a status that skips the transition table.
-- Definer: as fill_in_appointment.
create function private.check_appointment() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  is_new boolean := tg_op = 'INSERT';
  is_other_visit boolean := true;
  is_moved boolean := true;
  needs_hours boolean;
  is_own boolean;
begin
  if not is_new then
    is_other_visit := (new.service_id, new.provider_id)
      is distinct from (old.service_id, old.provider_id);
    is_moved := private.is_moved(old, new);
  end if;
  -- A visit that takes its time (again) must lie within the hours; one that stays may outlive them.
  -- A seat lies where its session does.
  needs_hours := private.keeps_time(new.status) and new.booked_via <> 'import'
    and new.overbook_reason is null and new.session_id is null
    and (is_new or is_moved or old.overbook_reason is not null
      or not private.keeps_time(old.status));
  -- Before the first look at the provider, who may be switched off at this moment.
  if needs_hours then
    perform private.keep_hours_still(new.provider_id);
  end if;
  -- What was confirmed must survive a crash a moment later.
  if current_setting('synchronous_commit') = 'off' then
    perform private.raise_error('not_durable');
  end if;
  if new.starts_at >= new.ends_at then
    perform private.raise_error('invalid_time', 'The visit has to end after it starts.');
  end if;
  -- What is taken over from another system skips most of what follows: it has happened.
  if is_moved and new.booked_via = 'import' and new.ends_at > now() then
    perform private.raise_error('invalid_time', 'Only past visits are imported. Leave booked_via '
      'out to book a coming one.');
  end if;
  if new.buffer_before_minutes < 0 or new.buffer_after_minutes < 0
    or btrim(new.overbook_reason) = '' then
    perform private.raise_error('invalid_input',
      'Buffers are 0 minutes or more, and a reason for overbooking is not blank.');
  end if;
  if is_other_visit then
    is_own := private.check_parties(new);
  end if;
  if is_moved and not is_new and old.status not in ('held', 'pending', 'booked', 'arrived') then
    perform private.raise_error('illegal_transition', 'This appointment is over or called off; '
      'it cannot be moved.');
  end if;
  if not is_new and old.status = 'booked' and new.status = 'pending' and not is_moved then
    perform private.raise_error('illegal_transition', 'What was agreed becomes a request again only '
      'when it moves.');
  end if;
  if is_new and not is_own or not is_new and new.status <> old.status then
    perform private.check_transition(case when not is_new then old.status end, new);
  end if;
  if needs_hours then
    if not private.lies_in_weekly_hours(
        new.provider_id, new.location_id, new.starts_at, new.ends_at)
      and not tstzrange(new.starts_at, new.ends_at) <@ private.open_time(
        new.provider_id, new.location_id, new.starts_at, new.ends_at) then
      perform private.raise_error('outside_availability', 'The provider does not work at this '
        'place at this time. Choose another time' || case when private.is_trusted()
          then ', or give an overbook_reason.' else '.' end);
    end if;
  end if;
  if new.status not in ('held', 'cancelled') then
    new.hold_expires_at := null;
  end if;
  if not is_new and new is distinct from old then
    new.version := old.version + 1;
    new.updated_at := now();
  end if;
  return new;
end;
$$;

-- Refuses parties of different clinics, and what is not offered (any more). True: the patient writes
-- this new visit and may, so that check_transition need not be asked; false says nothing.
create function private.check_parties(visit public.appointments) returns boolean
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  is_import boolean := visit.booked_via = 'import';
  caller_id uuid := case when auth.role() <> 'service_role' then auth.uid() end;
  known record;
begin
  -- One statement: every booking asks this.
  select services.id as service_id, services.new_patients_only, providers.id as provider_id,
    patients.id as patient_id, offered.provider_id as offered_by, locations.id as location_id,
    patients.user_id = caller_id and members.id is null and clinics.max_missed_visits is null
      and allowed.id is not null as is_own
  into known
  from (select) as always
  left join private.appointment_transitions as allowed
    on allowed.moved_by = 'patient' and allowed.to_status = visit.status
    and allowed.from_status is null
  left join public.clinics on clinics.id = visit.clinic_id
  left join public.members
    on members.clinic_id = visit.clinic_id and members.user_id = caller_id
  left join public.services
    on services.id = visit.service_id and services.clinic_id = visit.clinic_id
    and (services.active or is_import)
  left join public.providers
    on providers.id = visit.provider_id and providers.clinic_id = visit.clinic_id
    and (providers.active or is_import)
  left join public.patients
    on patients.id = visit.patient_id and patients.clinic_id = visit.clinic_id
    and patients.merged_into is null and patients.erased_at is null
  left join public.provider_services as offered
    on offered.provider_id = visit.provider_id and offered.service_id = visit.service_id
  left join public.locations
    on locations.id = visit.location_id and locations.clinic_id = visit.clinic_id;

  if known.service_id is null then
    perform private.raise_error('not_found', 'This clinic does not offer this service.');
  end if;
  if known.provider_id is null then
    perform private.raise_error('not_found', 'This provider does not work in this clinic.');
  end if;
  if known.patient_id is null then
    perform private.raise_error('not_found', 'This patient has no record in this clinic.');
  end if;
  if known.offered_by is null and not is_import then
    perform private.raise_error('not_found', 'This provider does not offer this service.');
  end if;
  if known.location_id is null then
    perform private.raise_error('not_found', 'This clinic has no such location.');
  end if;
  if known.new_patients_only and not is_import and visit.overbook_reason is null
    and private.has_been_seen(visit.patient_id) then
    perform private.raise_error('new_patients_only');
  end if;
  return coalesce(known.is_own, false);
end;
$$;

-- Whether the clinic that keeps this record has seen the person before.
create function private.has_been_seen(patient_id uuid) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from public.appointments
    where appointments.patient_id = has_been_seen.patient_id
      and appointments.starts_at < now() and appointments.status = 'fulfilled'
  );
end;
$$;

-- Refuses a status that this caller may not bring about now. Raises illegal_transition,
-- not_allowed, too_late_to_cancel, hold_expired, or limit_reached for people who keep missing
-- their visits.
create function private.check_transition(
  from_status public.appointment_status, visit public.appointments
) returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  mover text := private.acting_as(visit.clinic_id, visit.patient_id);
  wanted private.appointment_transitions;
begin
  -- Conditions with look-ups stand alone, so that they are evaluated only when they matter.
  select * into wanted from private.appointment_transitions as known
  where known.from_status is not distinct from check_transition.from_status
    and known.to_status = visit.status and known.moved_by = mover;
  if wanted.to_status is null then
    if not exists (
      select from private.appointment_transitions as known
      where known.from_status is not distinct from check_transition.from_status
        and known.to_status = visit.status
    ) then
      perform private.raise_error('illegal_transition', format(
        'An appointment that is %s cannot become %s.', coalesce(from_status::text, 'new'),
        visit.status));
    end if;
  end if;
  if from_status = 'held' and visit.hold_expires_at <= now() then
    -- Whoever needs the time may end a hold that is over; nobody can use it any more.
    if visit.status = 'cancelled' then
      return;
    end if;
    perform private.raise_error('hold_expired');
  end if;
  if from_status = 'held' and visit.status = 'booked' and mover = 'patient' then
    if (select services.needs_approval from public.services where services.id = visit.service_id)
    then
      perform private.raise_error('not_allowed', 'The clinic approves visits of this kind.');
    end if;
  end if;
  if wanted.to_status is null then
    perform private.raise_error('not_allowed');
  end if;
  -- Nobody has missed, or been seen at, what has not begun. Who came early may be seen early, that day.
  if visit.status in ('noshow', 'fulfilled') and visit.starts_at > now() then
    if from_status is distinct from 'arrived' or (
      select (visit.starts_at at time zone place.time_zone)::date
        > (now() at time zone place.time_zone)::date
      from public.locations as place where place.id = visit.location_id
    ) then
      perform private.raise_error('illegal_transition', 'The visit has not begun.');
    end if;
  end if;
  if wanted.needs_notice and from_status is not null then
    if now() > visit.starts_at - (
      select make_interval(mins => services.cancel_notice_minutes)
      from public.services where services.id = visit.service_id
    ) then
      perform private.raise_error('too_late_to_cancel');
    end if;
  end if;
  if from_status is null and mover = 'patient' then
    perform private.check_self_booking(visit.clinic_id, visit.patient_id);
  end if;
end;
$$;

-- A patient who holds a confirmation must be told before the row goes, of which the message is made.
create function private.refuse_silent_removal() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if old.status in ('pending', 'booked', 'arrived') and old.ends_at > now() then
    perform private.raise_error('not_allowed', 'Cancel the appointment first (set its status to '
      'cancelled), so that the patient is told.');
  end if;
  if exists (
    select from public.notifications as message
    where message.appointment_id = old.id and message.kind in ('cancellation', 'staff_cancellation')
      and message.status in ('queued', 'sending')
  ) then
    perform private.raise_error('not_allowed', 'The message that it is cancelled is still on its way. '
      'Remove the appointment once it has left.');
  end if;
  return old;
end;
$$;

-- Emptying a whole table would leave neither history nor messages behind.
create function private.refuse_truncate() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  perform private.raise_error('not_allowed', 'This table cannot be emptied at once.');
  return null;
end;
$$;

create trigger _050_prepare_change before update on public.appointments
  for each row execute function private.prepare_changed_appointment();
create trigger _100_fill_in before insert or update on public.appointments
  for each row execute function private.fill_in_appointment();
create trigger _200_check before insert or update on public.appointments
  for each row execute function private.check_appointment();
create trigger _200_refuse_silent_removal before delete on public.appointments
  for each row execute function private.refuse_silent_removal();
create trigger _200_refuse_truncate before truncate on public.appointments
  for each statement execute function private.refuse_truncate();

alter table public.appointments enable row level security;

-- Members first: for a row that the one look-up lets through, the other is never made, and members
-- read the most.
create policy "patients read their own appointments, members their clinic's" on public.appointments
  for select to authenticated using (
    clinic_id = any (array(select private.my_clinics()))
    or patient_id = any (array(select private.my_patients()))
  );

grant select on public.appointments to authenticated, service_role;
