-- Patients: one record per person and clinic; a user may own the record.
-- Access: patients and guardians read and correct their own; all members read names and keep their
--         clinic's; contacts are read through functions that leave a trace.

create table public.patients (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  user_id uuid references auth.users (id) on delete set null,
  full_name text not null constraint patients_full_name_is_not_blank check (btrim(full_name) <> '')
    constraint patients_full_name_is_short check (length(full_name) <= 200),
  email text constraint patients_email_is_plausible check (email ~ '^[^@\s]+@[^@\s]+$')
    constraint patients_email_is_short check (length(email) <= 320),
  phone text constraint patients_phone_is_short check (length(phone) <= 50),
  date_of_birth date
    constraint patients_date_of_birth_is_plausible
      check (date_of_birth >= date '1850-01-01' and isfinite(date_of_birth)),
  locale text not null
    constraint patients_locale_is_a_language_tag
      check (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]+)*$' and length(locale) <= 35),
  external_id text constraint patients_external_id_is_short check (length(external_id) <= 200),
  merged_into uuid,
  erased_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint patients_in_clinic unique (clinic_id, id),
  constraint patients_once_per_user unique (clinic_id, user_id),
  constraint patients_external_id_is_unique unique (clinic_id, external_id),
  constraint patients_merged_into_another check (merged_into <> id),
  constraint patients_merged_into_patient_of_clinic
    foreign key (clinic_id, merged_into) references public.patients (clinic_id, id)
);

create index patients_by_user on public.patients (user_id);
create index patients_by_email on public.patients (lower(email)) where email is not null;
create index patients_by_name on public.patients (clinic_id, full_name);
create index patients_by_merge on public.patients (clinic_id, merged_into)
  where merged_into is not null;

comment on table public.patients is
  'People a clinic sees. Names and contacts stay here: no event, message or error carries them.';
comment on column public.patients.user_id is 'The user who owns this record; null: has no log-in.';
comment on column public.patients.email is 'Where mail about appointments goes; null: none is sent.';
comment on column public.patients.locale is
  'Language of messages, e.g. en or de-AT. Not given with a new record: the clinic''s.';
comment on column public.patients.external_id is
  'The person''s id in the system the record was imported from.';

comment on column public.patients.merged_into is
  'The record that took over the visits of this duplicate; null: this one is in use.';
comment on column public.patients.erased_at is 'Since when nothing here tells who this was.';

-- Patients may not point the clinic's mail at an address that is not theirs; guardians need not, they
-- are written to as long as they are guardians.
-- Definer: reads memberships for whoever makes the change.
create function private.refuse_foreign_address() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if (new.email is distinct from lower(auth.email()) or new.user_id is distinct from auth.uid())
    and not private.is_staff_of(new.clinic_id) then
    perform private.raise_error('not_allowed', 'Change the address of your log-in instead.');
  end if;
  return new;
end;
$$;

create function private.take_language_of_clinic() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  select clinics.locale into new.locale from public.clinics where clinics.id = new.clinic_id;
  return new;
end;
$$;

create trigger _010_take_language_of_clinic before insert on public.patients
  for each row when (new.locale is null) execute function private.take_language_of_clinic();
create trigger _100_set_updated_at before update on public.patients
  for each row execute function private.set_updated_at();
create trigger _200_refuse_foreign_address before update on public.patients
  for each row when (new.email is not null and new.email is distinct from old.email)
  execute function private.refuse_foreign_address();

alter table public.patients enable row level security;

create policy "patients read their own record, members their clinic's" on public.patients
  for select to authenticated using (
    id = any (array(select private.my_patients()))
    or clinic_id = any (array(select private.my_clinics()))
  );
create policy "members add patients" on public.patients
  for insert to authenticated
  with check (clinic_id = any (array(select private.my_clinics())));
create policy "patients correct their own record, members their clinic's" on public.patients
  for update to authenticated
  using (
    id = any (array(select private.my_patients()))
    or clinic_id = any (array(select private.my_clinics()))
  )
  with check (
    id = any (array(select private.my_patients()))
    or clinic_id = any (array(select private.my_clinics()))
  );

-- Contacts, dates of birth and foreign ids are read through open_patient and my_records alone, so
-- that every look of the staff at them is on record.
grant select (id, clinic_id, user_id, full_name, locale, merged_into, erased_at, created_at, updated_at)
  on public.patients to authenticated;
grant insert (clinic_id, full_name, email, phone, date_of_birth, locale) on public.patients
  to authenticated;
grant update (full_name, email, phone, date_of_birth, locale) on public.patients to authenticated;
grant select, insert, update, delete on public.patients to service_role;

-- The caller's own record in the clinic, made if missing; an existing one is returned unchanged.
-- Definer: patients have no insert privilege, and the record is tied to the caller here.
create function public.register_patient(
  clinic_id uuid,
  full_name text,
  date_of_birth date default null,
  phone text default null
) returns public.patients
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller uuid := private.require_user();
  mine public.patients;
begin
  if not private.may_see_clinic(register_patient.clinic_id) then
    perform private.raise_error('not_found');
  end if;
  select * into mine from public.patients
  where patients.clinic_id = register_patient.clinic_id and patients.user_id = caller;
  if mine.id is not null then
    return mine;
  end if;
  if coalesce(btrim(register_patient.full_name), '') = ''
    or length(register_patient.full_name) > 200 or length(register_patient.phone) > 50
    or register_patient.date_of_birth not between date '1850-01-01' and current_date + 1 then
    perform private.raise_error('invalid_input', 'Give a full name and a possible date of birth.');
  end if;

  insert into public.patients (clinic_id, user_id, full_name, email, phone, date_of_birth)
  values (
    register_patient.clinic_id, caller, btrim(register_patient.full_name),
    nullif(lower(auth.email()), ''), register_patient.phone, register_patient.date_of_birth
  )
  on conflict on constraint patients_once_per_user do nothing;
  select * into strict mine from public.patients
  where patients.clinic_id = register_patient.clinic_id and patients.user_id = caller;
  return mine;
end;
$$;

comment on function public.register_patient(uuid, text, date, text) is
  'The caller''s own patient record in that clinic, made if missing.';

grant execute on function public.register_patient(uuid, text, date, text) to authenticated;
