-- The demo clinic. Everybody in it is invented. Running it again changes nothing.
-- Its users are made beforehand through the Auth admin API:
--   owner       00000000-0000-4000-8000-000000000001  owner@harbour.example
--   manager     00000000-0000-4000-8000-000000000002  manager@harbour.example
--   front desk  00000000-0000-4000-8000-000000000003  front.desk@harbour.example
--   provider    00000000-0000-4000-8000-000000000004  provider@harbour.example
--   patient     00000000-0000-4000-8000-000000000005  patient@harbour.example
--   patient     00000000-0000-4000-8000-000000000006  second.patient@harbour.example

insert into public.clinics (id, slug, name, time_zone, books_publicly) values
  ('10000000-0000-4000-8000-000000000001', 'harbour-clinic', 'Harbour Clinic',
    'Europe/Amsterdam', true)
on conflict do nothing;

insert into public.locations (id, clinic_id, name, address, phone, time_zone) values
  ('11000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001',
    'Harbour Clinic', 'Quay 12, Harbour Town', '+31 20 555 0100', 'Europe/Amsterdam'),
  ('11000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000001',
    'Hillside Practice', 'Mill Lane 3, Harbour Town', '+31 20 555 0101', 'Europe/Amsterdam')
on conflict do nothing;

insert into public.members (clinic_id, user_id, role) values
  ('10000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001', 'owner'),
  ('10000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', 'manager'),
  ('10000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000003', 'front_desk'),
  ('10000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000004', 'provider')
on conflict do nothing;

insert into public.providers (id, clinic_id, user_id, full_name, speciality) values
  ('12000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001',
    '00000000-0000-4000-8000-000000000004', 'Dr. Mara Lindqvist', 'General practice'),
  ('12000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000001',
    null, 'Dr. Tomas Okafor', 'General practice'),
  ('12000000-0000-4000-8000-000000000003', '10000000-0000-4000-8000-000000000001',
    null, 'Ines Bakker', 'Physiotherapy'),
  ('12000000-0000-4000-8000-000000000004', '10000000-0000-4000-8000-000000000001',
    null, 'Dr. Yuki Moreau', 'Internal medicine')
on conflict do nothing;

insert into public.services (id, clinic_id, name, description, duration_minutes,
  buffer_before_minutes, buffer_after_minutes, slot_interval_minutes, min_notice_minutes,
  cancel_notice_minutes, horizon_days) values
  ('13000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001',
    'Check-up', 'A general examination', 30, 0, 5, 15, 60, 30, 90),
  ('13000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000001',
    'Consultation', 'Fifteen minutes to talk something through', 15, 0, 0, 15, 60, 30, 60),
  ('13000000-0000-4000-8000-000000000003', '10000000-0000-4000-8000-000000000001',
    'Physiotherapy', 'One session of treatment', 45, 5, 10, 15, 120, 60, 90),
  ('13000000-0000-4000-8000-000000000004', '10000000-0000-4000-8000-000000000001',
    'Ultrasound', 'An examination with the ultrasound scanner', 20, 5, 10, 10, 120, 60, 60),
  ('13000000-0000-4000-8000-000000000005', '10000000-0000-4000-8000-000000000001',
    'Vaccination', 'A jab and ten minutes'' rest', 15, 0, 5, 10, 60, 30, 90)
on conflict do nothing;

insert into public.provider_services (clinic_id, provider_id, service_id, duration_minutes)
select '10000000-0000-4000-8000-000000000001', provider_id::uuid, service_id::uuid, duration_minutes
from (values
  ('12000000-0000-4000-8000-000000000001', '13000000-0000-4000-8000-000000000001', null),
  ('12000000-0000-4000-8000-000000000001', '13000000-0000-4000-8000-000000000002', null),
  ('12000000-0000-4000-8000-000000000001', '13000000-0000-4000-8000-000000000005', null),
  ('12000000-0000-4000-8000-000000000002', '13000000-0000-4000-8000-000000000001', 40),
  ('12000000-0000-4000-8000-000000000002', '13000000-0000-4000-8000-000000000002', null),
  ('12000000-0000-4000-8000-000000000002', '13000000-0000-4000-8000-000000000005', null),
  ('12000000-0000-4000-8000-000000000003', '13000000-0000-4000-8000-000000000003', null),
  ('12000000-0000-4000-8000-000000000004', '13000000-0000-4000-8000-000000000001', null),
  ('12000000-0000-4000-8000-000000000004', '13000000-0000-4000-8000-000000000004', null)
) as offered (provider_id, service_id, duration_minutes)
on conflict do nothing;

insert into public.resources (id, clinic_id, location_id, kind, name) values
  ('14000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001',
    '11000000-0000-4000-8000-000000000001', 'room', 'Room 1'),
  ('14000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000001',
    '11000000-0000-4000-8000-000000000001', 'room', 'Room 2'),
  ('14000000-0000-4000-8000-000000000003', '10000000-0000-4000-8000-000000000001',
    '11000000-0000-4000-8000-000000000001', 'room', 'Room 3'),
  ('14000000-0000-4000-8000-000000000004', '10000000-0000-4000-8000-000000000001',
    '11000000-0000-4000-8000-000000000002', 'room', 'Treatment room'),
  ('14000000-0000-4000-8000-000000000005', '10000000-0000-4000-8000-000000000001',
    '11000000-0000-4000-8000-000000000001', 'equipment', 'Ultrasound scanner')
on conflict do nothing;

insert into public.service_needs (clinic_id, service_id, kind, resource_id) values
  ('10000000-0000-4000-8000-000000000001', '13000000-0000-4000-8000-000000000001', 'room', null),
  ('10000000-0000-4000-8000-000000000001', '13000000-0000-4000-8000-000000000003', 'room', null),
  ('10000000-0000-4000-8000-000000000001', '13000000-0000-4000-8000-000000000004', 'room', null),
  ('10000000-0000-4000-8000-000000000001', '13000000-0000-4000-8000-000000000004', 'equipment',
    '14000000-0000-4000-8000-000000000005'),
  ('10000000-0000-4000-8000-000000000001', '13000000-0000-4000-8000-000000000005', 'room', null)
on conflict do nothing;

-- Dr. Lindqvist and Dr. Okafor: weekdays with a lunch break, and Saturday morning. Ines Bakker: at
-- Hillside until Thursday, at the harbour on Friday. Dr. Moreau: the harbour, all but Wednesday.
insert into public.weekly_hours (clinic_id, provider_id, location_id, weekday, opens, closes)
select '10000000-0000-4000-8000-000000000001', provider_id::uuid, location_id::uuid, weekday,
  opens::time, closes::time
from (values
  ('12000000-0000-4000-8000-000000000001', '11000000-0000-4000-8000-000000000001', '{1,2,3,4,5}'::int[], '08:00', '12:00'),
  ('12000000-0000-4000-8000-000000000001', '11000000-0000-4000-8000-000000000001', '{1,2,3,4,5}', '13:00', '17:00'),
  ('12000000-0000-4000-8000-000000000001', '11000000-0000-4000-8000-000000000001', '{6}', '09:00', '12:00'),
  ('12000000-0000-4000-8000-000000000002', '11000000-0000-4000-8000-000000000001', '{1,2,3,4,5}', '10:00', '14:00'),
  ('12000000-0000-4000-8000-000000000002', '11000000-0000-4000-8000-000000000001', '{1,2,3,4,5}', '15:00', '19:00'),
  ('12000000-0000-4000-8000-000000000002', '11000000-0000-4000-8000-000000000001', '{6}', '09:00', '13:00'),
  ('12000000-0000-4000-8000-000000000003', '11000000-0000-4000-8000-000000000002', '{1,2,3,4}', '08:30', '16:30'),
  ('12000000-0000-4000-8000-000000000003', '11000000-0000-4000-8000-000000000001', '{5}', '09:00', '15:00'),
  ('12000000-0000-4000-8000-000000000004', '11000000-0000-4000-8000-000000000001', '{1,2,4,5}', '09:00', '16:00'),
  ('12000000-0000-4000-8000-000000000004', '11000000-0000-4000-8000-000000000001', '{6}', '10:00', '13:00')
) as hours (provider_id, location_id, weekdays, opens, closes)
cross join lateral unnest(weekdays) as weekday
where not exists (
  select from public.weekly_hours
  where weekly_hours.clinic_id = '10000000-0000-4000-8000-000000000001'
);

insert into public.patients (id, clinic_id, user_id, full_name, email, date_of_birth) values
  ('15000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001',
    '00000000-0000-4000-8000-000000000005', 'Robin Vale', 'patient@harbour.example', '1988-04-12'),
  ('15000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000001',
    '00000000-0000-4000-8000-000000000006', 'Noor Castell', 'second.patient@harbour.example',
    '1993-11-30')
on conflict do nothing;
