-- The visits themselves, here and in the plain table beside.

set session_replication_role = replica;

insert into public.appointments (id, clinic_id, location_id, service_id, provider_id, patient_id,
  starts_at, ends_at, buffer_before_minutes, buffer_after_minutes, booked_by, booked_via, created_at)
select id, 'c1000000-0000-4000-8000-000000000001', '10c00000-0000-4000-8000-000000000001',
  bench.service(), provider_id, patient_id, starts_at, starts_at + interval '30 minutes', 0, 0,
  null, 'patient', least(starts_at - interval '10 days', now())
from bench.visits_to_add;

insert into bench.plain_visits (id, clinic_id, location_id, service_id, provider_id, patient_id,
  starts_at, ends_at)
select id, 'c1000000-0000-4000-8000-000000000001', '10c00000-0000-4000-8000-000000000001',
  bench.service(), provider_id, patient_id, starts_at, starts_at + interval '30 minutes'
from bench.visits_to_add;
