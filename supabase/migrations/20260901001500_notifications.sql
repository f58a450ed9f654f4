-- Notifications: what someone must be told, queued in the transaction that makes it true.
-- Promises: message_with_the_commit.
-- Access: owner, manager and front desk read their clinic's; triggers queue; workers send.

create type public.notification_kind as enum (
  'confirmation',  -- the visit is agreed
  'change',        -- an agreed visit has another time, place or provider
  'cancellation',  -- the visit is called off
  'offer'          -- a freed time is kept for a waiting patient
);

create type public.notification_channel as enum ('email');

create type public.notification_status as enum (
  'queued',   -- due at due_at; -> sending, skipped
  'sending',  -- a worker has it until leased_until; -> sent, queued, dead
  'sent',     -- the provider accepted it
  'skipped',  -- not to be sent; last_error says why
  'dead'      -- gave up; a person may requeue it
);

create table public.notifications (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null,
  appointment_id uuid,
  appointment_version int not null,
  kind public.notification_kind not null,
  recipient_id uuid not null,
  channel public.notification_channel not null,
  status public.notification_status not null default 'queued',
  attempts int not null default 0,
  due_at timestamptz not null default now(),
  leased_until timestamptz,
  lease_id uuid,
  last_error text constraint notifications_last_error_is_short check (length(last_error) <= 200),
  provider_message_id text,
  sent_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint notifications_exactly_one
    unique (appointment_id, appointment_version, kind, recipient_id, channel),
  constraint notifications_sending_under_a_lease check (
    (status = 'sending') = (leased_until is not null)
    and (status <> 'sending' or lease_id is not null)
  ),
  constraint notifications_sent_at_matches_status check ((status = 'sent') = (sent_at is not null)),
  constraint notifications_appointment_is_of_clinic
    foreign key (clinic_id, appointment_id) references public.appointments (clinic_id, id)
    on delete set null (appointment_id),
  constraint notifications_recipient_is_of_clinic
    foreign key (clinic_id, recipient_id) references public.patients (clinic_id, id)
);

-- What a worker may take next: due, or abandoned by a worker that died.
create index notifications_to_claim
  on public.notifications ((coalesce(leased_until, due_at)), id)
  where status in ('queued', 'sending');
create index notifications_dead on public.notifications (updated_at) where status = 'dead';
create index notifications_by_clinic on public.notifications (clinic_id, created_at);
create index notifications_by_recipient on public.notifications (clinic_id, recipient_id);

comment on table public.notifications is
  'Messages owed and sent. Names and addresses are looked up when a message is sent, not kept here.';
comment on column public.notifications.appointment_id is 'Null: the appointment was removed since.';
comment on column public.notifications.recipient_id is 'The patient who is told.';
comment on column public.notifications.due_at is 'Not to be sent before.';
comment on column public.notifications.leased_until is
  'While sending: after this another worker may take it.';
comment on column public.notifications.lease_id is 'Which claim has, or had last, this message.';
comment on column public.notifications.last_error is 'A code for staff, without personal data.';
comment on column public.notifications.provider_message_id is 'The mail provider''s id of it.';

create trigger _100_set_updated_at before update on public.notifications
  for each row execute function private.set_updated_at();

-- Which message an appointment's change calls for; null: none. Imports and what is over tell nobody.
create function private.notification_kind_for(
  before public.appointments, after public.appointments
) returns public.notification_kind
language plpgsql
stable
set search_path = ''
as $$
begin
  return case
    when after.booked_via = 'import' then null
    when greatest(after.starts_at, before.starts_at) <= now() then null
    when after.status = 'booked' and (before.id is null or before.status in ('held', 'pending'))
      then 'confirmation'
    when after.status = 'cancelled' and before.status in ('pending', 'booked', 'arrived')
      then 'cancellation'
    when after.status = 'booked' and before.status = 'booked'
      and (after.starts_at, after.ends_at, after.location_id, after.provider_id)
        is distinct from (before.starts_at, before.ends_at, before.location_id, before.provider_id)
      then 'change'
  end::public.notification_kind;
end;
$$;

-- The rows to queue for a change: one per recipient and channel, none if nobody need be told. A
-- patient without an address is recorded as skipped.
create function private.messages_for(before public.appointments, after public.appointments)
returns table (
  clinic_id uuid,
  appointment_id uuid,
  appointment_version int,
  kind public.notification_kind,
  recipient_id uuid,
  channel public.notification_channel,
  status public.notification_status,
  last_error text
)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select after.clinic_id, after.id, after.version, message.kind, patients.id,
    'email'::public.notification_channel,
    (case when address.email is null then 'skipped' else 'queued' end)
      ::public.notification_status,
    case when address.email is null then 'no_address' end
  from (select private.notification_kind_for(before, after) as kind) as message
  join public.patients on patients.id = after.patient_id
  cross join lateral (
    select coalesce(patients.email, private.guardians_address(patients.id)) as email
  ) as address
  where message.kind is not null;
end;
$$;

-- Definer: whoever changes the appointment, the message is queued.
create function private.queue_for_new() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into public.notifications (clinic_id, appointment_id, appointment_version, kind,
    recipient_id, channel, status, last_error)
  select message.* from added cross join lateral private.messages_for(null, added) as message;
  return null;
end;
$$;

-- Definer: as queue_for_new.
create function private.queue_for_changed() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into public.notifications (clinic_id, appointment_id, appointment_version, kind,
    recipient_id, channel, status, last_error)
  select message.*
  from after join before using (id)
  cross join lateral private.messages_for(before, after) as message;
  return null;
end;
$$;

create trigger _700_queue_insert after insert on public.appointments
  referencing new table as added
  for each statement execute function private.queue_for_new();
create trigger _700_queue_update after update on public.appointments
  referencing old table as before new table as after
  for each statement execute function private.queue_for_changed();

alter table public.notifications enable row level security;

create policy "the office reads its clinic's notifications" on public.notifications
  for select to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager', 'front_desk'))));

grant select on public.notifications to authenticated, service_role;
