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

-- The longest that an access token lives: auth.jwt_expiry of supabase/config.toml. A project with
-- another setting says so with `alter database … set appoint.access_token_seconds`.
create function private.longest_token() returns interval
language plpgsql
stable
set search_path = ''
as $$
begin
  return make_interval(secs => coalesce(
    nullif(current_setting('appoint.access_token_seconds', true), '')::int, 3600) + 60);
end;
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
  from public.clinics where clinics.id = broadcast_slots.clinic_id
    and (clinics.books_publicly or not exists (
      select from private.unsafe_channels
      where unsafe_channels.clinic_id = clinics.id and unsafe_channels.until > now()
    ));
end;
$$;

create function private.broadcast_appointment(visit public.appointments) returns void
language plpgsql
set search_path = ''
as $$
declare
  is_unsafe boolean := exists (
    select from private.unsafe_channels
    where unsafe_channels.clinic_id = visit.clinic_id and unsafe_channels.until > now()
  );
begin
  perform realtime.send(
    jsonb_build_object(
      'appointment_id', visit.id, 'version', visit.version, 'status', visit.status),
    'appointment_changed', channel.topic, true)
  from (
    select 'clinic:' || visit.clinic_id || ':appointments'
    where not is_unsafe
    union all
    -- Each member's own channel instead. It does not ask for a second factor, so where the clinic
    -- does, its screens have to look for themselves.
    select 'user:' || members.user_id
    from public.members join public.clinics on clinics.id = members.clinic_id
    where is_unsafe and members.clinic_id = visit.clinic_id and members.active
      and not clinics.staff_needs_second_factor
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
