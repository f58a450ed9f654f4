-- Broadcasts: tells open screens and idle workers that there is something to re-read.
-- Promises: no_health_data_outside; payloads carry ids, times and states only. realtime.send turns
--           its own errors into warnings, so the tables stay the truth.
-- Access: policies on realtime.messages say who may join which private channel.

create function private.broadcast_slots(
  clinic_id uuid, provider_id uuid, from_time timestamptz, to_time timestamptz
) returns void
language plpgsql
set search_path = ''
as $$
begin
  -- Visitors without an account can only join public channels.
  perform realtime.send(
    jsonb_build_object('provider_id', provider_id, 'from', from_time, 'to', to_time),
    'slots_changed',
    'clinic:' || clinics.id || ':slots',
    not clinics.books_publicly
  )
  from public.clinics where clinics.id = broadcast_slots.clinic_id;
end;
$$;

create function private.broadcast_appointment(visit public.appointments) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform realtime.send(
    jsonb_build_object(
      'appointment_id', visit.id, 'version', visit.version, 'status', visit.status),
    'appointment_changed', channel.topic, true)
  from (
    select 'clinic:' || visit.clinic_id || ':appointments'
    union all
    select 'user:' || patients.user_id from public.patients
    where patients.id = visit.patient_id and patients.user_id is not null
    union
    select 'user:' || guardians.user_id from public.guardians
    where guardians.clinic_id = visit.clinic_id and guardians.patient_id = visit.patient_id
      and guardians.starts_at <= now() and (guardians.ends_at is null or guardians.ends_at > now())
  ) as channel (topic);
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

-- Definer: callers may not write realtime.messages; whoever changes the row, it is announced.
create function private.broadcast_new() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.broadcast_appointment(added),
    private.broadcast_slots(added.clinic_id, added.provider_id, added.starts_at, added.ends_at)
  from added where private.is_worth_a_broadcast(added);
  return null;
end;
$$;

-- Definer: as broadcast_new.
create function private.broadcast_changed() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.broadcast_appointment(after)
  from after join before using (id)
  where after.version <> before.version and private.is_worth_a_broadcast(after);

  perform private.broadcast_slots(
    touched.clinic_id, touched.provider_id, min(touched.starts_at), max(touched.ends_at))
  from (select * from before union all select * from after) as touched
  where touched.id in (
    select after.id from after join before using (id)
    where private.is_worth_a_broadcast(after)
      and (private.keeps_time(after.status), after.starts_at, after.ends_at, after.provider_id)
        is distinct from
        (private.keeps_time(before.status), before.starts_at, before.ends_at, before.provider_id)
  )
  group by touched.id, touched.clinic_id, touched.provider_id;
  return null;
end;
$$;

-- Definer: as broadcast_new.
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

-- Wakes workers; the count is a hint, the queue is the truth.
-- Definer: as broadcast_new.
create function private.broadcast_work_due() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  due int;
begin
  select count(*) into due from changed where changed.status = 'queued' and changed.due_at <= now();
  if due > 0 then
    perform realtime.send(jsonb_build_object('queued', due), 'work_due', 'worker:outbox', true);
  end if;
  return null;
end;
$$;

create trigger _900_broadcast_insert after insert on public.appointments
  referencing new table as added
  for each statement execute function private.broadcast_new();
create trigger _900_broadcast_update after update on public.appointments
  referencing old table as before new table as after
  for each statement execute function private.broadcast_changed();
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
