-- The scene of the measurements: one large clinic of 500 providers and 10,000 patients, whose ids
-- and times follow from numbers, so that a client can name any of them without a look-up.

create schema bench;

-- Ids are spread as random ones would be. The cast keeps these functions immutable in PostgreSQL's eyes,
-- so that they are part of the calling statement and cost neither side of a ratio anything.
create function bench.provider(number bigint) returns uuid
language sql immutable parallel safe
return md5('provider' || number::text)::uuid;

create function bench.patient(number bigint) returns uuid
language sql immutable parallel safe
return md5('patient' || number::text)::uuid;

create function bench.person(number bigint) returns uuid
language sql immutable parallel safe
return md5('person' || number::text)::uuid;

create function bench.service() returns uuid
language sql immutable parallel safe
return '5e000000-0000-4000-8000-000000000001'::uuid;

-- A service that the first 50 providers offer.
create function bench.fifty_service() returns uuid
language sql immutable parallel safe
return '5e000000-0000-4000-8000-000000000002'::uuid;

-- Slot `number` of the scene: 500 providers side by side, 18 half hours a day from 08:00, day after
-- day from 40 days ahead; before that lies what is booked already. The hundred from 8,100,000 are the
-- hot ones: 4 providers with 25 starts each, every quarter of an hour, so that neighbours overlap.
create function bench.slot_start(number bigint) returns timestamptz
language sql stable parallel safe
return case
  when number between 8100000 and 8100099 then (
    current_date + 940 + time '08:00' + ((number - 8100000) / 4)::int * interval '15 minutes'
  ) at time zone 'Europe/Vienna'
  else (
    current_date + 40 + (number / 9000)::int + time '08:00'
    + (number / 500 % 18)::int * interval '30 minutes'
  ) at time zone 'Europe/Vienna'
end;

create function bench.slot_provider(number bigint) returns uuid
language sql immutable parallel safe
return bench.provider(case
  when number between 8100000 and 8100099 then number % 4 else number % 500 end);

insert into auth.users (id, aud, role, email, email_confirmed_at)
select bench.person(number), 'authenticated', 'authenticated', number || '@people.example', now()
from generate_series(0, 10000) as number;

insert into public.clinics (id, slug, name, time_zone, books_publicly)
values ('c1000000-0000-4000-8000-000000000001', 'bench', 'Bench', 'Europe/Vienna', true);

insert into public.locations (id, clinic_id, name, time_zone)
values ('10c00000-0000-4000-8000-000000000001', 'c1000000-0000-4000-8000-000000000001', 'Here',
  'Europe/Vienna');

insert into public.members (clinic_id, user_id, role)
values ('c1000000-0000-4000-8000-000000000001', bench.person(0), 'front_desk');

insert into public.services (id, clinic_id, name, duration_minutes, slot_interval_minutes,
  horizon_days)
values
  (bench.service(), 'c1000000-0000-4000-8000-000000000001', 'Visit', 30, 15, 1095),
  (bench.fifty_service(), 'c1000000-0000-4000-8000-000000000001', 'Visit of fifty', 30, 30, 1095);

insert into public.providers (id, clinic_id, full_name)
select bench.provider(number), 'c1000000-0000-4000-8000-000000000001', 'Dr. Number ' || number
from generate_series(0, 499) as number;

insert into public.provider_services (clinic_id, provider_id, service_id)
select 'c1000000-0000-4000-8000-000000000001', bench.provider(number), bench.service()
from generate_series(0, 499) as number;

insert into public.provider_services (clinic_id, provider_id, service_id)
select 'c1000000-0000-4000-8000-000000000001', bench.provider(number), bench.fifty_service()
from generate_series(0, 49) as number;

insert into public.weekly_hours (clinic_id, provider_id, location_id, weekday, opens, closes)
select 'c1000000-0000-4000-8000-000000000001', bench.provider(number),
  '10c00000-0000-4000-8000-000000000001', weekday, opens, opens + interval '4 hours 30 minutes'
from generate_series(0, 499) as number, generate_series(1, 7) as weekday,
  unnest('{08:00,12:30}'::time[]) as opens;

insert into public.patients (id, clinic_id, user_id, full_name, email)
select bench.patient(number), 'c1000000-0000-4000-8000-000000000001', bench.person(number),
  'Pat Number ' || number, number || '@people.example'
from generate_series(0, 9999) as number;

-- What the database stores anyway for one visit, without any rule: the floor of a booking.
create table bench.plain_visits (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null,
  location_id uuid not null,
  service_id uuid not null,
  provider_id uuid not null,
  patient_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  status public.appointment_status not null default 'booked',
  created_at timestamptz not null default now()
);

-- The same with the two constraints a careful first design has, and nothing else.
create table bench.constrained_visits (
  like bench.plain_visits including defaults,
  primary key (id),
  exclude using gist (
    provider_id extensions.gist_uuid_ops with =, tstzrange(starts_at, ends_at) with &&
  ) where (status = 'booked'),
  exclude using gist (
    patient_id extensions.gist_uuid_ops with =, tstzrange(starts_at, ends_at) with &&
  ) where (status = 'booked')
);

-- Speaks as that patient, as PostgREST would, until the transaction ends.
create function bench.sign_in(patient bigint) returns void
language plpgsql
as $$
begin
  perform set_config('request.jwt.claims', '{"role": "authenticated", "sub": "'
    || bench.person(patient) || '"}', true);
end;
$$;

-- A patient books a slot that nobody has asked for.
create function bench.book(slot bigint) returns uuid
language plpgsql
as $$
declare
  booked public.appointments;
begin
  perform bench.sign_in(slot % 10000);
  booked := public.book_appointment(bench.service(), bench.slot_start(slot),
    bench.slot_provider(slot));
  return booked.id;
end;
$$;

-- A patient tries a slot; gives the visit, or null if a rule of the clinic refused. Everything else
-- reaches the caller.
create function bench.try_to_book(slot bigint, patient bigint) returns uuid
language plpgsql
as $$
begin
  perform bench.sign_in(patient);
  return (public.book_appointment(bench.service(), bench.slot_start(slot),
    bench.slot_provider(slot))).id;
exception when sqlstate 'PT409' then
  return null;
end;
$$;

create function bench.cancel(visit uuid, patient bigint) returns void
language plpgsql
as $$
begin
  perform bench.sign_in(patient);
  perform public.cancel_appointment(visit);
end;
$$;

-- The same as most would write it first: insert, and catch the violation.
create function bench.naive_try_to_book(slot bigint, patient bigint) returns uuid
language plpgsql
as $$
declare
  booked uuid;
begin
  insert into bench.constrained_visits (clinic_id, location_id, service_id, provider_id,
    patient_id, starts_at, ends_at)
  values ('c1000000-0000-4000-8000-000000000001', '10c00000-0000-4000-8000-000000000001',
    bench.service(), bench.slot_provider(slot), bench.patient(patient),
    bench.slot_start(slot), bench.slot_start(slot) + interval '30 minutes')
  returning id into booked;
  return booked;
exception when exclusion_violation then
  return null;
end;
$$;

create function bench.naive_cancel(visit uuid) returns void
language sql
begin atomic
  update bench.constrained_visits set status = 'cancelled' where id = visit;
end;

-- Each client of the moves has a visit of its own.
create table bench.movers (
  client bigint primary key,
  appointment_id uuid not null
);

create function bench.move(client bigint, slot bigint) returns boolean
language plpgsql
as $$
begin
  perform bench.sign_in(client);
  begin
    perform public.reschedule_appointment(
      (select appointment_id from bench.movers where movers.client = move.client),
      bench.slot_start(slot), bench.slot_provider(slot));
  exception when sqlstate 'PT409' then
    return false;
  end;
  return true;
end;
$$;

create function bench.naive_move(client bigint, slot bigint) returns boolean
language plpgsql
as $$
begin
  begin
    update bench.constrained_visits set provider_id = bench.slot_provider(slot),
      starts_at = bench.slot_start(slot),
      ends_at = bench.slot_start(slot) + interval '30 minutes'
    where id = bench.patient(client);
  exception when exclusion_violation then
    return false;
  end;
  return true;
end;
$$;

-- What a row of the plain side over HTTP goes into.
create table public.plain_visits (
  like bench.plain_visits including defaults,
  primary key (id)
);

alter table public.plain_visits enable row level security;

create policy "patients add their own" on public.plain_visits
  for insert to authenticated with check (patient_id = any (array(select private.my_patients())));

grant insert on public.plain_visits to authenticated;

-- Owned as the migrations' objects are: the measurements run as they would on a hosted project.
do $$
declare
  made record;
begin
  for made in select oid::regprocedure as name from pg_proc
    where pronamespace = 'bench'::regnamespace
  loop
    execute format('alter function %s owner to postgres', made.name);
  end loop;
end;
$$;

grant usage on schema bench to postgres, anon, authenticated;
grant all on all tables in schema bench to postgres, authenticated;
