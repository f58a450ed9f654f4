-- Notifications: what someone must be told, queued in the transaction that makes it true.
-- Promises: message_with_the_commit.
-- Access: owner, manager and front desk read their clinic's; triggers queue; workers send.

create type public.notification_kind as enum (
  'confirmation',        -- the visit is agreed
  'change',              -- an agreed visit has another time, place, provider or service
  'cancellation',        -- the visit is called off
  'offer',               -- a freed time is kept for a waiting patient
  'request',             -- the clinic has the request, or that for another time, and will answer
  'reminder',            -- the visit is near; once for each of the clinic's offsets
  'follow_up',           -- the patient did not come
  'staff_booking',       -- to staff: a patient booked
  'staff_request',       -- to staff: a patient's request waits for an answer
  'staff_cancellation',  -- to staff: a patient called off late
  'agenda',              -- to a provider: the visits of the day
  'guardian_invitation', -- to an address: act for a patient; its id is the invitation's
  'log_in'               -- a code or link of Auth; no clinic, and the address is in its payload
);

create type public.notification_channel as enum ('email');

create type public.notification_status as enum (
  'queued',      -- due at due_at; -> sending, skipped
  'sending',     -- a worker has it until leased_until; -> sent, queued, dead
  'sent',        -- the provider accepted it; -> delivered, bounced, complained, dead
  'delivered',   -- the recipient's server accepted it; -> bounced, complained
  'bounced',     -- the recipient's server refused it, or never got it; -> complained
  'complained',  -- the recipient called it spam; final
  'skipped',     -- not to be sent; last_error says why
  'dead'         -- gave up; a person may requeue it
);

alter table public.clinics
  add column reminder_offsets_minutes int[] not null default '{2880,120}'
    constraint clinics_reminder_offsets_are_possible check (
      cardinality(reminder_offsets_minutes) <= 5 and array_position(reminder_offsets_minutes, null)
        is null and 5 <= all (reminder_offsets_minutes) and 43200 >= all (reminder_offsets_minutes)
    ),
  add column follow_up_minutes int default 60
    constraint clinics_follow_up_is_possible check (follow_up_minutes between 0 and 10080);

comment on column public.clinics.reminder_offsets_minutes is
  'How long before a visit its patient is reminded; applies to visits booked before, too.';
comment on column public.clinics.follow_up_minutes is
  'How long after a no-show is recorded the patient is written to; null: not at all.';

grant update (reminder_offsets_minutes, follow_up_minutes) on public.clinics to authenticated;

create table public.notifications (
  id uuid primary key default private.time_ordered_id(),
  clinic_id uuid,
  appointment_id uuid,
  appointment_version int,
  kind public.notification_kind not null,
  recipient_id uuid,
  recipient_user_id uuid references auth.users (id) on delete cascade,
  channel public.notification_channel not null default 'email',
  reminder_minutes int,
  provider_id uuid,
  day date,
  -- Who waits for a code goes first; what is planned long ahead gives way to what just happened.
  priority smallint not null generated always as (
    case when kind = 'log_in' then 0
      when kind in ('reminder', 'follow_up', 'agenda') then 2
      else 1 end
  ) stored,
  status public.notification_status not null default 'queued',
  attempts int not null default 0,
  leases_lost smallint not null default 0,
  resent smallint not null default 0,
  requeued_at timestamptz,
  due_at timestamptz not null default now(),
  leased_until timestamptz,
  lease_id uuid,
  last_error text constraint notifications_last_error_is_short check (length(last_error) <= 200),
  provider_message_id text,
  sent_at timestamptz,
  told_at timestamptz,
  told_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint notifications_recipient_is_one check (
    num_nonnulls(recipient_id, recipient_user_id)
      = case when kind in ('log_in', 'guardian_invitation') then 0 else 1 end
  ),
  constraint notifications_clinic_unless_log_in check ((clinic_id is null) = (kind = 'log_in')),
  constraint notifications_version_unless_of_none check (
    (appointment_version is null) = (kind in ('agenda', 'log_in', 'guardian_invitation'))
  ),
  constraint notifications_reminder_has_offset check (
    (kind = 'reminder') = (reminder_minutes is not null)
  ),
  constraint notifications_agenda_has_day check (
    (kind = 'agenda') = (provider_id is not null and day is not null)
    and (provider_id is null) = (day is null)
  ),
  constraint notifications_sending_under_a_lease check (
    (status = 'sending') = (leased_until is not null)
    and (status <> 'sending' or lease_id is not null)
  ),
  constraint notifications_sent_at_matches_status check (
    (status in ('sent', 'delivered', 'bounced', 'complained')) = (sent_at is not null)
  ),
  constraint notifications_told_is_not_on_its_way check (
    told_at is null or status not in ('queued', 'sending')
  ),
  constraint notifications_told_by_has_a_time check (told_by is null or told_at is not null),
  constraint notifications_appointment_is_of_clinic
    foreign key (clinic_id, appointment_id) references public.appointments (clinic_id, id)
    on delete set null (appointment_id),
  constraint notifications_recipient_is_of_clinic
    foreign key (clinic_id, recipient_id) references public.patients (clinic_id, id),
  constraint notifications_provider_is_of_clinic
    foreign key (clinic_id, provider_id) references public.providers (clinic_id, id)
    on delete cascade
)
-- Each row is rewritten twice, when it is claimed and when it is done: in place, if its page has room
-- for two more of it. While an old snapshot is held open neither can be cleaned away.
with (fillfactor = 34);

create unique index notifications_exactly_one on public.notifications (
  appointment_id, appointment_version, kind, recipient_id, recipient_user_id, channel,
  reminder_minutes
) nulls not distinct where appointment_id is not null;
create unique index notifications_one_agenda
  on public.notifications (provider_id, day, recipient_user_id) where kind = 'agenda';

-- None over what claiming and completing change: private.notification_queue is for that.
create index notifications_by_clinic on public.notifications (clinic_id, created_at);
create index notifications_by_recipient on public.notifications (clinic_id, recipient_id);
create index notifications_by_member on public.notifications (recipient_user_id)
  where recipient_user_id is not null;
create index notifications_by_teller on public.notifications (told_by) where told_by is not null;

comment on table public.notifications is
  'Messages owed and sent. Names and addresses are looked up when a message is first tried, not kept '
  'here.';
comment on column public.notifications.clinic_id is 'Null: a log-in mail, which is of no clinic.';
comment on column public.notifications.appointment_id is
  'Null: about none, or the appointment was removed since.';
comment on column public.notifications.recipient_id is
  'The patient who is told, or whose guardian is; null: somebody else is.';
comment on column public.notifications.recipient_user_id is
  'The member who is told; null: somebody else is.';
comment on column public.notifications.reminder_minutes is
  'Of a reminder: how long before the visit it is due.';
comment on column public.notifications.provider_id is 'Of an agenda: whose day it is.';
comment on column public.notifications.day is 'Of an agenda: which day, where the provider works.';
comment on column public.notifications.priority is 'Lower goes first among what is due.';
comment on column public.notifications.attempts is
  'How often a worker took it, but for tries in which the mail provider took nobody''s mail.';
comment on column public.notifications.leases_lost is
  'How often the worker that had it did not come back.';
comment on column public.notifications.resent is
  'How often it was made another mail, which its recipient may get beside the ones before.';
comment on column public.notifications.requeued_at is
  'When somebody last gave it a new start; null: nobody did.';
comment on column public.notifications.due_at is 'Not to be sent before.';
comment on column public.notifications.leased_until is
  'While sending: after this another worker may take it.';
comment on column public.notifications.lease_id is 'Which claim has, or had last, this message.';
comment on column public.notifications.last_error is 'A code for staff, without personal data.';
comment on column public.notifications.told_at is
  'When staff said that it was told otherwise, say by phone; null: nobody did. See mark_told.';
comment on column public.notifications.told_by is
  'Who said so; null: nobody, the dashboard, or an account that was removed since.';
comment on column public.notifications.provider_message_id is 'The mail provider''s id of it.';

create trigger _100_set_updated_at before update on public.notifications
  for each row execute function private.set_updated_at();

-- Which message to its patient an appointment's change calls for; null: none. Imports and what is
-- over tell nobody, but for a visit that was missed.
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
    when after.status = 'noshow' and before.status in ('booked', 'arrived') then 'follow_up'
    when greatest(after.starts_at, before.starts_at) <= now() then null
    when after.status = 'booked' and (before.id is null or before.status in ('held', 'pending'))
      then 'confirmation'
    when after.status = 'pending' and (before.id is null or before.status in ('held', 'booked')
        or private.is_moved(before, after))
      then 'request'
    when after.status in ('cancelled', 'entered_in_error')
      and before.status in ('pending', 'booked', 'arrived') then 'cancellation'
    when after.status = 'booked' and before.status = 'booked' and private.is_moved(before, after)
      then 'change'
  end::public.notification_kind;
end;
$$;

-- Where mail for a patient goes; null: nowhere.
create function private.address_of(patient public.patients) returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(patient.email, private.guardians_address(patient.id));
end;
$$;

create type private.owed_message as (
  clinic_id uuid,
  appointment_id uuid,
  appointment_version int,
  kind public.notification_kind,
  recipient_id uuid,
  recipient_user_id uuid,
  reminder_minutes int,
  status public.notification_status,
  due_at timestamptz,
  last_error text
);

-- What a change owes its patient: the message itself first and, for an agreed time, its reminders, but
-- for moments already past. A patient without an address is recorded as skipped, once.
create function private.messages_for(before public.appointments, after public.appointments)
returns private.owed_message[]
language plpgsql
stable
set search_path = ''
as $$
declare
  kind public.notification_kind := private.notification_kind_for(before, after);
  message private.owed_message;
  messages private.owed_message[];
  address text;
  reminder_offsets int[];
  follow_up_minutes int;
  minutes int;
  seen int[] := '{}';
begin
  if kind is null then
    return '{}';
  end if;
  select patients.email, clinics.reminder_offsets_minutes, clinics.follow_up_minutes
  into address, reminder_offsets, follow_up_minutes
  from public.patients join public.clinics on clinics.id = patients.clinic_id
  where patients.id = after.patient_id;
  if kind = 'follow_up' and follow_up_minutes is null then
    return '{}';
  end if;
  if address is null then
    address := private.guardians_address(after.patient_id);
  end if;
  message := (after.clinic_id, after.id, after.version, kind, after.patient_id, null, null,
    'queued', now(), null);
  if kind = 'follow_up' then
    message.due_at := now() + make_interval(mins => follow_up_minutes);
  end if;
  if address is null then
    message.status := 'skipped';
    message.last_error := 'no_address';
  end if;
  messages := array[message];
  if address is not null and kind in ('confirmation', 'change') then
    message.kind := 'reminder';
    foreach minutes in array reminder_offsets loop
      continue when minutes = any (seen);
      message.reminder_minutes := minutes;
      message.due_at := after.starts_at - make_interval(mins => minutes);
      if message.due_at > now() then
        messages := messages || message;
      end if;
      seen := seen || minutes;
    end loop;
  end if;
  return messages;
end;
$$;

-- Queues what is owed, for queue_and_tell; how much of it is due now. Saying so is left to the caller.
create function private.queue_messages(messages private.owed_message[]) returns int
language plpgsql
set search_path = ''
as $$
declare
  message private.owed_message;
  due int := 0;
  state text;
begin
  if messages = '{}' then
    return 0;
  end if;
  state := set_config('appoint.work_due', 'told by the caller', true);
  insert into public.notifications (clinic_id, appointment_id, appointment_version, kind,
    recipient_id, recipient_user_id, reminder_minutes, status, due_at, last_error)
  select owed.* from unnest(messages) as owed;
  state := set_config('appoint.work_due', '', true);
  foreach message in array messages loop
    if message.status = 'queued' and message.due_at <= now() then
      due := due + 1;
    end if;
  end loop;
  return due;
end;
$$;

-- Reminders of what was agreed before fall with a new time or the end of the visit; for follow_changed.
create function private.drop_reminders(visit public.appointments) returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.notifications set status = 'skipped',
    last_error = case when visit.status = 'booked' then 'superseded' else 'status_changed' end
  where notifications.appointment_id = visit.id
    and notifications.kind = 'reminder' and notifications.status = 'queued'
    and notifications.appointment_version < visit.version;
end;
$$;

-- Queues anew what a patient was to be told of coming visits while there was no address to send it to;
-- whether it still holds is asked when it is claimed. Not before `reachable_from`, when the address
-- counts.
create function private.tell_after_all(
  clinic_id uuid, patient_id uuid, reachable_from timestamptz
) returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.notifications set
    status = 'queued', attempts = 0, leases_lost = 0, last_error = null,
    due_at = greatest(now(), reachable_from)
  from public.appointments as visit
  where notifications.clinic_id = tell_after_all.clinic_id
    and notifications.recipient_id = tell_after_all.patient_id
    and notifications.status = 'skipped' and notifications.last_error = 'no_address'
    and notifications.told_at is null
    and visit.id = notifications.appointment_id and visit.starts_at > now();
end;
$$;

-- Definer: whoever enters the address, the queue follows.
create function private.tell_new_address() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.tell_after_all(new.clinic_id, new.id, now());
  return null;
end;
$$;

create trigger _700_tell_new_address after update on public.patients
  for each row when (old.email is null and new.email is not null)
  execute function private.tell_new_address();

alter table public.notifications enable row level security;

create policy "the office reads its clinic's notifications, people their own"
  on public.notifications
  for select to authenticated
  using (
    clinic_id = any (array(select private.my_clinics_as('owner', 'manager', 'front_desk')))
    or recipient_user_id = (select auth.uid())
  );

grant select on public.notifications to authenticated, service_role;
