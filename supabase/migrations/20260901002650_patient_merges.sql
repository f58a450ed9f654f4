-- Merges: two records of one person become one, and two again within 30 days.
-- Promises: whatever refers to the duplicate follows it, the ledger too; a person in two visits at
--           once is refused; history keeps both steps.
-- Access: the office of the clinic: owner, manager, front desk.

create extension if not exists pg_trgm schema extensions;

create table private.patient_merges (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null,
  keep_id uuid not null,
  merge_id uuid not null,
  moved jsonb not null default '{}',
  filled_columns text[] not null default '{}',
  moved_user boolean not null default false,
  merged_by uuid,
  merged_at timestamptz not null default now(),
  undone_at timestamptz,
  constraint patient_merges_keep_is_of_clinic
    foreign key (clinic_id, keep_id) references public.patients (clinic_id, id) on delete cascade,
  constraint patient_merges_merge_is_of_clinic
    foreign key (clinic_id, merge_id) references public.patients (clinic_id, id) on delete cascade
);

create index patient_merges_by_keep on private.patient_merges (clinic_id, keep_id);
create index patient_merges_by_merge on private.patient_merges (clinic_id, merge_id);

comment on table private.patient_merges is 'What was merged, and what undoing it has to move back.';
comment on column private.patient_merges.moved is 'Ids of moved rows by table, no contents.';
comment on column private.patient_merges.filled_columns is
  'Columns that the kept record lacked and took over.';

alter table private.patient_merges enable row level security;

-- Whether a merge, or the undoing of one in this transaction, moves visits from one to the other.
create function private.is_merging(from_id uuid, to_id uuid) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from private.patient_merges as merge
    where (merge.merge_id = is_merging.from_id and merge.keep_id = is_merging.to_id
        and merge.undone_at is null)
      or (merge.keep_id = is_merging.from_id and merge.merge_id = is_merging.to_id
        and merge.undone_at = now())
  );
end;
$$;

-- The patient's reservation, reasons and messages follow the visit, also those that came after the
-- merge that is undone. Both schedules are locked by whoever merges, so that the exclusion
-- constraint can refuse but never wait.
-- Definer: whoever merges, the ledger follows.
create function private.follow_patient() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.appointment_reasons set patient_id = new.patient_id
  where appointment_reasons.clinic_id = new.clinic_id
    and appointment_reasons.appointment_id = new.id;
  update public.notifications set recipient_id = new.patient_id
  where notifications.appointment_id = new.id and notifications.recipient_id = old.patient_id;
  perform private.tell_after_all(new.clinic_id, new.patient_id, now());
  update private.reservations set resource_id = new.patient_id
  where reservations.appointment_id = new.id and reservations.resource_id = old.patient_id;
  return null;
exception
  when exclusion_violation then
    perform private.raise_error('patient_already_booked',
      'The two records have visits at the same time, so they cannot be one person.');
    return null;
end;
$$;

create trigger _550_follow_patient after update on public.appointments
  for each row when (new.patient_id <> old.patient_id)
  execute function private.follow_patient();

-- Columns of other tables that hold a patient's id.
create function private.references_to_patients() returns table (source regclass, column_name name)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select own.conrelid::regclass, pg_attribute.attname
  from pg_catalog.pg_constraint as own
  cross join lateral unnest(own.conkey, own.confkey) as key (source_column, patients_column)
  join pg_catalog.pg_attribute
    on pg_attribute.attrelid = own.conrelid and pg_attribute.attnum = key.source_column
  join pg_catalog.pg_attribute as target
    on target.attrelid = own.confrelid and target.attnum = key.patients_column
  where own.contype = 'f' and own.confrelid = 'public.patients'::regclass
    and target.attname = 'id' and own.conrelid not in (
      'public.patients'::regclass, 'private.patient_merges'::regclass
    )
  order by own.conrelid <> 'public.appointments'::regclass, own.conrelid::regclass::text;
end;
$$;

-- Hands all rows of one patient to another, or only those listed; returns their ids by table. What
-- there can be once only, such as preferences, stays where it is if the other has it, too.
create function private.hand_over(from_id uuid, to_id uuid, listed jsonb default null) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  link record;
  ids jsonb;
  handed jsonb := '{}';
begin
  for link in select * from private.references_to_patients() loop
    begin
      execute format(
        'with handed as ('
        ' update %1$s set %2$I = $2 where %2$I = $1 and ($3 is null or $3 ? id::text) returning id)'
        ' select jsonb_agg(id::text) from handed',
        link.source, link.column_name)
      into ids using from_id, to_id, case when listed is not null
        then coalesce(listed -> link.source::text, '[]') end;
    exception
      when unique_violation then
        ids := null;
    end;
    if ids is not null then
      handed := jsonb_set(handed, array[link.source::text],
        coalesce(handed -> link.source::text, '[]') || ids);
    end if;
  end loop;
  return handed;
end;
$$;

-- Locks sessions, patients, visits and schedules of these patients, or raises lock_not_available.
create function private.try_to_lock_patients(patient_ids uuid[]) returns void
language plpgsql
set search_path = ''
as $$
declare
  lock_key bigint;
begin
  perform from public.group_sessions
  where group_sessions.id in (
    select appointments.session_id from public.appointments
    where appointments.patient_id = any (patient_ids)
  )
  for no key update nowait;
  -- Not merely against key changes: nobody books for them meanwhile.
  perform from public.patients where patients.id = any (patient_ids) for update nowait;
  perform from public.appointments where appointments.patient_id = any (patient_ids)
  for no key update nowait;
  for lock_key in
    select pg_catalog.uuid_hash_extended(wanted.id, 0)
    from unnest(patient_ids) as wanted (id) order by 1
  loop
    if not private.try_lock(lock_key, true) then
      raise lock_not_available;
    end if;
  end loop;
end;
$$;

-- Locks all there is of these patients. Bookings lock the patient before the schedule, moves after
-- it, so there is no order that suits both: this takes everything at once or lets go and tries
-- again, and nobody ever waits for somebody who waits. Raises slot_taken after about two seconds.
create function private.lock_patients(patient_ids uuid[]) returns void
language plpgsql
set search_path = ''
as $$
begin
  for attempt in 1 .. 100 loop
    begin
      perform private.try_to_lock_patients(patient_ids);
      -- As lock_schedules says: whatever is locked from now on is not waited for.
      perform set_config('appoint.ledger', 'in use', true);
      return;
    exception
      when lock_not_available then
        perform pg_sleep(0.02);
    end;
  end loop;
  perform private.raise_error('slot_taken',
    'Someone is changing the visits of this patient right now. Try again.');
end;
$$;

-- Two records that the caller may merge or part, locked. Raises not_found or not_allowed.
create function private.lock_records(keep_id uuid, merge_id uuid) returns uuid
language plpgsql
set search_path = ''
as $$
declare
  clinics_of uuid[];
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  select array_agg(patients.clinic_id) into clinics_of from public.patients
  where patients.id in (keep_id, merge_id) and patients.erased_at is null;
  if coalesce(cardinality(clinics_of), 0) <> 2 or clinics_of[1] <> clinics_of[2]
    or not private.is_staff_of(clinics_of[1]) then
    perform private.raise_error('not_found');
  end if;
  if not private.is_trusted()
    and not clinics_of[1] in (select private.my_clinics_as('owner', 'manager', 'front_desk')) then
    perform private.raise_error('not_allowed', 'The front desk merges records.');
  end if;
  -- Only now, so that strangers cannot make others wait.
  perform private.lock_patients(array[keep_id, merge_id]);
  return clinics_of[1];
end;
$$;

-- A patient waits once for a service: what both records wait for, the duplicate does not any more.
create function private.end_double_waiting(keep_id uuid, merge_id uuid) returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  ended uuid[] := array(
    select double.id from public.waitlist_entries as double
    where double.patient_id = end_double_waiting.merge_id
      and double.status in ('waiting', 'offered')
      and exists (
        select from public.waitlist_entries as kept
        where kept.patient_id = end_double_waiting.keep_id
          and kept.service_id = double.service_id and kept.status in ('waiting', 'offered')
      )
    for update
  );
begin
  update public.waitlist_entries set status = 'left' where waitlist_entries.id = any (ended);
  return to_jsonb(ended);
end;
$$;

-- Definer: writes what no member may write directly, after lock_records has checked the caller.
create function public.merge_patients(keep_id uuid, merge_id uuid) returns public.patients
language plpgsql
security definer
set search_path = ''
as $$
declare
  clinic uuid := private.lock_records(merge_patients.keep_id, merge_patients.merge_id);
  kept public.patients;
  double public.patients;
  merge uuid;
  ended jsonb;
begin
  select * into strict kept from public.patients where patients.id = merge_patients.keep_id;
  select * into strict double from public.patients where patients.id = merge_patients.merge_id;
  if kept.erased_at is not null or double.erased_at is not null then
    perform private.raise_error('not_found');
  end if;
  if kept.merged_into is not null or double.merged_into is not null then
    perform private.raise_error('not_allowed', 'One of these records is merged already.');
  end if;
  if kept.user_id <> double.user_id then
    perform private.raise_error('not_allowed', 'Both records have a log-in of their own.');
  end if;
  insert into private.patient_merges
    (clinic_id, keep_id, merge_id, merged_by, moved_user, filled_columns)
  values (clinic, kept.id, double.id, auth.uid(), double.user_id is not null, array_remove(array[
    case when kept.email is null and double.email is not null then 'email' end,
    case when kept.phone is null and double.phone is not null then 'phone' end,
    case when kept.date_of_birth is null and double.date_of_birth is not null
      then 'date_of_birth' end
  ], null))
  returning id into merge;

  delete from public.guardian_invitations as double_invitation
  where double_invitation.patient_id = double.id and double_invitation.status = 'pending'
    and exists (
      select from public.guardian_invitations as kept_invitation
      where kept_invitation.patient_id = kept.id and kept_invitation.status = 'pending'
        and kept_invitation.email = double_invitation.email
    );
  ended := private.end_double_waiting(kept.id, double.id);
  update private.patient_merges set
    moved = private.hand_over(double.id, kept.id) || jsonb_build_object('ended_waiting', ended)
  where patient_merges.id = merge;
  update public.patients set merged_into = kept.id, user_id = null where patients.id = double.id;
  update public.patients set
    user_id = coalesce(kept.user_id, double.user_id),
    email = coalesce(kept.email, double.email),
    phone = coalesce(kept.phone, double.phone),
    date_of_birth = coalesce(kept.date_of_birth, double.date_of_birth)
  where patients.id = kept.id
  returning * into kept;
  return kept;
end;
$$;

-- Definer: as merge_patients.
create function public.unmerge_patients(merge_id uuid) returns public.patients
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  merge private.patient_merges;
  kept public.patients;
  double public.patients;
begin
  select patients.merged_into into kept.id from public.patients
  where patients.id = unmerge_patients.merge_id;
  perform private.lock_records(kept.id, unmerge_patients.merge_id);
  select * into merge from private.patient_merges as open
  where open.merge_id = unmerge_patients.merge_id and open.keep_id = kept.id
    and open.undone_at is null;
  if merge.id is null then
    perform private.raise_error('not_found');
  end if;
  if merge.merged_at < now() - interval '30 days' then
    perform private.raise_error('not_allowed', 'Records can be parted for 30 days.');
  end if;
  select * into strict kept from public.patients where patients.id = merge.keep_id;
  select * into strict double from public.patients where patients.id = merge.merge_id;

  update private.patient_merges set undone_at = now() where patient_merges.id = merge.id;
  perform private.hand_over(kept.id, double.id, merge.moved);
  update public.waitlist_entries set status = 'waiting'
  where waitlist_entries.patient_id = double.id and waitlist_entries.status = 'left'
    and merge.moved -> 'ended_waiting' ? waitlist_entries.id::text;
  update public.patients set
    user_id = case when not merge.moved_user then kept.user_id end,
    email = private.part_from(kept.email, double.email, 'email' = any (merge.filled_columns)),
    phone = private.part_from(kept.phone, double.phone, 'phone' = any (merge.filled_columns)),
    date_of_birth = private.part_from(kept.date_of_birth::text, double.date_of_birth::text,
      'date_of_birth' = any (merge.filled_columns))::date
  where patients.id = kept.id;
  update public.patients set
    merged_into = null, user_id = case when merge.moved_user then kept.user_id end
  where patients.id = double.id
  returning * into double;
  return double;
end;
$$;

-- What the kept record keeps of a value that it took over and nobody has corrected since: nothing.
create function private.part_from(kept text, taken text, was_taken boolean) returns text
language sql
immutable
set search_path = ''
as $$
  select case when not (was_taken and kept = taken) then kept end;
$$;

-- Digits that two notations of one number have in common; null: too few to tell.
create function private.plain_phone(phone text) returns text
language sql
immutable
parallel safe
set search_path = ''
as $$
  select nullif(right(regexp_replace(phone, '\D', '', 'g'), 8), '')
  where length(regexp_replace(phone, '\D', '', 'g')) >= 6;
$$;

create type public.duplicate_candidate as (
  patient_id uuid,
  other_id uuid,
  same_email boolean,
  same_phone boolean,
  same_date_of_birth boolean,
  name_likeness real
);

comment on type public.duplicate_candidate is
  'Two records that may be one person. name_likeness: 0 to 1, 1 is the same.';

-- Whether contacts agree with others could be asked until they are known, so it is on record about
-- whom that was told.
-- Definer: compares contacts, of which nothing but whether they agree comes out.
create function public.find_duplicates(
  clinic_id uuid, patient_id uuid default null, max_results int default 50
) returns setof public.duplicate_candidate
language plpgsql
security definer
set search_path = ''
as $$
declare
  found_pairs public.duplicate_candidate[];
begin
  if not private.is_staff_of(find_duplicates.clinic_id) then
    perform private.raise_error('not_found');
  end if;
  if not private.is_trusted() and not find_duplicates.clinic_id in (
    select private.my_clinics_as('owner', 'manager', 'front_desk')
  ) then
    perform private.raise_error('not_allowed', 'The front desk merges records.');
  end if;
  if not coalesce(find_duplicates.max_results between 1 and 500, false) then
    perform private.raise_error('invalid_input', 'Ask for 1 to 500 pairs.');
  end if;
  found_pairs := array(
  with records as materialized (
    select patients.id, patients.full_name, patients.date_of_birth,
      lower(patients.email) as email, private.plain_phone(patients.phone) as phone
    from public.patients
    where patients.clinic_id = find_duplicates.clinic_id
      and patients.merged_into is null and patients.erased_at is null
  ), looked_at as (
    select * from records
    where find_duplicates.patient_id is null or records.id = find_duplicates.patient_id
  ), pairs as (
    select looked_at.id, other.id as other_id from looked_at join records as other using (email)
    union
    select looked_at.id, other.id from looked_at join records as other using (phone)
    union
    select looked_at.id, other.id from looked_at join records as other using (date_of_birth)
    union
    select looked_at.id, other.id
    from looked_at join records as other on lower(other.full_name) = lower(looked_at.full_name)
  ), judged as (
    select one.id, other.id as other_id,
      coalesce(one.email = other.email, false) as same_email,
      coalesce(one.phone = other.phone, false) as same_phone,
      one.date_of_birth = other.date_of_birth as same_date_of_birth,
      extensions.similarity(one.full_name, other.full_name) as likeness
    from pairs
    join records as one on one.id = pairs.id
    join records as other on other.id = pairs.other_id
    where one.id <> other.id and (find_duplicates.patient_id is not null or one.id < other.id)
  )
  select (judged.id, judged.other_id, judged.same_email, judged.same_phone,
    coalesce(judged.same_date_of_birth, false), judged.likeness)::public.duplicate_candidate
  from judged
  -- Families share addresses and telephones, strangers birthdays, but not both and the name.
  where judged.likeness >= 0.4 and judged.same_date_of_birth is not false
    or (judged.same_email or judged.same_phone) and judged.likeness >= 0.8
  order by judged.likeness + judged.same_email::int + judged.same_phone::int
      + coalesce(judged.same_date_of_birth, false)::int desc,
    judged.id, judged.other_id
  limit find_duplicates.max_results
  );
  perform private.log_access(
    'opened', find_duplicates.clinic_id, told.patient_id, 'patients', told.patient_id::text)
  from (
    select pair.patient_id from unnest(found_pairs) as pair
    where pair.same_email or pair.same_phone or pair.same_date_of_birth
    union
    select pair.other_id from unnest(found_pairs) as pair
    where pair.same_email or pair.same_phone or pair.same_date_of_birth
  ) as told;
  return query select * from unnest(found_pairs);
end;
$$;

comment on function public.merge_patients(uuid, uuid) is
  'Makes two records of one person one: visits, messages, guardians, waiting and the log-in go to '
  'keep_id, which also takes over contacts it lacks. Can be undone for 30 days.';
comment on function public.unmerge_patients(uuid) is
  'Parts merged records again: what came with the duplicate goes back, what came later stays.';
comment on function public.find_duplicates(uuid, uuid, int) is
  'Pairs of records that may be one person, likeliest first: of the clinic, or of one patient. Logged as '
  'opening those of which it tells that contacts or birthdays agree.';

grant execute on function
  public.merge_patients(uuid, uuid),
  public.unmerge_patients(uuid),
  public.find_duplicates(uuid, uuid, int)
to authenticated;
