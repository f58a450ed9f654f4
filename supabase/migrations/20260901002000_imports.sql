-- Imports: takes over clinics, providers, patients and past visits of another system, row by row.
-- Promises: a row is imported, already there, or rejected with a reason; a bad row never harms the
--           others; the ledger, not the importer, refuses overlaps.
-- Access: the service key alone. Ids in the rows are the other system's.

-- A rejection's reason: our own keys as they are, PostgreSQL's conditions in our words. Never the
-- message itself, which quotes what was in the row.
create function private.rejection_reason(state text, message text) returns text
language sql
immutable
set search_path = ''
as $$
  select case
    when state like 'PT%' then message
    when state = '23502' then 'missing_value'
    when state = '23503' then 'unknown_reference'
    when state = '23505' then 'already_used'
    when state = '23514' then 'invalid_input'
    when state in ('22007', '22008') then 'invalid_time'
    when state like '22%' then 'invalid_input'
    else 'database_error_' || lower(state)
  end;
$$;

-- Raises invalid_input or limit_reached.
create function private.check_import(rows jsonb) returns void
language plpgsql
set search_path = ''
as $$
begin
  if rows is null or jsonb_typeof(rows) <> 'array' then
    perform private.raise_error('invalid_input', 'Give an array of rows.');
  end if;
  if jsonb_array_length(rows) > 1000 then
    perform private.raise_error('limit_reached', 'Give at most 1000 rows at once.');
  end if;
end;
$$;

-- The clinic a row goes into: `into_clinic` is our own id and comes first; `clinic_id` is the id in
-- the other system. Raises unknown_reference's SQLSTATE.
create function private.imported_clinic(entry jsonb) returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  known uuid;
begin
  select clinics.id into known from public.clinics
  where case
    when entry ? 'into_clinic' then clinics.id = (entry ->> 'into_clinic')::uuid
    else clinics.external_id = entry ->> 'clinic_id'
  end;
  if known is null then
    raise foreign_key_violation;
  end if;
  return known;
end;
$$;

-- One clinic with its first location; false: it is there already.
create function private.import_clinic(entry jsonb) returns boolean
language plpgsql
set search_path = ''
as $$
declare
  clinic public.clinics;
begin
  if exists (select from public.clinics where clinics.external_id = entry ->> 'id') then
    return false;
  end if;
  if coalesce(entry ->> 'id', '') = ''
    or num_nulls(entry ->> 'name', entry ->> 'time_zone') > 0 then
    raise not_null_violation;
  end if;
  insert into public.clinics (slug, name, time_zone, external_id)
  values (
    coalesce(nullif(trim(both '-' from left(
      regexp_replace(lower(entry ->> 'name'), '[^a-z0-9]+', '-', 'g'), 50)), ''), 'clinic')
      || '-' || left(md5(entry ->> 'id'), 8),
    entry ->> 'name', entry ->> 'time_zone', entry ->> 'id'
  )
  -- Its slug is made of its id: most likely another import has just brought the same clinic.
  on conflict on constraint clinics_slug_is_unique do nothing
  returning * into clinic;
  if clinic.id is null then
    if exists (select from public.clinics where clinics.external_id = entry ->> 'id') then
      return false;
    end if;
    raise unique_violation;
  end if;
  insert into public.locations (clinic_id, name, address, time_zone)
  values (clinic.id, clinic.name, entry ->> 'address', clinic.time_zone);
  return true;
end;
$$;

create function private.import_provider(entry jsonb) returns boolean
language plpgsql
set search_path = ''
as $$
declare
  clinic uuid := private.imported_clinic(entry);
begin
  if coalesce(entry ->> 'id', '') = '' or entry ->> 'full_name' is null then
    raise not_null_violation;
  end if;
  insert into public.providers (clinic_id, full_name, speciality, external_id)
  values (clinic, entry ->> 'full_name', entry ->> 'speciality', entry ->> 'id')
  on conflict on constraint providers_external_id_is_unique do nothing;
  return found;
end;
$$;

-- One record in each known clinic that has seen the person; true if any of them is new. A clinic that
-- is unknown costs the visits there, not the person.
create function private.import_patient(entry jsonb) returns boolean
language plpgsql
set search_path = ''
as $$
declare
  clinic uuid;
  is_known boolean := false;
  is_new boolean := false;
begin
  if coalesce(entry ->> 'id', '') = '' then
    raise not_null_violation;
  end if;
  if not entry ? 'into_clinic' and coalesce(jsonb_array_length(entry -> 'clinic_ids'), 0) = 0 then
    perform private.raise_error('not_found', 'No clinic has seen this patient.');
  end if;
  for clinic in
    select clinics.id from jsonb_array_elements_text(entry -> 'clinic_ids') as seen (external_id)
    join public.clinics using (external_id)
    where not entry ? 'into_clinic'
    union all
    select private.imported_clinic(entry) where entry ? 'into_clinic'
  loop
    is_known := true;
    insert into public.patients (clinic_id, full_name, date_of_birth, email, phone, external_id)
    values (
      clinic, entry ->> 'full_name', (entry ->> 'date_of_birth')::date, entry ->> 'email',
      entry ->> 'phone', entry ->> 'id'
    )
    on conflict on constraint patients_external_id_is_unique do nothing;
    is_new := is_new or found;
  end loop;
  if not is_known then
    raise foreign_key_violation;
  end if;
  return is_new;
end;
$$;

-- The clinic's service of that name, made inactive if missing: it is history, nobody books it.
create function private.imported_service(clinic_id uuid, name text) returns uuid
language plpgsql
set search_path = ''
as $$
declare
  service uuid;
begin
  insert into public.services (clinic_id, name, active)
  values (imported_service.clinic_id, imported_service.name, false)
  on conflict on constraint services_name_is_unique do nothing;
  select services.id into strict service from public.services
  where services.clinic_id = imported_service.clinic_id and services.name = imported_service.name;
  return service;
end;
$$;

create function private.import_appointment(entry jsonb) returns boolean
language plpgsql
set search_path = ''
as $$
declare
  clinic uuid := private.imported_clinic(entry);
  visit public.appointments;
begin
  if coalesce(entry ->> 'id', '') = '' or entry ->> 'ends_at' is null then
    raise not_null_violation;
  end if;
  if exists (
    select from public.appointments
    where appointments.clinic_id = clinic and appointments.external_id = entry ->> 'id'
  ) then
    return false;
  end if;
  visit.starts_at := (entry ->> 'starts_at')::timestamptz;
  visit.ends_at := (entry ->> 'ends_at')::timestamptz;
  -- Stays of months happen; what is longer or older than this is a slip of the pen.
  if visit.ends_at - visit.starts_at > interval '366 days'
    or visit.starts_at < timestamptz '1900-01-01 00:00+00' then
    perform private.raise_error('invalid_time', 'The visit is too long, or too long ago.');
  end if;
  select providers.id into visit.provider_id from public.providers
  where providers.clinic_id = clinic and providers.external_id = entry ->> 'provider_id';
  select patients.id into visit.patient_id from public.patients
  where patients.clinic_id = clinic and patients.external_id = entry ->> 'patient_id';
  select locations.id into visit.location_id from public.locations
  where locations.clinic_id = clinic order by locations.created_at, locations.id limit 1;
  if visit.provider_id is null or visit.patient_id is null then
    raise foreign_key_violation;
  end if;
  insert into public.appointments (
    clinic_id, location_id, service_id, provider_id, patient_id, starts_at, ends_at,
    buffer_before_minutes, buffer_after_minutes, status, booked_via, external_id
  ) values (
    clinic, visit.location_id,
    private.imported_service(clinic, coalesce(entry ->> 'service_name', 'Imported visit')),
    visit.provider_id, visit.patient_id, visit.starts_at, visit.ends_at,
    0, 0, 'fulfilled', 'import', entry ->> 'id'
  );
  return true;
end;
$$;

-- Locks every schedule the rows touch before the first is written: rows then follow one another
-- without ever waiting while they hold reservations.
create function private.lock_imported_schedules(rows jsonb) returns void
language sql
set search_path = ''
as $$
  select private.lock_schedules(private.whole_schedules(array_agg(party.id)), 'move')
  from (
    select providers.id from jsonb_array_elements(rows) as entry
    join public.clinics on clinics.external_id = entry ->> 'clinic_id'
      or clinics.id = (entry ->> 'into_clinic')::uuid
    join public.providers
      on providers.clinic_id = clinics.id and providers.external_id = entry ->> 'provider_id'
    union
    select patients.id from jsonb_array_elements(rows) as entry
    join public.clinics on clinics.external_id = entry ->> 'clinic_id'
      or clinics.id = (entry ->> 'into_clinic')::uuid
    join public.patients
      on patients.clinic_id = clinics.id and patients.external_id = entry ->> 'patient_id'
  ) as party
  having count(*) > 0;
$$;

-- Runs one row in a savepoint of its own and says what became of it.
create function private.import_row(kind text, entry jsonb)
returns table (row_number int, outcome text, reason text)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_variable
declare
  is_new boolean;
  violated text;
begin
  row_number := (entry ->> 'row_number')::int;
  begin
    is_new := case kind
      when 'clinic' then private.import_clinic(entry)
      when 'provider' then private.import_provider(entry)
      when 'patient' then private.import_patient(entry)
      when 'appointment' then private.import_appointment(entry)
      -- Rows of a spreadsheet, which have no ids; always into one clinic.
      when 'listed_patient'
        then private.import_listed_patient((entry ->> 'into_clinic')::uuid, entry)
      when 'listed_provider'
        then private.import_listed_provider((entry ->> 'into_clinic')::uuid, entry)
    end;
    outcome := case when is_new then 'imported' else 'already_there' end;
  exception
    when others then
      get stacked diagnostics violated = constraint_name;
      -- Deadlocks, full disks and shutdowns say nothing about the row: the whole batch fails.
      if left(sqlstate, 2) in ('40', '53', '54', '57', '58', 'XX') then
        raise;
      end if;
      -- Another import has just brought the same row.
      if violated like '%\_external\_id\_is\_unique' then
        outcome := 'already_there';
      else
        outcome := 'rejected';
        reason := private.rejection_reason(sqlstate, sqlerrm);
      end if;
  end;
  return next;
end;
$$;

-- Definer: writes for every clinic; the service key is the clinic owners' own.
create function worker.import_clinics(rows jsonb)
returns table (row_number int, outcome text, reason text)
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.check_import(rows);
  return query
  select done.* from jsonb_array_elements(rows) with ordinality as entry (value, place)
  cross join lateral private.import_row('clinic', entry.value) as done;
end;
$$;

-- Definer: as import_clinics.
create function worker.import_providers(rows jsonb)
returns table (row_number int, outcome text, reason text)
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.check_import(rows);
  return query
  select done.* from jsonb_array_elements(rows) as entry
  cross join lateral private.import_row('provider', entry) as done;
end;
$$;

-- Definer: as import_clinics.
create function worker.import_patients(rows jsonb)
returns table (row_number int, outcome text, reason text)
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.check_import(rows);
  return query
  select done.* from jsonb_array_elements(rows) as entry
  cross join lateral private.import_row('patient', entry) as done;
end;
$$;

-- Definer: as import_clinics.
create function worker.import_appointments(rows jsonb)
returns table (row_number int, outcome text, reason text)
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.check_import(rows);
  perform private.lock_imported_schedules(rows);
  return query
  select done.* from jsonb_array_elements(rows) as entry
  cross join lateral private.import_row('appointment', entry) as done;
end;
$$;

comment on function worker.import_clinics(jsonb) is
  'Rows: {row_number, id, name, address, time_zone}. Each becomes a clinic with one location.';
comment on function worker.import_providers(jsonb) is
  'Rows: {row_number, id, clinic_id, full_name, speciality}.';
comment on function worker.import_patients(jsonb) is
  'Rows: {row_number, id, clinic_ids, full_name, date_of_birth, email, phone}; one record a clinic.';
comment on function worker.import_appointments(jsonb) is
  'Rows: {row_number, id, clinic_id, provider_id, patient_id, service_name, starts_at, ends_at}. '
  'Past visits, fulfilled; hours are not asked for, nobody is told, overlaps are refused.';

grant execute on function
  worker.import_clinics(jsonb),
  worker.import_providers(jsonb),
  worker.import_patients(jsonb),
  worker.import_appointments(jsonb)
to service_role;
