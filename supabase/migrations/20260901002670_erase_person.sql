-- Erasure: what was kept about a person stops telling who it was.
-- Promises: forgettable. Visits stay, as numbers; their history still verifies, since it never held
--           more than ids and times. Nobody writes on an erased record, and no upload from before
--           makes the person anew. Deleting the log-in itself is left to Auth.
-- Access: the service key alone; the API asks for the caller's right first.

-- Visits to come are called off, what is told of past ones is made anonymous.
create function private.anonymise_visits(records uuid[], users uuid[]) returns int
language plpgsql
set search_path = ''
as $$
declare
  called_off int;
begin
  update public.appointments set status = 'cancelled'
  where appointments.patient_id = any (records) and appointments.ends_at > now()
    and appointments.status in ('held', 'pending', 'booked', 'arrived');
  get diagnostics called_off = row_count;
  update public.appointments set
    external_id = null,
    overbook_reason = case when appointments.overbook_reason is not null then 'erased' end,
    booked_by = case when not appointments.booked_by = any (users) then appointments.booked_by end
  where appointments.patient_id = any (records)
    and (appointments.external_id is not null or appointments.overbook_reason <> 'erased'
      or appointments.booked_by = any (users));
  delete from public.appointment_reasons
  where appointment_reasons.patient_id = any (records);
  update public.appointment_series set booked_by = null
  where appointment_series.patient_id = any (records)
    and appointment_series.booked_by = any (users);
  delete from private.requests where requests.appointment_id in (
    select appointments.id from public.appointments where appointments.patient_id = any (records)
  );
  return called_off;
end;
$$;

create function private.end_what_waits(records uuid[]) returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.waitlist_entries set status = 'left'
  where waitlist_entries.patient_id = any (records)
    and waitlist_entries.status in ('waiting', 'offered');
  update public.notifications set status = 'skipped', last_error = 'erased'
  where notifications.recipient_id = any (records) and notifications.status = 'queued';
  delete from private.notification_payloads where notification_payloads.notification_id in (
    select notifications.id from public.notifications
    where notifications.recipient_id = any (records)
  );
  -- With it the mail provider could say to whom the message went.
  update public.notifications set provider_message_id = null
  where notifications.recipient_id = any (records)
    and notifications.provider_message_id is not null;
end;
$$;

-- The mails that told of invitations; what is left of them names nobody.
create function private.forget_invitations(invitation_ids uuid[]) returns void
language plpgsql
set search_path = ''
as $$
begin
  delete from private.notification_payloads
  where notification_payloads.notification_id = any (invitation_ids);
  update public.notifications set provider_message_id = null
  where notifications.id = any (invitation_ids) and notifications.provider_message_id is not null;
end;
$$;

-- Uploads that wait may name the person, as one that is half taken over would name them again: they
-- end here. A worker at it is waited for, and finds its lease gone with the next batch.
create function private.end_open_imports(records uuid[]) returns void
language plpgsql
set search_path = ''
as $$
declare
  concerned uuid[] := array(
    select distinct patients.clinic_id from public.patients
    where patients.id = any (records) and patients.erased_at is null
    order by 1
  );
  clinic uuid;
begin
  foreach clinic in array concerned loop
    perform private.take_turns_at_imports(clinic);
  end loop;
  with ended as (
    update public.import_jobs set
      status = 'failed', error = 'Somebody was erased meanwhile. Upload the files again without them.',
      ended_at = now(), leased_until = null
    where import_jobs.clinic_id = any (concerned) and import_jobs.status in ('queued', 'running')
    returning import_jobs.id
  )
  delete from private.import_contents using ended where import_contents.job_id = ended.id;
end;
$$;

-- Staff invitations of whoever works here stay as long as they do.
create function private.forget_staff_invitations(records uuid[]) returns void
language plpgsql
set search_path = ''
as $$
begin
  delete from public.staff_invitations as invitation
  using public.patients
  where patients.id = any (records) and invitation.clinic_id = patients.clinic_id
    and invitation.email = lower(patients.email)
    and not exists (
      select from public.members join auth.users on users.id = members.user_id
      where members.clinic_id = invitation.clinic_id and lower(users.email) = invitation.email
    );
end;
$$;

create function private.anonymise_records(records uuid[]) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.forget_invitations(array(
    select invitation.id from public.guardian_invitations as invitation
    join public.patients on patients.clinic_id = invitation.clinic_id
    where patients.id = any (records)
      and (invitation.patient_id = patients.id or invitation.email = lower(patients.email))
  ));
  delete from public.guardian_invitations as invitation
  using public.patients
  where patients.id = any (records) and invitation.clinic_id = patients.clinic_id
    and (invitation.patient_id = patients.id or invitation.email = lower(patients.email));
  perform private.forget_staff_invitations(records);
  delete from private.suppressed_addresses using public.patients
  where patients.id = any (records)
    and suppressed_addresses.address_hash = private.hash_of_address(patients.email);
  delete from public.notification_preferences
  where notification_preferences.patient_id = any (records);
  delete from public.guardians where guardians.patient_id = any (records);
  delete from public.calendar_feeds where calendar_feeds.patient_id = any (records);
  update public.patients set
    user_id = null, full_name = 'Erased', email = null, phone = null, date_of_birth = null,
    locale = 'en', external_id = null, erased_at = now()
  where patients.id = any (records);
end;
$$;

-- What anybody was sent to the address, or was asked by it.
create function private.forget_address(address text) returns void
language plpgsql
set search_path = ''
as $$
begin
  delete from public.staff_invitations where staff_invitations.email = forget_address.address;
  perform private.forget_invitations(array(
    select invitation.id from public.guardian_invitations as invitation
    where invitation.email = forget_address.address
  ));
  delete from public.guardian_invitations
  where guardian_invitations.email = forget_address.address;
  delete from private.notification_payloads
  where lower(notification_payloads.content ->> 'address') = forget_address.address;
  delete from private.suppressed_addresses
  where suppressed_addresses.address_hash = private.hash_of_address(forget_address.address);
end;
$$;

-- What ties a user to clinics, other than their patient records. Raises last_owner.
create function private.forget_user(user_id uuid) returns void
language plpgsql
set search_path = ''
as $$
begin
  delete from public.members where members.user_id = forget_user.user_id;
  delete from public.guardians where guardians.user_id = forget_user.user_id;
  update public.providers set user_id = null where providers.user_id = forget_user.user_id;
  update public.appointments set booked_by = null
  where appointments.booked_by = forget_user.user_id;
  delete from private.requests where requests.caller_id = forget_user.user_id;
  delete from private.claim_attempts where claim_attempts.user_id = forget_user.user_id;
end;
$$;

create type worker.erasure as (
  patient_ids uuid[],
  called_off_visits int,
  user_ids_without_records uuid[]
);

comment on type worker.erasure is
  'What was erased: records, visits to come that were called off, and log-ins that no record, '
  'membership or guardianship needs any more, for Auth to delete.';

-- Definer: writes every table, for whoever the API has let ask.
create function worker.erase_person(
  patient_id uuid default null, user_id uuid default null, requested_by uuid default null
) returns worker.erasure
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  records uuid[] := private.person_asked_for(erase_person.patient_id, erase_person.user_id);
  users_of_records uuid[];
  erased worker.erasure;
begin
  -- First, so that nothing is held while a worker is waited for.
  perform private.end_open_imports(records);
  perform private.lock_patients(records);
  users_of_records := array_remove(
    array(
      select patients.user_id from public.patients
      where patients.id = any (records) and patients.user_id is not null
      order by 1
    ), erase_person.user_id) || erase_person.user_id;
  erased.patient_ids := array(
    select patients.id from public.patients
    where patients.id = any (records) and patients.erased_at is null
    order by patients.id
  );
  erased.called_off_visits := private.anonymise_visits(records, users_of_records);
  perform private.end_what_waits(records);
  perform private.anonymise_records(erased.patient_ids);
  if erase_person.user_id is not null then
    perform private.forget_user(erase_person.user_id);
  end if;
  perform private.log_access('erased', patients.clinic_id, patients.id, 'patients',
    patients.id::text, actor_id => erase_person.requested_by)
  from public.patients where patients.id = any (erased.patient_ids);
  erased.user_ids_without_records := array(
    select login.id from unnest(users_of_records) as login (id)
    where login.id is not null
      and not exists (select from public.patients where patients.user_id = login.id)
      and not exists (select from public.members where members.user_id = login.id)
      and not exists (select from public.guardians where guardians.user_id = login.id)
    order by login.id
  );
  perform private.forget_address(lower(users.email)) from auth.users
  where users.id = erase_person.user_id or users.id = any (erased.user_ids_without_records);
  return erased;
end;
$$;

-- Definer: callers may not execute raise_error.
create function private.refuse_writing_on_erased() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.raise_error('not_allowed', 'This person was erased. Add a new record.');
  return null;
end;
$$;

create trigger _005_refuse_erased before update on public.patients
  for each row when (old.erased_at is not null)
  execute function private.refuse_writing_on_erased();

comment on function worker.erase_person(uuid, uuid, uuid) is
  'Makes one person unknown: one patient of one clinic (patient_id), or a user everywhere '
  '(user_id). Visits to come are called off, imports that wait are ended. Again: nothing more happens. '
  'Raises last_owner.';

grant execute on function worker.erase_person(uuid, uuid, uuid) to service_role;
