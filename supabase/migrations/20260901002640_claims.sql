-- Claims: records a clinic made before the person had a log-in, found by the confirmed address.
-- Promises: nobody gets a record by naming an address they did not confirm; a wrong date of birth
--           and no record at all look the same; guessing is counted.
-- Access: signed-in people.

create table private.claim_attempts (
  id bigint generated always as identity primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  attempted_at timestamptz not null default now(),
  claimed int not null
);

create index claim_attempts_by_user on private.claim_attempts (user_id, attempted_at);

comment on table private.claim_attempts is
  'Who asked for records made for them, how often and with what success; kept 30 days.';

alter table private.claim_attempts enable row level security;

-- Records without a log-in that are this person's: address and, where known, date of birth agree,
-- and no second record of the clinic fits as well. A child's record is not its guardian's.
create function private.claimable_records(user_id uuid, address text, date_of_birth date)
returns setof uuid
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  select (array_agg(fitting.id))[1]
  from public.patients as fitting
  where lower(fitting.email) = claimable_records.address
    and fitting.user_id is null and fitting.merged_into is null and fitting.erased_at is null
    and coalesce(fitting.date_of_birth = claimable_records.date_of_birth,
      fitting.date_of_birth is null)
    and not exists (
      select from public.guardians
      where guardians.patient_id = fitting.id and guardians.user_id = claimable_records.user_id
    )
    and not exists (
      select from public.patients as own
      where own.clinic_id = fitting.clinic_id and own.user_id = claimable_records.user_id
    )
  group by fitting.clinic_id
  having count(*) = 1;
end;
$$;

-- Definer: ties records to the caller, after the proofs are checked.
create function public.claim_patient_records(date_of_birth date default null)
returns setof public.patients
language plpgsql
security definer
set search_path = ''
as $$
declare
  caller uuid := private.require_user();
  address text;
  claimed uuid[];
begin
  -- One person's calls queue here, so that none of them is missed in the count.
  perform pg_advisory_xact_lock(hashtext('claim'), hashtext(caller::text));
  if (
    select count(*) from private.claim_attempts
    where claim_attempts.user_id = caller
      and claim_attempts.attempted_at > now() - interval '1 day'
  ) >= 5 then
    perform private.raise_error('limit_reached', 'Please call the clinic, or try again tomorrow.');
  end if;
  select lower(users.email) into address from auth.users
  where users.id = caller and users.email_confirmed_at is not null;
  claimed := array(
    select private.claimable_records(caller, address, claim_patient_records.date_of_birth)
  );
  update public.patients set user_id = caller
  where patients.id = any (claimed) and patients.user_id is null;
  insert into private.claim_attempts (user_id, claimed) values (caller, cardinality(claimed));
  return query
  select patients.* from public.patients
  where patients.id = any (claimed) and patients.user_id = caller
  order by patients.created_at, patients.id;
end;
$$;

comment on function public.claim_patient_records(date) is
  'Ties records that clinics made for the caller''s confirmed address to the caller. Where a record '
  'has a date of birth, it has to be given. Five attempts a day.';

grant execute on function public.claim_patient_records(date) to authenticated;
