-- Callers: who is asking, and what that person belongs to. Row security policies use these inside
-- `= any (array(select …))`, which PostgreSQL evaluates once per statement, not once per row.
-- plpgsql, because the tables they read are made by later files.

create type public.member_role as enum (
  'owner',       -- everything, including who else is an owner
  'manager',     -- the clinic's set-up and its staff
  'front_desk',  -- appointments and patients
  'provider'     -- sees patients
);

-- Whether this is the service key, or plain SQL as in the dashboard's editors: callers who act for
-- the clinic itself and have no user. Over HTTP there is always a role claim.
create function private.is_trusted() returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return case
    when auth.role() is null then session_user <> 'authenticator'
    else auth.role() = 'service_role'
  end;
end;
$$;

-- The signed-in user's id. Raises not_signed_in.
create function private.require_user() returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
  if auth.uid() is null then
    perform private.raise_error('not_signed_in');
  end if;
  return auth.uid();
end;
$$;

-- Whether the caller proved a second factor when signing in.
create function private.has_second_factor() returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(auth.jwt() ->> 'aal' = 'aal2', false);
end;
$$;

-- Clinics in which the caller is an active member; where the clinic wants a second factor of its
-- staff, only with one.
-- Definer: policies on members itself use it, and would otherwise call themselves.
create function private.my_clinics() returns setof uuid
language plpgsql
stable
security definer
rows 2
set search_path = ''
as $$
declare
  me uuid := auth.uid();  -- reads the claims; in the query it would do so for each table
begin
  return query
  select members.clinic_id
  from public.members join public.clinics on clinics.id = members.clinic_id
  where members.user_id = me and members.active
    and (not clinics.staff_needs_second_factor or private.has_second_factor());
end;
$$;

-- Clinics in which the caller is an active member with one of these roles.
-- Definer: as my_clinics.
create function private.my_clinics_as(variadic roles public.member_role[]) returns setof uuid
language plpgsql
stable
security definer
rows 2
set search_path = ''
as $$
begin
  return query
  select members.clinic_id
  from public.members join public.clinics on clinics.id = members.clinic_id
  where members.user_id = auth.uid() and members.active and members.role = any (roles)
    and (not clinics.staff_needs_second_factor or private.has_second_factor());
end;
$$;

-- The patient records the caller acts for: their own, one per clinic at most, and those of people
-- whose guardian they are now.
-- Definer: policies on other tables use it for people who may not read all of patients.
create function private.my_patients() returns setof uuid
language plpgsql
stable
security definer
rows 2
set search_path = ''
as $$
declare
  me uuid := auth.uid();  -- as in my_clinics
begin
  return query
  select patients.id from public.patients where patients.user_id = me
  union all
  select guardians.patient_id from public.guardians
  where guardians.user_id = me
    and guardians.starts_at <= now() and (guardians.ends_at is null or guardians.ends_at > now());
end;
$$;

-- Patients whom the caller treats: who have a visit to come with the provider that the caller is, or
-- had one in the last three years. What was called off or missed is no visit, nor is a hold yet. An
-- owner may be a provider, too.
-- Definer: as my_patients.
create function private.my_care() returns setof uuid
language plpgsql
stable
security definer
rows 1000
set search_path = ''
as $$
begin
  return query
  select distinct appointments.patient_id
  from public.providers
  join public.appointments on appointments.provider_id = providers.id
  where providers.user_id = auth.uid()
    and providers.clinic_id in (select private.my_clinics_as('provider', 'owner'))
    and appointments.status in ('pending', 'booked', 'arrived', 'fulfilled')
    and appointments.starts_at > now() - interval '3 years';
end;
$$;

-- Clinics in which the caller has a patient record, or is somebody's guardian now.
-- Definer: as my_patients.
create function private.my_clinics_as_patient() returns setof uuid
language plpgsql
stable
security definer
rows 2
set search_path = ''
as $$
begin
  return query
  select patients.clinic_id from public.patients where patients.user_id = auth.uid()
  union all
  select guardians.clinic_id from public.guardians
  where guardians.user_id = auth.uid()
    and guardians.starts_at <= now() and (guardians.ends_at is null or guardians.ends_at > now());
end;
$$;

-- Whether the caller may see the clinic and its free times.
-- Definer: visitors may not read members or patients.
create function private.may_see_clinic(clinic_id uuid) returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  is_public boolean;
begin
  select clinics.books_publicly into is_public
  from public.clinics where clinics.id = may_see_clinic.clinic_id;
  -- Look-ups stand alone, so that they are made only when they matter.
  if is_public is null then
    return false;
  elsif is_public or private.is_trusted() then
    return true;
  end if;
  return may_see_clinic.clinic_id in (
    select private.my_clinics() union all select private.my_clinics_as_patient());
end;
$$;

-- Whether the caller works in the clinic or acts for it.
create function private.is_staff_of(clinic_id uuid) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  if private.is_trusted() then
    return true;
  end if;
  return private.is_member_of(is_staff_of.clinic_id);
end;
$$;

-- Whether the caller is an active member of the clinic: my_clinics, asked about one.
create function private.is_member_of(clinic_id uuid) returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
  caller_id uuid := auth.uid();
begin
  return exists (
    select from public.members join public.clinics on clinics.id = members.clinic_id
    where members.clinic_id = is_member_of.clinic_id
      and members.user_id = caller_id and members.active
      and (not clinics.staff_needs_second_factor or private.has_second_factor())
  );
end;
$$;

grant execute on function
  private.my_clinics(),
  private.my_clinics_as(public.member_role[]),
  private.my_patients(),
  private.my_care(),
  private.my_clinics_as_patient()
to authenticated;

-- Keeps `updated_at` true, whatever was written.
create function private.set_updated_at() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.updated_at := now();
  return new;
end;
$$;
