-- Rows for tables that only workers fill, so that their constraints have something to hold.
with somebody as (select id from auth.users order by id limit 1),
visit as (select * from public.appointments order by id limit 1),
message as (select * from public.notifications order by id limit 1),
asked as (
  insert into private.flow_requests (user_id, key, fingerprint, leased_until)
  select somebody.id, 'a-key-of-a-request', repeat('0', 64), now() from somebody
),
counted as (
  insert into private.flow_counts (user_id, flow, window_starts_at, requests)
  select somebody.id, 'change_clinic', now(), 1 from somebody
),
linked as (
  insert into private.used_links (notification_id, action) select message.id, 'cancel' from message
),
delivered as (
  insert into private.delivery_events (event_id, notification_id)
  select 'msg_1', message.id from message
),
tried as (
  insert into private.claim_attempts (user_id, claimed) select somebody.id, 0 from somebody
),
freed as (
  insert into private.freed_slots (clinic_id, location_id, provider_id, during)
  select clinic_id, location_id, provider_id, tstzrange(starts_at, ends_at) from visit
),
uploaded as (
  insert into private.import_contents (job_id, file, content)
  select job_id, name, '\x' from public.import_files limit 1
),
together as (
  insert into private.joint_visits (joint_id, number, appointment_id)
  select id, 1, id from visit
),
leaving as (
  insert into private.log_ins_to_delete (user_id) select somebody.id from somebody
),
merged as (
  insert into private.patient_merges
    (clinic_id, keep_id, merge_id, moved, filled_columns, moved_user)
  select patients.clinic_id, patients.id, others.id, '{}', '{}', false
  from public.patients join public.patients as others
    on others.clinic_id = patients.clinic_id and others.id <> patients.id
  order by patients.id, others.id limit 1
),
asked_for as (
  insert into private.requests (caller_id, request_id, fingerprint, appointment_id)
  select somebody.id, visit.id, '\x00', visit.id from somebody, visit
),
repeated as (
  insert into private.series_visits (series_id, occurrence_at, appointment_id, alternatives)
  select series.id, series.starts_at, null, '{}' from public.appointment_series as series limit 1
),
suppressed as (
  insert into private.suppressed_addresses (address_hash, reason) values ('\x00', 'bounced')
),
away as (
  insert into public.availability_exceptions
    (clinic_id, provider_id, starts_on, ends_on, opens, closes)
  select clinic_id, provider_id, '2040-01-01', '2040-01-01', '09:00', '10:00' from visit
),
daily as (
  insert into public.notifications (clinic_id, kind, provider_id, day, recipient_user_id)
  select visit.clinic_id, 'agenda', visit.provider_id, current_date, somebody.id
  from visit, somebody
)
insert into private.notification_payloads (notification_id, frozen, trying_since)
select message.id, '{}', now() from message on conflict do nothing;

insert into public.notification_preferences (clinic_id, user_id)
select clinic_id, user_id from public.members order by id limit 1;

-- A patient entered twice, with a visit.
with visit as (
  select * from public.appointments where status = 'booked' and starts_at > now()
  order by id limit 1
),
twice as (
  insert into public.patients (clinic_id, full_name) select clinic_id, 'Entered Twice' from visit
  returning id
)
insert into public.appointments (service_id, provider_id, patient_id, starts_at)
select visit.service_id, visit.provider_id, twice.id, visit.starts_at + interval '60 days'
from visit, twice;

-- A seat in a group session, and cancellations that are late.
select public.join_session(sessions.id, patients.id)
from public.group_sessions as sessions
join public.patients on patients.clinic_id = sessions.clinic_id and merged_into is null
where not exists (
  select from public.group_sessions as others
  where others.clinic_id = sessions.clinic_id and others.id < sessions.id)
order by patients.id limit 1;
update public.clinics set late_cancel_hours = 8760 where true;

-- A visit that needs one room and no other.
insert into public.service_needs (clinic_id, service_id, kind, resource_id)
select services.clinic_id, services.id, resources.kind, resources.id
from public.services join public.resources on resources.clinic_id = services.clinic_id
where not exists (select from public.service_needs where service_needs.service_id = services.id)
order by services.id limit 1;

-- A session that somebody has to look at.
insert into public.appointment_follow_ups (clinic_id, session_id, kind)
select clinic_id, id, 'outside_hours' from public.group_sessions order by id limit 1;
