-- Loads visits that exist already: the first 10,000 are 200 each of 50 providers in the coming 31
-- days, the next 90,000 as many of the other 450, and all beyond lie in the past. So what is looked
-- at stays the same while the tables grow. Triggers rest; the ledger is filled beside.
-- :first, :last number the visits to add.

set session_replication_role = replica;

create temporary table visits as
select
  gen_random_uuid() as id,
  bench.provider(case
    when number < 10000 then number % 50
    when number < 100000 then 50 + number % 450
    else number % 500
  end) as provider_id,
  bench.patient(number % 10000) as patient_id,
  (case
    when number < 10000 then current_date + 1 + (number / 50 / 7)::int + time '08:00'
      + (number / 50 % 7)::int * interval '75 minutes'
    when number < 100000 then current_date + 1 + ((number - 10000) / 450 / 7)::int
      + time '08:40'
      + ((number - 10000) / 450 % 7)::int * interval '75 minutes'
    else current_date - 1 - ((number - 100000) / 500 / 18)::int + time '08:00'
      + ((number - 100000) / 500 % 18)::int * interval '30 minutes'
  end) at time zone 'Europe/Vienna' as starts_at
from generate_series(%(first)s::bigint, %(last)s::bigint) as number;

insert into public.appointments (id, clinic_id, location_id, service_id, provider_id, patient_id,
  starts_at, ends_at, buffer_before_minutes, buffer_after_minutes, booked_by, booked_via, created_at)
select id, 'c1000000-0000-4000-8000-000000000001', '10c00000-0000-4000-8000-000000000001',
  bench.service(), provider_id, patient_id, starts_at, starts_at + interval '30 minutes', 0, 0,
  null, 'patient', least(starts_at - interval '10 days', now())
from visits;

insert into private.reservations (resource_id, during, appointment_id)
select resource_id, tstzrange(starts_at, starts_at + interval '30 minutes'), id
from visits cross join lateral (values (provider_id), (patient_id)) as kept (resource_id)
order by resource_id, starts_at;

insert into bench.plain_visits (id, clinic_id, location_id, service_id, provider_id, patient_id,
  starts_at, ends_at)
select id, clinic_id, location_id, service_id, appointments.provider_id, appointments.patient_id,
  appointments.starts_at, ends_at
from public.appointments join visits using (id);

set session_replication_role = origin;
drop table visits;
