-- Notification preferences: what a person wants to be told, in which language, and when not.
-- Promises: what is agreed, changed or called off is always told; the rest can be declined, and a
--           change of mind counts at once, also for what is queued already.
-- Access: patients and guardians set the patient's, members their own, the office its patients'.

alter table public.clinics
  add column quiet_from time,
  add column quiet_until time
    constraint clinics_quiet_hours_have_two_ends
      check ((quiet_from is null) = (quiet_until is null) and quiet_from <> quiet_until),
  add column clock_hours smallint
    constraint clinics_clock_hours_are_known check (clock_hours in (12, 24));

comment on column public.clinics.quiet_from is
  'From then on, by the wall clock at the location, reminders wait; null: they come at any hour.';
comment on column public.clinics.quiet_until is 'When what waited is sent.';
comment on column public.clinics.clock_hours is
  'How messages tell the time, on a clock of 12 or of 24 hours; null: as the recipient''s language and '
  'country do.';

grant update (quiet_from, quiet_until, clock_hours) on public.clinics to authenticated;

create table public.notification_preferences (
  id uuid primary key default gen_random_uuid(),
  -- The patient's or member's, whom the keys below name. A key of its own would fail with another
  -- message for a clinic that exists than for one that does not.
  clinic_id uuid not null,
  patient_id uuid,
  user_id uuid,
  channel public.notification_channel not null default 'email',
  language text constraint notification_preferences_language_is_a_tag
    check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]+)*$' and length(language) <= 35),
  quiet_from time,
  quiet_until time,
  reminders boolean not null default true,
  follow_ups boolean not null default true,
  new_bookings boolean,
  late_cancellations boolean,
  daily_agenda boolean,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint notification_preferences_of_one check (num_nonnulls(patient_id, user_id) = 1),
  constraint notification_preferences_quiet_hours_have_two_ends
    check ((quiet_from is null) = (quiet_until is null)),
  constraint notification_preferences_once_per_patient unique (clinic_id, patient_id),
  constraint notification_preferences_once_per_member unique (clinic_id, user_id),
  constraint notification_preferences_patient_is_of_clinic
    foreign key (clinic_id, patient_id) references public.patients (clinic_id, id)
    on delete cascade,
  constraint notification_preferences_user_is_member
    foreign key (clinic_id, user_id) references public.members (clinic_id, user_id)
    on delete cascade
);

comment on table public.notification_preferences is
  'A person''s wishes; no row: the defaults. Of a patient, or of a member. docs/notifications.md.';
comment on column public.notification_preferences.clinic_id is 'The clinic that writes.';
comment on column public.notification_preferences.patient_id is 'Whose; null: a member''s.';
comment on column public.notification_preferences.user_id is 'Whose; null: a patient''s.';
comment on column public.notification_preferences.channel is 'How messages are sent.';
comment on column public.notification_preferences.language is
  'E.g. en or de-AT; null: the patient record''s locale, to a member the clinic''s.';
comment on column public.notification_preferences.quiet_from is
  'From then on, by the wall clock at the location, reminders wait; null: the clinic''s hours. The '
  'same as quiet_until: they come at any hour.';
comment on column public.notification_preferences.quiet_until is 'When what waited is sent.';
comment on column public.notification_preferences.reminders is 'False: no reminders.';
comment on column public.notification_preferences.follow_ups is
  'False: no message after a missed visit.';
comment on column public.notification_preferences.new_bookings is
  'Of a member: told what patients book and ask for; null: as the role says.';
comment on column public.notification_preferences.late_cancellations is
  'Of a member: told what patients call off late; null: as the role says.';
comment on column public.notification_preferences.daily_agenda is
  'Of a provider: false: no list of the day''s visits in the morning.';

create trigger _100_set_updated_at before update on public.notification_preferences
  for each row execute function private.set_updated_at();

alter table public.notification_preferences enable row level security;

create policy "people read their preferences, the office its patients'"
  on public.notification_preferences
  for select to authenticated using (
    patient_id = any (array(select private.my_patients()))
    or user_id = (select auth.uid())
    or (patient_id is not null and clinic_id = any (
      array(select private.my_clinics_as('owner', 'manager', 'front_desk'))))
  );
create policy "people state their preferences, the office its patients'"
  on public.notification_preferences
  for insert to authenticated with check (
    patient_id = any (array(select private.my_patients()))
    or user_id = (select auth.uid())
    or (patient_id is not null and clinic_id = any (
      array(select private.my_clinics_as('owner', 'manager', 'front_desk'))))
  );
create policy "people change their preferences, the office its patients'"
  on public.notification_preferences
  for update to authenticated
  using (
    patient_id = any (array(select private.my_patients()))
    or user_id = (select auth.uid())
    or (patient_id is not null and clinic_id = any (
      array(select private.my_clinics_as('owner', 'manager', 'front_desk'))))
  )
  with check (
    patient_id = any (array(select private.my_patients()))
    or user_id = (select auth.uid())
    or (patient_id is not null and clinic_id = any (
      array(select private.my_clinics_as('owner', 'manager', 'front_desk'))))
  );

grant select on public.notification_preferences to authenticated;
grant insert (clinic_id, patient_id, user_id, channel, language, quiet_from, quiet_until, reminders,
  follow_ups, new_bookings, late_cancellations, daily_agenda)
  on public.notification_preferences to authenticated;
-- The first three so that an upsert may name them; policies and keys bind them.
grant update (clinic_id, patient_id, user_id, channel, language, quiet_from, quiet_until, reminders,
  follow_ups, new_bookings, late_cancellations, daily_agenda)
  on public.notification_preferences to authenticated;
grant select, insert, update, delete on public.notification_preferences to service_role;

-- In which language a user is written to: as they chose for messages, else as in their newest record,
-- else as they signed up; null: nothing is known.
create function private.language_of_user(user_id uuid) returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select coalesce(preference.language, patient.locale,
      -- Anything can stand there.
      substring(users.raw_user_meta_data ->> 'language' from '^[a-z]{2}'))
    from auth.users
    left join public.patients as patient on patient.user_id = users.id
    left join public.notification_preferences as preference
      on preference.patient_id = patient.id or preference.user_id = users.id
    where users.id = language_of_user.user_id
    order by preference.language is null, preference.updated_at desc, patient.created_at desc
    limit 1
  );
end;
$$;

-- When the quiet hours end that an instant lies in, by the wall clock of that zone; null: it lies in
-- none. They may go over midnight. Always later than the instant: who asks while the clock shows an
-- hour for the second time is told when it shows their end again.
create function private.end_of_quiet_hours(
  instant timestamptz, time_zone text, quiet_from time, quiet_until time
) returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
declare
  shown timestamp := instant at time zone time_zone;
  is_over_midnight boolean := quiet_from > quiet_until;
  last_day date;
  ends timestamptz;
begin
  if (is_over_midnight and (shown::time >= quiet_from or shown::time < quiet_until))
    or (not is_over_midnight and shown::time >= quiet_from and shown::time < quiet_until) then
    last_day := shown::date
      + case when is_over_midnight and shown::time >= quiet_from then 1 else 0 end;
    ends := private.local_instant(last_day, quiet_until, time_zone);
    -- PostgreSQL alone reads a time that occurs twice as its last occurrence.
    return case when ends > instant then ends
      else (last_day + quiet_until) at time zone time_zone end;
  end if;
  return null;
end;
$$;

-- What the recipient wants of a message that could be sent now: skipped if declined; queued again
-- until the quiet hours end, or skipped if that is too late.
create function private.judge_by_preference(
  message public.notifications, visit public.appointments
) returns private.verdict
language plpgsql
stable
set search_path = ''
as $$
declare
  wish record;
  quiet_ends timestamptz;
begin
  if message.kind in ('staff_booking', 'staff_request', 'staff_cancellation', 'agenda') then
    if not exists (
      select from private.members_to_tell(message.kind, message.clinic_id,
        coalesce(visit.provider_id, message.provider_id)) as told
      where told.user_id = message.recipient_user_id
    ) then
      return ('skipped', 'opted_out', null)::private.verdict;
    end if;
  end if;
  if message.kind not in ('reminder', 'follow_up') then
    return null;
  end if;

  select
    case when message.kind = 'reminder' then preference.reminders else preference.follow_ups end
      as is_wanted,
    case when preference.quiet_from is null then clinic.quiet_from else preference.quiet_from end
      as quiet_from,
    case when preference.quiet_from is null then clinic.quiet_until else preference.quiet_until end
      as quiet_until,
    place.time_zone
  into wish
  from public.clinics as clinic
  join public.locations as place on place.id = visit.location_id
  left join public.notification_preferences as preference
    on preference.clinic_id = clinic.id and preference.patient_id = message.recipient_id
  where clinic.id = message.clinic_id;
  if not wish.is_wanted then
    return ('skipped', 'opted_out', null)::private.verdict;
  end if;
  quiet_ends := private.end_of_quiet_hours(
    now(), wish.time_zone, wish.quiet_from, wish.quiet_until);
  return case
    when quiet_ends is null then null
    when message.kind = 'reminder' and quiet_ends >= visit.starts_at
      then ('skipped', 'quiet_hours', null)::private.verdict
    else ('queued', null, quiet_ends)::private.verdict
  end;
end;
$$;
