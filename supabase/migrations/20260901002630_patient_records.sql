-- Patient records: the way to contacts and reasons, which leaves a trace in the access log.
-- Access: patients and guardians their own; the office (owner, manager, front desk) its clinic's
--         contacts; providers contacts and reasons of patients who have a visit with them. Why:
--         docs/decisions/0020-who-reads-what.md.

-- Whether the patient is one of private.my_care: the same question about one, which needs no list.
create function private.treats(patient_id uuid) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from public.appointments
    join public.providers on providers.id = appointments.provider_id
    where appointments.patient_id = treats.patient_id and providers.user_id = auth.uid()
      and providers.clinic_id in (select private.my_clinics_as('provider', 'owner'))
      and appointments.status in ('pending', 'booked', 'arrived', 'fulfilled')
      and appointments.starts_at > now() - interval '3 years'
  );
end;
$$;

-- Whether the caller may read contacts and date of birth.
create function private.may_open(patient public.patients) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return private.is_trusted()
    or patient.id in (select private.my_patients())
    or patient.clinic_id in (select private.my_clinics_as('owner', 'manager', 'front_desk'))
    or private.treats(patient.id);
end;
$$;

-- Definer: contacts have no grant, so that nobody reads them without a trace.
create function public.open_patient(patient_id uuid) returns public.patients
language plpgsql
security definer
set search_path = ''
as $$
declare
  patient public.patients;
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  select * into patient from public.patients where patients.id = open_patient.patient_id;
  if patient.id is null or private.acting_as(patient.clinic_id, patient.id) is null then
    perform private.raise_error('not_found');
  end if;
  if not private.may_open(patient) then
    perform private.raise_error('not_allowed', 'Providers open the records of their own patients.');
  end if;
  -- People who look at themselves need no watching.
  if patient.user_id is distinct from auth.uid() then
    perform private.log_access(
      'opened', patient.clinic_id, patient.id, 'patients', patient.id::text);
  end if;
  return patient;
end;
$$;

-- Definer: as open_patient; returns what is the caller's own alone.
create function public.my_records() returns setof public.patients
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return query
  select patients.* from public.patients
  where patients.id in (select private.my_patients())
  order by patients.user_id is distinct from auth.uid(), patients.created_at, patients.id;
end;
$$;

create type public.visit_reason as (
  kind public.reason_kind,
  reason text,
  written_by uuid,
  created_at timestamptz
);

-- Definer: as open_patient, for the text of reasons.
create function public.read_reasons(appointment_id uuid) returns setof public.visit_reason
language plpgsql
security definer
set search_path = ''
as $$
declare
  visit public.appointments;
begin
  perform private.require_user();
  select * into visit from public.appointments
  where appointments.id = read_reasons.appointment_id;
  if visit.id is null or private.acting_as(visit.clinic_id, visit.patient_id) is null then
    perform private.raise_error('not_found');
  end if;
  if not visit.patient_id in (select private.my_patients()) then
    if not private.treats(visit.patient_id) then
      perform private.raise_error('not_allowed', 'Reasons are for those who treat the patient.');
    end if;
    perform private.log_access(
      'opened', visit.clinic_id, visit.patient_id, 'appointment_reasons', visit.id::text);
  end if;
  return query
  select written.kind, written.reason, written.written_by, written.created_at
  from public.appointment_reasons as written
  where written.clinic_id = visit.clinic_id and written.appointment_id = visit.id
  order by written.id;
end;
$$;

comment on function public.open_patient(uuid) is
  'The whole record, contacts included. Unless it is the caller''s own, this is logged.';
comment on function public.my_records() is
  'The caller''s own records and those of whom they guard, contacts included; their own first.';
comment on function public.read_reasons(uuid) is
  'Why the patient comes, or why it was called off, for the patient and those who treat them. Reads '
  'of staff are logged.';

grant execute on function
  public.my_records(), public.read_reasons(uuid)
to authenticated;
grant execute on function public.open_patient(uuid) to authenticated, service_role;
