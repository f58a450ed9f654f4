-- Guardians: users who act for a patient, from a day on and until another.
-- Promises: whoever is a guardian now reaches what the patient reaches (private.my_patients), and
--           loses all of it the moment it ends; no guardian grants anybody, themselves least of all,
--           more time than they have, and an invitation is worth what whoever sent it still may.
-- Access: those who act for the patient, and members, read; functions write. A guardian is invited
--         by e-mail and accepts, or makes a child's record and is its guardian from then on.

create table public.guardians (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  patient_id uuid not null,
  user_id uuid not null references auth.users (id) on delete cascade,
  starts_at timestamptz not null default now(),
  ends_at timestamptz,
  created_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint guardians_in_clinic unique (clinic_id, id),
  constraint guardians_during_is_in_order check (starts_at <= ends_at),
  constraint guardians_patient_is_of_clinic
    foreign key (clinic_id, patient_id) references public.patients (clinic_id, id)
    on delete cascade
);

create index guardians_by_user on public.guardians (user_id);
create index guardians_by_patient on public.guardians (patient_id, clinic_id);
create index guardians_by_end on public.guardians (clinic_id, ends_at);
create index guardians_by_creator on public.guardians (created_by);

create table public.guardian_invitations (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  patient_id uuid not null,
  email text not null
    constraint guardian_invitations_email_is_plausible check (email ~ '^[^@\s]+@[^@\s]+$')
    constraint guardian_invitations_email_is_lower_case check (email = lower(email))
    constraint guardian_invitations_email_is_short check (length(email) <= 320),
  ends_at timestamptz,
  status public.invitation_status not null default 'pending',
  -- With their log-in goes their right to invite.
  invited_by uuid references auth.users (id) on delete cascade,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint guardian_invitations_patient_is_of_clinic
    foreign key (clinic_id, patient_id) references public.patients (clinic_id, id)
    on delete cascade
);

create unique index guardian_invitations_one_pending
  on public.guardian_invitations (patient_id, email) where status = 'pending';
create index guardian_invitations_by_patient
  on public.guardian_invitations (clinic_id, patient_id);
create index guardian_invitations_by_email on public.guardian_invitations (email);
create index guardian_invitations_by_inviter on public.guardian_invitations (invited_by);

comment on table public.guardians is
  'Users who act for a patient. Ended ones stay, to tell who could act when; they grant nothing.';
comment on column public.guardians.ends_at is 'From then on a stranger; null: until further notice.';
comment on column public.guardians.created_by is 'Who invited the guardian; null: no user did.';
comment on table public.guardian_invitations is
  'Offers of guardianship to an e-mail address; who signs in with that address may accept.';
comment on column public.guardian_invitations.ends_at is
  'When the guardianship will end at the latest; sooner if whoever invited may act no longer then.';
comment on column public.guardian_invitations.invited_by is 'Null: the clinic''s programs.';

create trigger _100_set_updated_at before update on public.guardians
  for each row execute function private.set_updated_at();
create trigger _100_set_updated_at before update on public.guardian_invitations
  for each row execute function private.set_updated_at();

create trigger _500_close_channels after delete on public.guardians
  for each row when (old.ends_at is null or old.ends_at > now())
  execute function private.close_channels();

alter table public.guardians enable row level security;
alter table public.guardian_invitations enable row level security;

create policy "people read who guards whom around them, members their clinic's"
  on public.guardians
  for select to authenticated using (
    user_id = (select auth.uid())
    or patient_id = any (array(select private.my_patients()))
    or clinic_id = any (array(select private.my_clinics()))
  );
create policy "the patient, the invited and members read invitations"
  on public.guardian_invitations
  for select to authenticated using (
    email = lower((select auth.email()))
    or patient_id = any (array(select private.my_patients()))
    or clinic_id = any (array(select private.my_clinics()))
  );

grant select on public.guardians, public.guardian_invitations to authenticated, service_role;

-- Who may say who acts for the patient: members, the patient, and where the patient has no log-in
-- (a child) a guardian. Raises not_found for all others.
create function private.patient_to_guard(patient_id uuid) returns public.patients
language plpgsql
set search_path = ''
as $$
declare
  patient public.patients;
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  select * into patient from public.patients where patients.id = patient_to_guard.patient_id
  for no key update;
  if patient.id is null or patient.merged_into is not null or patient.erased_at is not null
    or private.acting_as(patient.clinic_id, patient.id) is null then
    perform private.raise_error('not_found');
  end if;
  if patient.user_id <> auth.uid() and not private.is_staff_of(patient.clinic_id) then
    perform private.raise_error('not_allowed', 'Only this person or the clinic can say who acts '
      'for them.');
  end if;
  return patient;
end;
$$;

-- Until when that user can say who acts for the patient: for ever (infinity) as a member or the
-- patient; as a guardian, of a patient without a log-in, until their own end; null: not at all.
create function private.may_grant_until(patient public.patients, user_id uuid) returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
begin
  if patient.user_id = may_grant_until.user_id or exists (
    select from public.members
    where members.clinic_id = patient.clinic_id and members.user_id = may_grant_until.user_id
      and members.active
  ) then
    return 'infinity';
  end if;
  return (
    select max(coalesce(guardians.ends_at, 'infinity')) from public.guardians
    where guardians.patient_id = patient.id and guardians.user_id = may_grant_until.user_id
      and patient.user_id is null
      and guardians.starts_at <= now() and (guardians.ends_at is null or guardians.ends_at > now())
  );
end;
$$;

-- When the guardianship would end if the invitation were accepted now, infinity: not by itself; null:
-- it cannot be accepted any more.
create function private.offered_until(invitation public.guardian_invitations) returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
declare
  patient public.patients;
  granted timestamptz := 'infinity';
begin
  if invitation.invited_by is not null then
    select * into patient from public.patients where patients.id = invitation.patient_id;
    granted := private.may_grant_until(patient, invitation.invited_by);
  end if;
  if invitation.status = 'pending' and granted > now()
    and (invitation.ends_at is null or invitation.ends_at > now()) then
    return least(granted, invitation.ends_at);
  end if;
  return null;
end;
$$;

-- Where mail goes for a patient without an address: to the first guardian there is now. Looked up
-- when it is sent, so that a former guardian gets none.
create function private.guardians_address(patient_id uuid) returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select lower(users.email)
    from public.guardians join auth.users on users.id = guardians.user_id
    where guardians.patient_id = guardians_address.patient_id
      and guardians.starts_at <= now() and (guardians.ends_at is null or guardians.ends_at > now())
      and users.email_confirmed_at is not null
    order by guardians.starts_at, guardians.id
    limit 1
  );
end;
$$;

-- Definer: as tell_new_address.
create function private.tell_new_guardian() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.tell_after_all(new.clinic_id, new.patient_id, new.starts_at);
  return null;
end;
$$;

create trigger _700_tell_new_guardian after insert or update on public.guardians
  for each row when (new.ends_at is null or new.ends_at > now())
  execute function private.tell_new_guardian();

-- Definer: invitations are written here alone, after it is checked who asks.
create function public.invite_guardian(
  patient_id uuid, email text, ends_at timestamptz default null
) returns public.guardian_invitations
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  patient public.patients := private.patient_to_guard(invite_guardian.patient_id);
  address text := lower(btrim(invite_guardian.email));
  latest timestamptz := invite_guardian.ends_at;
  invitation public.guardian_invitations;
begin
  if address is null or address !~ '^[^@\s]+@[^@\s]+$' or length(address) > 320 then
    perform private.raise_error('invalid_input', 'Give the guardian''s e-mail address.');
  end if;
  if not coalesce(invite_guardian.ends_at > now() and isfinite(invite_guardian.ends_at), true) then
    perform private.raise_error('invalid_time', 'Guardianship can only end in the future.');
  end if;
  if not private.is_staff_of(patient.clinic_id) and patient.user_id is distinct from auth.uid() then
    if address = lower(auth.email()) then
      perform private.raise_error('not_allowed', 'Ask the clinic to prolong this.');
    end if;
    latest := least(latest, nullif(private.may_grant_until(patient, auth.uid()), 'infinity'));
  end if;
  if (
    select count(*) from public.guardian_invitations as open
    where open.patient_id = patient.id and open.status = 'pending' and open.email <> address
  ) >= 10 then
    perform private.raise_error('limit_reached', 'Take back an invitation first.');
  end if;
  -- Each one is a mail to whatever address was given, also if it is taken back.
  if (
    select count(*) from public.guardian_invitations as recent
    where recent.patient_id = patient.id and recent.created_at > now() - interval '1 day'
  ) >= 20 then
    perform private.raise_error('limit_reached', 'Please call the clinic, or try again tomorrow.');
  end if;

  insert into public.guardian_invitations (clinic_id, patient_id, email, ends_at, invited_by)
  values (patient.clinic_id, patient.id, address, latest, auth.uid())
  on conflict (patient_id, email) where status = 'pending'
    do update set ends_at = excluded.ends_at, invited_by = excluded.invited_by
  returning * into invitation;
  return invitation;
end;
$$;

-- What language the invited person reads nobody knows: the one in which mail about the patient is
-- written.
create function private.language_of_invitation(invitation_id uuid) returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select coalesce(preference.language, patients.locale)
    from public.guardian_invitations as invitation
    join public.patients on patients.id = invitation.patient_id
    left join public.notification_preferences as preference
      on preference.patient_id = invitation.patient_id
    where invitation.id = language_of_invitation.invitation_id
  );
end;
$$;

-- The mail that tells of an invitation: one for each, known by the same id. Address and language are
-- looked up when it is sent, so what was taken back or erased meanwhile reaches nobody.
-- Definer: whoever invites, the message is queued.
create function private.queue_guardian_invitation() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into public.notifications (id, clinic_id, kind)
  values (new.id, new.clinic_id, 'guardian_invitation')
  on conflict (id) do nothing;
  return null;
end;
$$;

create trigger _700_queue after insert on public.guardian_invitations
  for each row when (new.status = 'pending')
  execute function private.queue_guardian_invitation();

-- Definer: as invite_guardian.
create function public.revoke_guardian_invitation(invitation_id uuid)
returns public.guardian_invitations
language plpgsql
security definer
set search_path = ''
as $$
declare
  invitation public.guardian_invitations;
begin
  select * into invitation from public.guardian_invitations
  where guardian_invitations.id = revoke_guardian_invitation.invitation_id;
  perform private.patient_to_guard(invitation.patient_id);
  update public.guardian_invitations set status = 'revoked'
  where guardian_invitations.id = invitation.id and guardian_invitations.status = 'pending'
  returning * into invitation;
  if not found then
    perform private.raise_error('not_found');
  end if;
  return invitation;
end;
$$;

-- Mail about a patient without an address goes to the guardian: while there is one alone, in the
-- guardian's language, as far as it is known.
create function private.write_as_guardian_reads(guardian public.guardians) returns void
language plpgsql
set search_path = ''
as $$
declare
  language text := private.language_of_user(guardian.user_id);
begin
  update public.patients set locale = language
  where patients.id = guardian.patient_id and patients.email is null and patients.locale <> language
    and not exists (
      select from public.guardians as other
      where other.patient_id = guardian.patient_id and other.user_id <> guardian.user_id
        and (other.ends_at is null or other.ends_at > now())
    );
end;
$$;

-- Makes the signed-in user the guardian they were invited to be.
-- Definer: nobody may insert guardians directly.
create function public.accept_guardianship(invitation_id uuid) returns public.guardians
language plpgsql
security definer
set search_path = ''
as $$
declare
  invitation public.guardian_invitations;
  until timestamptz;
  accepted public.guardians;
begin
  perform private.require_user();
  select * into invitation from public.guardian_invitations
  where guardian_invitations.id = accept_guardianship.invitation_id
    and guardian_invitations.email = (
      select lower(users.email) from auth.users
      where users.id = auth.uid() and users.email_confirmed_at is not null
    )
  for no key update;
  until := private.offered_until(invitation);
  if until is null then
    perform private.raise_error('not_found');
  end if;

  update public.guardian_invitations set status = 'accepted'
  where guardian_invitations.id = invitation.id;
  update public.guardians set ends_at = nullif(until, 'infinity')
  where guardians.patient_id = invitation.patient_id and guardians.user_id = auth.uid()
    and (guardians.ends_at is null or guardians.ends_at > now())
  returning * into accepted;
  if accepted.id is null then
    insert into public.guardians (clinic_id, patient_id, user_id, ends_at, created_by)
    values (invitation.clinic_id, invitation.patient_id, auth.uid(), nullif(until, 'infinity'),
      invitation.invited_by)
    returning * into accepted;
  end if;
  perform private.write_as_guardian_reads(accepted);
  return accepted;
end;
$$;

-- Definer: nobody may update guardians directly; who may end it is checked here.
create function public.end_guardianship(guardian_id uuid, ends_at timestamptz default now())
returns public.guardians
language plpgsql
security definer
set search_path = ''
as $$
declare
  guardian public.guardians;
  patient public.patients;
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  select * into guardian from public.guardians where guardians.id = end_guardianship.guardian_id
  for no key update;
  if guardian.id is null or (
    guardian.user_id is distinct from auth.uid()
    and private.acting_as(guardian.clinic_id, guardian.patient_id) is null
  ) then
    perform private.raise_error('not_found');
  end if;
  if guardian.user_id is distinct from auth.uid() then
    patient := private.patient_to_guard(guardian.patient_id);
  end if;
  if end_guardianship.ends_at is null or not isfinite(end_guardianship.ends_at)
    or end_guardianship.ends_at < now() then
    perform private.raise_error('invalid_time', 'Guardianship can end now or later.');
  end if;
  -- Nobody lives on by ending a guardianship later than it would end, nor returns from one that is
  -- over. The patient may prolong one that is not, as by an invitation.
  if not private.is_staff_of(guardian.clinic_id) and (
    guardian.ends_at <= now()
    or end_guardianship.ends_at > guardian.ends_at and patient.user_id is distinct from auth.uid()
  ) then
    perform private.raise_error('not_allowed', 'Ask the clinic to prolong this.');
  end if;
  update public.guardians set
    starts_at = least(guardians.starts_at, end_guardianship.ends_at),
    ends_at = end_guardianship.ends_at
  where guardians.id = guardian.id
  returning * into guardian;
  return guardian;
end;
$$;

-- A child's record, with the caller as guardian until the child's 18th birthday.
-- Definer: as register_patient.
create function public.register_dependant(
  clinic_id uuid,
  full_name text,
  date_of_birth date,
  phone text default null
) returns public.patients
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller uuid := private.require_user();
  grown_up timestamptz;
  dependant public.patients;
begin
  if not private.may_see_clinic(register_dependant.clinic_id) then
    perform private.raise_error('not_found');
  end if;
  if coalesce(btrim(register_dependant.full_name), '') = ''
    or length(register_dependant.full_name) > 200 or length(register_dependant.phone) > 50
    or not coalesce(register_dependant.date_of_birth
      between date '1850-01-01' and current_date + 1, false) then
    perform private.raise_error('invalid_input', 'Give a full name and a possible date of birth.');
  end if;
  grown_up := private.local_instant(
    (register_dependant.date_of_birth + interval '18 years')::date, time '00:00',
    (select clinics.time_zone from public.clinics where clinics.id = register_dependant.clinic_id));
  if grown_up <= now() then
    perform private.raise_error('invalid_input', 'Only children can be added here. The clinic '
      'records who acts for an adult.');
  end if;
  -- One person's calls queue here, so that none of them is missed in the count.
  perform pg_advisory_xact_lock(hashtext('guardian'), hashtext(caller::text));
  if (
    select count(*) from public.guardians
    where guardians.user_id = caller and guardians.clinic_id = register_dependant.clinic_id
      and (guardians.ends_at is null or guardians.ends_at > now())
  ) >= 12 then
    perform private.raise_error('limit_reached', 'Please ask the clinic to add more children.');
  end if;

  -- The caller's language: they read the mail.
  insert into public.patients (clinic_id, full_name, phone, date_of_birth, locale)
  values (register_dependant.clinic_id, btrim(register_dependant.full_name),
    register_dependant.phone, register_dependant.date_of_birth, private.language_of_user(caller))
  returning * into dependant;
  insert into public.guardians (clinic_id, patient_id, user_id, ends_at, created_by)
  values (dependant.clinic_id, dependant.id, caller, grown_up, caller);
  return dependant;
end;
$$;

comment on function public.invite_guardian(uuid, text, timestamptz) is
  'Invites an address to act for a patient. By members, the patient, and for a patient without a '
  'log-in by a guardian, whose own end bounds it. Asked again, the pending invitation takes the new end.';
comment on function public.revoke_guardian_invitation(uuid) is 'Takes a pending invitation back.';
comment on function public.accept_guardianship(uuid) is
  'Makes the signed-in user, whose confirmed address was invited, the patient''s guardian.';
comment on function public.end_guardianship(uuid, timestamptz) is
  'Ends it now or at a coming time. By members, the patient, and guardians, who can only shorten it.';
comment on function public.register_dependant(uuid, text, date, text) is
  'A record for a child, with the caller as its guardian until the 18th birthday.';

grant execute on function
  public.invite_guardian(uuid, text, timestamptz),
  public.revoke_guardian_invitation(uuid),
  public.accept_guardianship(uuid),
  public.end_guardianship(uuid, timestamptz),
  public.register_dependant(uuid, text, date, text)
to authenticated;
