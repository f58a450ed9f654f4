-- A small clinic for many hands: every visit needs a provider, a patient and, by its service, a room,
-- two rooms, or a room and the one scanner. Hours are 09:00 to 17:00, every day.

insert into auth.users (id, aud, role, email, email_confirmed_at)
select md5('person' || number)::uuid, 'authenticated', 'authenticated',
  'person' || number || '@people.example', now()
from generate_series(0, 60) as number;

insert into public.clinics (id, slug, name, time_zone, books_publicly)
values (md5('clinic')::uuid, 'crowd', 'Crowd', 'Europe/Vienna', true);

insert into public.locations (id, clinic_id, name, time_zone)
values (md5('location')::uuid, md5('clinic')::uuid, 'Here', 'Europe/Vienna');

insert into public.members (clinic_id, user_id, role)
values (md5('clinic')::uuid, md5('person0')::uuid, 'front_desk');

insert into public.services (id, clinic_id, name, duration_minutes, slot_interval_minutes,
  buffer_before_minutes, buffer_after_minutes)
values
  (md5('talk')::uuid, md5('clinic')::uuid, 'Talk', 30, 15, 0, 0),
  (md5('exam')::uuid, md5('clinic')::uuid, 'Examination', 30, 15, 5, 10),
  (md5('scan')::uuid, md5('clinic')::uuid, 'Scan', 45, 15, 0, 15),
  (md5('pair')::uuid, md5('clinic')::uuid, 'Pair', 30, 15, 0, 5);

insert into public.resources (id, clinic_id, location_id, kind, name)
select md5('room' || number)::uuid, md5('clinic')::uuid, md5('location')::uuid,
  'room'::public.resource_kind, 'Room ' || number
from generate_series(1, 3) as number
union all
select md5('scanner')::uuid, md5('clinic')::uuid, md5('location')::uuid, 'equipment',
  'Scanner';

insert into public.service_needs (clinic_id, service_id, kind, resource_id, quantity)
values
  (md5('clinic')::uuid, md5('exam')::uuid, 'room', null, 1),
  (md5('clinic')::uuid, md5('scan')::uuid, 'room', null, 1),
  (md5('clinic')::uuid, md5('scan')::uuid, 'equipment', md5('scanner')::uuid, 1),
  (md5('clinic')::uuid, md5('pair')::uuid, 'room', null, 2);

insert into public.providers (id, clinic_id, full_name)
select md5('provider' || number)::uuid, md5('clinic')::uuid, 'Dr. Number ' || number
from generate_series(1, 6) as number;

insert into public.provider_services (clinic_id, provider_id, service_id)
select md5('clinic')::uuid, providers.id, services.id
from public.providers cross join public.services;

insert into public.weekly_hours (clinic_id, provider_id, location_id, weekday, opens, closes)
select md5('clinic')::uuid, providers.id, md5('location')::uuid, weekday, '09:00', '17:00'
from public.providers cross join generate_series(1, 7) as weekday;

insert into public.patients (id, clinic_id, user_id, full_name, email)
select md5('patient' || number)::uuid, md5('clinic')::uuid, md5('person' || number)::uuid,
  'Pat Number ' || number, 'person' || number || '@people.example'
from generate_series(1, 60) as number;
