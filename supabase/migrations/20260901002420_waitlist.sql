-- Waiting list: who wants which visit, when it suits, and what was offered.
-- Promises: tenant_walls. An offer is a held appointment and follows it: nobody changes one alone.
-- Access: patients read their own, members their clinic's; the functions of the waiting list write.

create type public.waitlist_policy as enum (
  'longest_waiting',  -- whoever joined first
  'urgency'           -- the most urgent, then whoever joined first
);

alter table public.clinics
  add column waitlist_policy public.waitlist_policy not null default 'longest_waiting',
  add column offer_minutes int not null default 60
    constraint clinics_offer_minutes_is_possible check (offer_minutes between 1 and 10080);

comment on column public.clinics.waitlist_policy is 'Who is offered a freed time first.';
comment on column public.clinics.offer_minutes is
  'How long a freed time is kept for a waiting patient before the next one is asked.';

grant update (waitlist_policy, offer_minutes) on public.clinics to authenticated;

create type public.waitlist_urgency as enum ('routine', 'soon', 'urgent');

create type public.waitlist_status as enum (
  'waiting',  -- wants an offer; -> offered, left, expired
  'offered',  -- has an open offer; -> booked, waiting
  'booked',   -- accepted one
  'left',     -- does not wait any more
  'expired'   -- the latest day has passed
);

create table public.waitlist_entries (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  service_id uuid not null,
  patient_id uuid not null,
  location_id uuid,
  earliest date,
  latest date,
  weekdays smallint[]
    constraint waitlist_entries_weekdays_are_iso
      check (cardinality(weekdays) > 0 and weekdays <@ '{1,2,3,4,5,6,7}'::smallint[]),
  from_clock time not null default '00:00',
  to_clock time not null default '24:00',
  urgency public.waitlist_urgency not null default 'routine',
  status public.waitlist_status not null default 'waiting',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint waitlist_entries_in_clinic unique (clinic_id, id),
  constraint waitlist_entries_days_are_in_order check (earliest <= latest),
  constraint waitlist_entries_days_are_days check (isfinite(earliest) and isfinite(latest)),
  constraint waitlist_entries_clock_is_in_order check (from_clock < to_clock),
  constraint waitlist_entries_service_is_of_clinic
    foreign key (clinic_id, service_id) references public.services (clinic_id, id),
  constraint waitlist_entries_patient_is_of_clinic
    foreign key (clinic_id, patient_id) references public.patients (clinic_id, id),
  constraint waitlist_entries_location_is_of_clinic
    foreign key (clinic_id, location_id) references public.locations (clinic_id, id)
);

create unique index waitlist_entries_once_per_service
  on public.waitlist_entries (patient_id, service_id) where status in ('waiting', 'offered');
create index waitlist_entries_waiting
  on public.waitlist_entries (clinic_id, created_at) where status = 'waiting';
create index waitlist_entries_by_service on public.waitlist_entries (clinic_id, service_id);
create index waitlist_entries_by_patient on public.waitlist_entries (clinic_id, patient_id);
create index waitlist_entries_by_location on public.waitlist_entries (clinic_id, location_id);

create table public.waitlist_entry_providers (
  clinic_id uuid not null,
  entry_id uuid not null,
  provider_id uuid not null,
  primary key (entry_id, provider_id),
  constraint waitlist_entry_providers_entry_is_of_clinic
    foreign key (clinic_id, entry_id) references public.waitlist_entries (clinic_id, id)
    on delete cascade,
  constraint waitlist_entry_providers_provider_is_of_clinic
    foreign key (clinic_id, provider_id) references public.providers (clinic_id, id)
    on delete cascade
);

create index waitlist_entry_providers_by_entry
  on public.waitlist_entry_providers (clinic_id, entry_id);
create index waitlist_entry_providers_by_provider
  on public.waitlist_entry_providers (clinic_id, provider_id);

create type public.offer_status as enum (
  'open',      -- the time is kept for the patient until expires_at
  'accepted',
  'declined',
  'expired'    -- not answered in time
);

create table public.waitlist_offers (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  entry_id uuid not null,
  appointment_id uuid constraint waitlist_offers_once_per_hold unique,
  provider_id uuid not null,
  starts_at timestamptz not null,
  expires_at timestamptz not null,
  status public.offer_status not null default 'open',
  created_at timestamptz not null default now(),
  answered_at timestamptz,
  constraint waitlist_offers_open_with_a_hold check (status <> 'open' or appointment_id is not null),
  constraint waitlist_offers_answered_at_matches_status
    check ((status = 'open') = (answered_at is null)),
  constraint waitlist_offers_entry_is_of_clinic
    foreign key (clinic_id, entry_id) references public.waitlist_entries (clinic_id, id)
    on delete cascade,
  constraint waitlist_offers_provider_is_of_clinic
    foreign key (clinic_id, provider_id) references public.providers (clinic_id, id),
  constraint waitlist_offers_appointment_is_of_clinic
    foreign key (clinic_id, appointment_id) references public.appointments (clinic_id, id)
    on delete set null (appointment_id)
);

create unique index waitlist_offers_one_open_per_entry
  on public.waitlist_offers (entry_id) where status = 'open';
create index waitlist_offers_to_expire on public.waitlist_offers (expires_at) where status = 'open';
create index waitlist_offers_by_entry on public.waitlist_offers (clinic_id, entry_id, starts_at);
create index waitlist_offers_by_provider on public.waitlist_offers (clinic_id, provider_id);
create index waitlist_offers_by_appointment
  on public.waitlist_offers (clinic_id, appointment_id);

comment on table public.waitlist_entries is
  'Patients who wait for a visit of one kind. Service and patient are enough to add one.';
comment on column public.waitlist_entries.clinic_id is 'Left out: the service''s clinic.';
comment on column public.waitlist_entries.location_id is 'Where; null: anywhere.';
comment on column public.waitlist_entries.earliest is 'The first day that suits; null: from now on.';
comment on column public.waitlist_entries.latest is
  'The last day that suits; null: until the patient leaves the list.';
comment on column public.waitlist_entries.weekdays is
  'Days that suit, 1 is Monday, 7 is Sunday; null: any.';
comment on column public.waitlist_entries.from_clock is
  'The visit starts no earlier, as the wall clock at the place shows it.';
comment on column public.waitlist_entries.to_clock is 'The visit ends no later; 24:00: any time.';
comment on column public.waitlist_entries.urgency is 'Set by staff; counts if the clinic says so.';
comment on column public.waitlist_entries.created_at is 'Since when the patient waits.';
comment on table public.waitlist_entry_providers is
  'Providers a waiting patient wants; no row for an entry: any who offers the service.';
comment on table public.waitlist_offers is
  'Times kept for waiting patients. Each follows its held appointment: cancel that one to withdraw.';
comment on column public.waitlist_offers.appointment_id is
  'The held appointment; null: it was removed since.';
comment on column public.waitlist_offers.answered_at is
  'When it was accepted, declined or had expired; null while open.';

create trigger _100_set_updated_at before update on public.waitlist_entries
  for each row execute function private.set_updated_at();

-- Fills in the clinic, and says in words what does not fit.
-- Definer: whoever writes the row, services and patients must be read.
create function private.fill_in_waitlist_entry() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  new.clinic_id := coalesce(new.clinic_id,
    (select services.clinic_id from public.services where services.id = new.service_id));
  if not exists (
    select from public.services
    where services.id = new.service_id and services.clinic_id = new.clinic_id
  ) then
    perform private.raise_error('not_found', 'This clinic does not offer this service.');
  end if;
  if not exists (
    select from public.patients
    where patients.id = new.patient_id and patients.clinic_id = new.clinic_id
  ) then
    perform private.raise_error('not_found', 'This patient has no record in this clinic.');
  end if;
  if new.earliest > new.latest or new.from_clock >= new.to_clock then
    perform private.raise_error('invalid_time', 'Give days and times that end after they start.');
  end if;
  return new;
end;
$$;

-- An entry with an open offer changes through the offer, or the two would disagree.
create function private.keep_entry_with_its_offer() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if pg_trigger_depth() < 2 then
    perform private.raise_error('not_allowed', 'This patient has an open offer. Cancel the held '
      'appointment of the offer first.');
  end if;
  return coalesce(new, old);
end;
$$;

-- An offer follows its held appointment.
create function private.keep_offer_with_its_hold() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if pg_trigger_depth() < 2 then
    perform private.raise_error('not_allowed', 'An offer follows its held appointment. Book or '
      'cancel that one.');
  end if;
  return coalesce(new, old);
end;
$$;

-- Definer: whoever makes the offer, the entry shows it.
create function private.mark_entry_offered() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.waitlist_entries set status = 'offered'
  where waitlist_entries.id = new.entry_id and waitlist_entries.status = 'waiting';
  if not found then
    perform private.raise_error('illegal_transition', 'This patient does not wait any more.');
  end if;
  return null;
end;
$$;

-- Closes the offer of a hold that became a visit or was given back; the patient waits on then.
-- Definer: whoever changes the appointment, its offer follows.
create function private.close_offer() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  closed public.waitlist_offers;
begin
  update public.waitlist_offers set
    answered_at = now(),
    status = case
      when tg_op = 'UPDATE' and private.keeps_time(new.status) then 'accepted'
      when waitlist_offers.expires_at <= now() then 'expired'
      else 'declined'
    end::public.offer_status
  where waitlist_offers.appointment_id = old.id and waitlist_offers.status = 'open'
  returning * into closed;
  if closed.id is not null then
    update public.waitlist_entries set
      status = case when closed.status = 'accepted' then 'booked' else 'waiting' end
        ::public.waitlist_status
    where waitlist_entries.id = closed.entry_id;
  end if;
  return old;
end;
$$;

-- A hold that is prolonged or cut short takes its offer along.
-- Definer: as close_offer.
create function private.prolong_offer() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.waitlist_offers set expires_at = new.hold_expires_at
  where waitlist_offers.appointment_id = new.id and waitlist_offers.status = 'open';
  return null;
end;
$$;

create trigger _100_fill_in before insert or update on public.waitlist_entries
  for each row execute function private.fill_in_waitlist_entry();
create trigger _200_keep_with_its_offer before update or delete on public.waitlist_entries
  for each row when (old.status = 'offered')
  execute function private.keep_entry_with_its_offer();
create trigger _200_keep_with_its_hold before update or delete on public.waitlist_offers
  for each row when (old.status = 'open')
  execute function private.keep_offer_with_its_hold();
create trigger _500_mark_entry after insert on public.waitlist_offers
  for each row when (new.status = 'open')
  execute function private.mark_entry_offered();
create trigger _800_close_offer after update on public.appointments
  for each row when (old.status = 'held' and new.status <> 'held')
  execute function private.close_offer();
create trigger _800_prolong_offer after update on public.appointments
  for each row when (new.status = 'held' and old.hold_expires_at <> new.hold_expires_at)
  execute function private.prolong_offer();
-- Before: afterwards the offer does not refer to the appointment any more.
create trigger _800_close_offer_of_removed before delete on public.appointments
  for each row when (old.status = 'held')
  execute function private.close_offer();

alter table public.waitlist_entries enable row level security;
alter table public.waitlist_entry_providers enable row level security;
alter table public.waitlist_offers enable row level security;

create policy "patients read their own entries, members their clinic's"
  on public.waitlist_entries
  for select to authenticated using (
    patient_id = any (array(select private.my_patients()))
    or clinic_id = any (array(select private.my_clinics()))
  );
-- Which entries a row may be read through: waitlist_entries has its own row security.
create policy "people read the providers wanted by entries they see"
  on public.waitlist_entry_providers
  for select to authenticated using (entry_id in (select id from public.waitlist_entries));
create policy "people read the offers of entries they see" on public.waitlist_offers
  for select to authenticated using (entry_id in (select id from public.waitlist_entries));

grant select on
  public.waitlist_entries, public.waitlist_entry_providers, public.waitlist_offers
to authenticated, service_role;

-- Puts a patient on the list; again for the same service, the wishes change and the place stays.
-- Definer: nobody may write entries directly; who may ask for whom is checked here.
create function public.join_waitlist(
  service_id uuid,
  patient_id uuid default null,
  provider_ids uuid[] default null,
  location_id uuid default null,
  earliest date default null,
  latest date default null,
  weekdays smallint[] default null,
  from_clock time default '00:00',
  to_clock time default '24:00',
  urgency public.waitlist_urgency default 'routine'
) returns public.waitlist_entries
language plpgsql
security definer
set search_path = ''
as $$
declare
  service public.services;
  patient uuid;
  entry public.waitlist_entries;
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  select * into service from public.services
  where services.id = join_waitlist.service_id and services.active;
  if service.id is null or not private.may_see_clinic(service.clinic_id) then
    perform private.raise_error('not_found');
  end if;
  patient := private.patient_to_book(service.clinic_id, join_waitlist.patient_id);
  if not private.is_staff_of(service.clinic_id) then
    perform private.check_self_booking(service.clinic_id, patient);
    if join_waitlist.urgency <> 'routine' then
      perform private.raise_error('not_allowed', 'The clinic decides what is urgent. Please call.');
    end if;
  end if;
  perform private.check_wishes(service, join_waitlist.provider_ids, join_waitlist.location_id,
    join_waitlist.earliest, join_waitlist.latest, join_waitlist.weekdays,
    join_waitlist.from_clock, join_waitlist.to_clock);

  insert into public.waitlist_entries as waiting (clinic_id, service_id, patient_id, location_id,
    earliest, latest, weekdays, from_clock, to_clock, urgency)
  values (service.clinic_id, service.id, patient, join_waitlist.location_id,
    join_waitlist.earliest, join_waitlist.latest, join_waitlist.weekdays,
    join_waitlist.from_clock, join_waitlist.to_clock,
    coalesce(join_waitlist.urgency, 'routine'))
  on conflict do nothing
  returning * into entry;
  if entry.id is null then
    update public.waitlist_entries as waiting set
      location_id = join_waitlist.location_id,
      earliest = join_waitlist.earliest,
      latest = join_waitlist.latest,
      weekdays = join_waitlist.weekdays,
      from_clock = join_waitlist.from_clock,
      to_clock = join_waitlist.to_clock,
      urgency = case when private.is_staff_of(service.clinic_id)
        then coalesce(join_waitlist.urgency, waiting.urgency) else waiting.urgency end
    where waiting.patient_id = patient and waiting.service_id = service.id
      and waiting.status = 'waiting'
    returning * into entry;
    if entry.id is null then
      perform private.raise_error('illegal_transition',
        'There is an offer for this visit already. Answer it first.');
    end if;
    delete from public.waitlist_entry_providers as wanted where wanted.entry_id = entry.id;
  end if;
  insert into public.waitlist_entry_providers (clinic_id, entry_id, provider_id)
  select distinct service.clinic_id, entry.id, wanted.provider_id
  from unnest(join_waitlist.provider_ids) as wanted (provider_id);
  return entry;
end;
$$;

-- Raises invalid_time, invalid_input or not_found for wishes that no offer could ever meet.
create function private.check_wishes(
  service public.services, provider_ids uuid[], location_id uuid, earliest date, latest date,
  weekdays smallint[], from_clock time, to_clock time
) returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not isfinite(coalesce(earliest, current_date)) or not isfinite(coalesce(latest, current_date))
    or earliest > latest or latest < current_date - 1
    or from_clock is null or to_clock is null or from_clock >= to_clock then
    perform private.raise_error('invalid_time', 'Give days and times that end after they start.');
  end if;
  if cardinality(weekdays) = 0 or not weekdays <@ '{1,2,3,4,5,6,7}'::smallint[]
    or cardinality(provider_ids) not between 1 and 100 then
    perform private.raise_error('invalid_input',
      'Weekdays go from 1, Monday, to 7, Sunday. Leave out what does not matter.');
  end if;
  if exists (
    select from unnest(provider_ids) as wanted (provider_id)
    where not exists (
      select from public.provider_services as offered
      where offered.provider_id = wanted.provider_id and offered.service_id = service.id
    )
  ) then
    perform private.raise_error('not_found', 'This provider does not offer this service.');
  end if;
  if location_id is not null and not exists (
    select from public.locations
    where locations.id = check_wishes.location_id and locations.clinic_id = service.clinic_id
  ) then
    perform private.raise_error('not_found', 'This clinic has no such location.');
  end if;
end;
$$;

-- Definer: as join_waitlist.
create function public.leave_waitlist(entry_id uuid) returns public.waitlist_entries
language plpgsql
security definer
set search_path = ''
as $$
declare
  entry public.waitlist_entries := private.entry_of_caller(leave_waitlist.entry_id);
  hold public.appointments;
begin
  -- Again if an offer arrives or ends just then. A hold is locked before its entry, and the session of
  -- a seat before both; nothing is waited for once the entry may be locked.
  for attempt in 1 .. 100 loop
    select held.* into hold
    from public.waitlist_offers as offers
    join public.appointments as held on held.id = offers.appointment_id
    where offers.entry_id = entry.id and offers.status = 'open';
    if hold.session_id is not null then
      perform private.lock_session(hold.session_id, attempt = 1);
    end if;
    update public.appointments set status = 'cancelled'
    where appointments.id = (
      select held.id from public.appointments as held
      where held.id = hold.id and held.status = 'held' for no key update skip locked
    );
    update public.waitlist_entries as waiting set status = 'left'
    where waiting.id = (
      select mine.id from public.waitlist_entries as mine
      where mine.id = entry.id and mine.status = 'waiting' for no key update skip locked
    );
    select * into entry from public.waitlist_entries as waiting where waiting.id = entry.id;
    if entry.status not in ('waiting', 'offered') then
      return entry;
    end if;
    perform pg_sleep(0.01);
  end loop;
  perform private.raise_error('slot_taken',
    'The offer for this visit is being changed right now. Try again.');
end;
$$;

-- The entry, if the caller may act on it. Raises not_found.
create function private.entry_of_caller(entry_id uuid) returns public.waitlist_entries
language plpgsql
stable
set search_path = ''
as $$
declare
  entry public.waitlist_entries;
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  select * into entry from public.waitlist_entries as waiting
  where waiting.id = entry_of_caller.entry_id;
  if entry.id is null or private.acting_as(entry.clinic_id, entry.patient_id) is null then
    perform private.raise_error('not_found');
  end if;
  return entry;
end;
$$;

-- The offer's hold, locked, and null if there is none any more. Raises not_found.
create function private.hold_of_offer(offer_id uuid) returns public.appointments
language plpgsql
set search_path = ''
as $$
declare
  offer public.waitlist_offers;
  hold public.appointments;
begin
  select * into offer from public.waitlist_offers as offers
  where offers.id = hold_of_offer.offer_id;
  perform private.entry_of_caller(offer.entry_id);
  -- Sessions before their seats, in the order in which a session moves.
  perform private.lock_session(appointments.session_id, true) from public.appointments
  where appointments.id = offer.appointment_id and appointments.session_id is not null;
  select * into hold from public.appointments
  where appointments.id = offer.appointment_id for no key update;
  return hold;
end;
$$;

-- Definer: as join_waitlist; check_transition decides who may.
create function public.accept_offer(offer_id uuid) returns public.appointments
language plpgsql
security definer
set search_path = ''
as $$
declare
  visit public.appointments := private.hold_of_offer(accept_offer.offer_id);
  offer public.waitlist_offers;
begin
  -- The same answer to a repeated click.
  select * into offer from public.waitlist_offers as offers
  where offers.id = accept_offer.offer_id;
  if offer.status = 'accepted' then
    return visit;
  end if;
  if offer.status <> 'open' or visit.status <> 'held'
    or visit.hold_expires_at <= clock_timestamp() then
    perform private.raise_error('hold_expired',
      'This offer is over, and the time may be offered to somebody else.');
  end if;
  update public.appointments set
    status = case
      when private.is_staff_of(visit.clinic_id) or not services.needs_approval then 'booked'
      else 'pending'
    end::public.appointment_status
  from public.services
  where appointments.id = visit.id and services.id = visit.service_id
  returning appointments.* into visit;
  return visit;
end;
$$;

-- Definer: as accept_offer.
create function public.decline_offer(offer_id uuid) returns public.waitlist_offers
language plpgsql
security definer
set search_path = ''
as $$
declare
  visit public.appointments := private.hold_of_offer(decline_offer.offer_id);
  offer public.waitlist_offers;
begin
  update public.appointments set status = 'cancelled'
  where appointments.id = visit.id and appointments.status = 'held';
  select * into offer from public.waitlist_offers as offers
  where offers.id = decline_offer.offer_id;
  if offer.status = 'accepted' then
    perform private.raise_error('illegal_transition',
      'This offer was accepted. Cancel the appointment instead.');
  end if;
  return offer;
end;
$$;

comment on function public.join_waitlist(uuid, uuid, uuid[], uuid, date, date, smallint[], time,
  time, public.waitlist_urgency) is
  'Waits for a visit of this service. No patient: the caller. Days and times are wall-clock at the '
  'place. Again for the same service: the wishes change, the place in the queue stays.';
comment on function public.leave_waitlist(uuid) is 'Waits no more; an open offer is given back.';
comment on function public.accept_offer(uuid) is 'Books the offered time, if it is still kept.';
comment on function public.decline_offer(uuid) is
  'Gives the offered time to the next; the patient waits on for another one.';

grant execute on function
  public.join_waitlist(uuid, uuid, uuid[], uuid, date, date, smallint[], time, time,
    public.waitlist_urgency),
  public.leave_waitlist(uuid),
  public.accept_offer(uuid),
  public.decline_offer(uuid)
to authenticated, service_role;
