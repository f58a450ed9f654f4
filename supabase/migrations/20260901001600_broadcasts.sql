-- Broadcasts: tells open screens and idle workers that there is something to re-read.
-- Promises: no_health_data_outside; payloads carry ids, times and states only. realtime.send turns
--           its own errors into warnings, so the tables stay the truth. Whoever loses a clinic hears
--           no more of it from that moment on, though their channel is still open.
-- Access: policies on realtime.messages say who may join which private channel.

-- Realtime asks the policies below when somebody joins a channel or renews a token, not for each
-- message. So when somebody loses a clinic, its shared channels are unsafe for as long as a token
-- lives: docs/decisions/0031-channels-after-a-role-ends.md.
create table private.unsafe_channels (
  clinic_id uuid primary key references public.clinics (id) on delete cascade,
  until timestamptz not null
);

comment on table private.unsafe_channels is
  'Clinics to whose channels somebody may still listen who must not any more.';

alter table private.unsafe_channels enable row level security;

-- SQL cannot ask Auth for its setting, and a hosted project takes none of ours from `alter database`.
create table private.access_tokens (
  only_row boolean primary key default true constraint access_tokens_are_one_row check (only_row),
  live_seconds int not null default 3600
    constraint access_tokens_live_for_a_while check (live_seconds between 1 and 604800)
);

comment on table private.access_tokens is 'What the database must know of Auth''s access tokens.';
comment on column private.access_tokens.live_seconds is
  'As auth.jwt_expiry in supabase/config.toml, or the hosted project''s setting; whoever changes one '
  'changes the other.';

alter table private.access_tokens enable row level security;

insert into private.access_tokens default values;

-- A minute more than a token lives: clocks differ.
create function private.longest_token() returns interval
language sql
stable
set search_path = ''
as $$
  select make_interval(secs => access_tokens.live_seconds + 60) from private.access_tokens;
$$;

-- Definer: whoever takes the role away, the channels are closed.
create function private.close_channels() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  clinic uuid := case tg_table_name when 'clinics' then to_jsonb(old) ->> 'id'
    else to_jsonb(old) ->> 'clinic_id' end;
begin
  insert into private.unsafe_channels (clinic_id, until)
  select clinics.id, now() + private.longest_token()
  from public.clinics where clinics.id = clinic
  on conflict (clinic_id) do update set until = excluded.until;
  return null;
end;
$$;

create trigger _500_close_channels after update on public.members
  for each row
  when (old.active and (not new.active or new.clinic_id <> old.clinic_id
    or new.user_id <> old.user_id))
  execute function private.close_channels();
create trigger _500_close_channels_on_delete after delete on public.members
  for each row when (old.active)
  execute function private.close_channels();
-- Those who are without one hear no more either.
create trigger _500_close_channels after update on public.clinics
  for each row when (new.staff_needs_second_factor and not old.staff_needs_second_factor)
  execute function private.close_channels();
create trigger _500_close_channels after update on public.patients
  for each row when (new.user_id is distinct from old.user_id and old.user_id is not null)
  execute function private.close_channels();

-- Whether somebody may still listen to the free times of a clinic that are not for everybody: of
-- guardians, the end alone tells, for it comes by itself.
create function private.slots_are_unsafe(clinic_id uuid) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from private.unsafe_channels
    where unsafe_channels.clinic_id = slots_are_unsafe.clinic_id and unsafe_channels.until > now()
  ) or exists (
    select from public.guardians
    where guardians.clinic_id = slots_are_unsafe.clinic_id and guardians.ends_at <= now()
      and guardians.ends_at > now() - private.longest_token()
  );
end;
$$;

create type private.broadcast as (
  topic text,
  event text,
  payload jsonb,
  is_private boolean
);

-- Sends messages, all in one statement: realtime.send does the same for one, with a savepoint each
-- time. Where Realtime's table is not as we know it, its function is asked after all.
create function private.send_broadcasts(messages private.broadcast[]) returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into realtime.messages (id, topic, event, payload, private, extension)
  select message.id, message.topic, message.event,
    message.payload || jsonb_build_object('id', message.id), message.is_private, 'broadcast'
  from (
    select gen_random_uuid() as id, given.* from unnest(messages) as given offset 0
  ) as message;
exception when others then
  perform realtime.send(given.payload, given.event, given.topic, given.is_private)
  from unnest(messages) as given;
end;
$$;

create function private.slots_message(
  clinic_id uuid, provider_id uuid, from_time timestamptz, to_time timestamptz, is_private boolean
) returns private.broadcast
language plpgsql
stable
set search_path = ''
as $$
begin
  return ('clinic:' || clinic_id || ':slots', 'slots_changed',
    jsonb_build_object('provider_id', provider_id, 'from', from_time, 'to', to_time),
    is_private)::private.broadcast;
end;
$$;

-- Tells screens that a provider's free times changed, unless nobody may be told now. Visitors without an
-- account can only join public channels.
create function private.broadcast_slots(
  clinic_id uuid, provider_id uuid, from_time timestamptz, to_time timestamptz
) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.send_broadcasts(array[private.slots_message(
    clinics.id, broadcast_slots.provider_id, from_time, to_time, not clinics.books_publicly)])
  from public.clinics
  where clinics.id = broadcast_slots.clinic_id
    and (clinics.books_publicly or not private.slots_are_unsafe(clinics.id));
end;
$$;

-- What tells screens of an appointment: those of the clinic, its patient and who acts for the patient;
-- and, `with_slots`, all who look at the free times of its provider and of the one whom the visit had
-- before. One look-up, for every booking does it.
create function private.appointment_broadcasts(
  visit public.appointments, with_slots boolean, before public.appointments default null
) returns private.broadcast[]
language plpgsql
stable
set search_path = ''
as $$
declare
  news jsonb := jsonb_build_object(
    'appointment_id', visit.id, 'version', visit.version, 'status', visit.status);
  messages private.broadcast[] := '{}';
  told uuid[] := '{}';
  clinic_topic text := 'clinic:' || visit.clinic_id;
  is_public boolean;
  is_unsafe boolean;
  people uuid[];
  person uuid;
begin
  select clinics.books_publicly, coalesce(unsafe.until > now(), false), patients.user_id || array(
    select guardians.user_id from public.guardians
    where guardians.clinic_id = visit.clinic_id and guardians.patient_id = visit.patient_id
      and guardians.starts_at <= now() and (guardians.ends_at is null or guardians.ends_at > now())
  )
  into is_public, is_unsafe, people
  from public.patients
  join public.clinics on clinics.id = patients.clinic_id
  left join private.unsafe_channels as unsafe on unsafe.clinic_id = patients.clinic_id
  where patients.id = visit.patient_id;
  if is_unsafe then
    -- Each member's own channel instead. It does not ask for a second factor, so where the clinic
    -- does, its screens have to look for themselves.
    people := people || array(
      select members.user_id
      from public.members join public.clinics on clinics.id = members.clinic_id
      where members.clinic_id = visit.clinic_id and members.active
        and not clinics.staff_needs_second_factor
    );
  else
    messages := array[
      (clinic_topic || ':appointments', 'appointment_changed', news, true)::private.broadcast];
  end if;
  foreach person in array coalesce(people, '{}') loop
    if person is not null and not person = any (told) then
      told := told || person;
      messages := messages
        || ('user:' || person, 'appointment_changed', news, true)::private.broadcast;
    end if;
  end loop;
  if with_slots and (is_public or not private.slots_are_unsafe(visit.clinic_id)) then
    if before.provider_id <> visit.provider_id then
      messages := messages || private.slots_message(
        visit.clinic_id, before.provider_id, before.starts_at, before.ends_at, not is_public);
      before := visit;
    end if;
    messages := messages || private.slots_message(visit.clinic_id, visit.provider_id,
      least(visit.starts_at, before.starts_at), greatest(visit.ends_at, before.ends_at),
      not is_public);
  end if;
  return messages;
end;
$$;

-- Whether open screens could show the appointment: nobody watches imports arrive.
create function private.is_worth_a_broadcast(visit public.appointments) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return visit.booked_via <> 'import';
end;
$$;

-- Queues the messages owed, and says what is to be said, with word to workers if any is due.
create function private.queue_and_tell(
  owed private.owed_message[], broadcasts private.broadcast[]
) returns void
language plpgsql
set search_path = ''
as $$
declare
  due int := private.queue_messages(owed);
begin
  if due > 0 then
    broadcasts := broadcasts || private.work_due(due);
  end if;
  if broadcasts <> '{}' then
    perform private.send_broadcasts(broadcasts);
  end if;
end;
$$;

-- All that follows from new appointments, in this order: what they keep busy, their history, the
-- messages owed, and word to open screens and idle workers. One trigger, for the rows are read once.
-- Definer: whoever writes the appointment, the ledger, history and queue are written, and it is
-- announced.
create function private.follow_new() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  visits public.appointments[];
  visit public.appointments;
  owed private.owed_message[] := '{}';
  broadcasts private.broadcast[] := '{}';
begin
  select array_agg(added) into visits from added;
  if visits is null then
    return null;
  end if;
  perform private.reserve_for_new(visits);
  foreach visit in array visits loop
    perform private.record_created(visit);
    owed := owed || private.messages_for(null, visit) || private.staff_messages_for(null, visit);
    if private.is_worth_a_broadcast(visit) then
      broadcasts := broadcasts || private.appointment_broadcasts(visit, true);
    end if;
  end loop;
  perform private.queue_and_tell(owed, broadcasts);
  return null;
end;
$$;

-- All that follows from changed appointments, in the same order as for new ones.
-- Definer: as follow_new.
create function private.follow_changed() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  befores public.appointments[];
  afters public.appointments[];
  was public.appointments;
  visit public.appointments;
  messages private.owed_message[];
  owed private.owed_message[] := '{}';
  broadcasts private.broadcast[] := '{}';
begin
  select array_agg(before), array_agg(after) into befores, afters
  from after join before using (id)
  where after.version <> before.version;
  if afters is null then
    return null;
  end if;
  perform private.reserve_for_changed(befores, afters);
  for number in 1 .. cardinality(afters) loop
    was := befores[number];
    visit := afters[number];
    perform private.record_changed(was, visit);
    messages := private.messages_for(was, visit);
    if messages[1].kind in ('change', 'request', 'cancellation', 'follow_up') then
      perform private.drop_reminders(visit);
    end if;
    owed := owed || messages || private.staff_messages_for(was, visit);
    if private.is_worth_a_broadcast(visit) then
      broadcasts := broadcasts || private.appointment_broadcasts(visit,
        (private.keeps_time(visit.status), visit.starts_at, visit.ends_at, visit.provider_id)
          is distinct from (private.keeps_time(was.status), was.starts_at, was.ends_at,
            was.provider_id),
        was);
    end if;
  end loop;
  perform private.queue_and_tell(owed, broadcasts);
  return null;
end;
$$;

-- Definer: callers may not write realtime.messages; whoever removes the row, it is announced.
create function private.broadcast_removed() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.broadcast_slots(
    removed.clinic_id, removed.provider_id, removed.starts_at, removed.ends_at)
  from removed
  where private.keeps_time(removed.status) and private.is_worth_a_broadcast(removed);
  return null;
end;
$$;

create function private.work_due(due int) returns private.broadcast
language plpgsql
stable
set search_path = ''
as $$
begin
  return ('worker:outbox', 'work_due', jsonb_build_object('queued', due), true)::private.broadcast;
end;
$$;

-- Wakes workers; the count is a hint, the queue is the truth. queue_messages leaves that to its caller.
-- Definer: as broadcast_removed.
create function private.broadcast_work_due() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  due int;
begin
  if current_setting('appoint.work_due', true) <> '' then
    return null;
  end if;
  select count(*) into due from changed where changed.status = 'queued' and changed.due_at <= now();
  if due > 0 then
    perform private.send_broadcasts(array[private.work_due(due)]);
  end if;
  return null;
end;
$$;

create trigger _500_follow_insert after insert on public.appointments
  referencing new table as added
  for each statement execute function private.follow_new();
create trigger _500_follow_update after update on public.appointments
  referencing old table as before new table as after
  for each statement execute function private.follow_changed();
create trigger _900_broadcast_delete after delete on public.appointments
  referencing old table as removed
  for each statement execute function private.broadcast_removed();

create trigger _900_broadcast_insert after insert on public.notifications
  referencing new table as changed
  for each statement execute function private.broadcast_work_due();
create trigger _900_broadcast_update after update on public.notifications
  referencing new table as changed
  for each statement execute function private.broadcast_work_due();

-- The clinic in a topic such as `clinic:<id>:slots`; null if it is not of that form.
create function private.clinic_of_topic(topic text, ending text) returns uuid
language sql
immutable
set search_path = ''
as $$
  select case
    when topic ~ ('^clinic:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:' || ending || '$')
    then split_part(topic, ':', 2)::uuid
  end;
$$;

-- Whether the caller may listen to a private channel.
-- Definer: asks about clinics, members and patients that the caller may not read.
create function private.may_listen(topic text) returns boolean
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(
    may_listen.topic = 'user:' || auth.uid()
    or private.clinic_of_topic(may_listen.topic, 'appointments') in (select private.my_clinics())
    or private.may_see_clinic(private.clinic_of_topic(may_listen.topic, 'slots')),
    false
  );
$$;

grant execute on function private.may_listen(text) to authenticated;

create policy "people listen to their own and their clinics' channels" on realtime.messages
  for select to authenticated
  using (extension = 'broadcast' and (select private.may_listen(realtime.topic())));
