-- Access log: who read or changed which patient's data, when, and from where.
-- Promises: append-only; ids, names of columns and keyed hashes alone, nothing about a person.
-- Access: members read their clinic's, patients and guardians what concerns the patient; functions
--         and triggers write; only what is older than the clinic's audit_retention_days can go.

create type public.access_action as enum (
  'opened',    -- contacts or reasons were read
  'added',
  'changed',
  'removed',
  'exported',  -- everything about the person was copied out
  'erased'     -- the person was made unknown
);

create table public.access_log (
  id bigint generated always as identity primary key,
  clinic_id uuid not null references public.clinics (id),
  patient_id uuid,
  action public.access_action not null,
  subject text not null,
  subject_id text not null,
  changed_columns text[],
  actor_id uuid,
  actor_role text not null,
  acted_as text,
  address_hash text,
  agent_hash text,
  happened_at timestamptz not null default clock_timestamp()
);

create index access_log_by_clinic on public.access_log (clinic_id, happened_at);
create index access_log_by_patient on public.access_log (patient_id, happened_at);

comment on table public.access_log is
  'Append-only: who read or changed which patient''s data. Ids and names of columns, no contents.';
comment on column public.access_log.patient_id is
  'Whom it is about; null: staff. Not a foreign key: the log outlives what it tells about.';
comment on column public.access_log.subject is 'The table, e.g. patients.';
comment on column public.access_log.subject_id is 'The row''s id.';
comment on column public.access_log.changed_columns is 'Names of the columns that changed.';
comment on column public.access_log.actor_id is
  'The signed-in user; null: the clinic''s programs or plain SQL.';
comment on column public.access_log.actor_role is
  'The role of the token, e.g. authenticated; for plain SQL the database user.';
comment on column public.access_log.acted_as is
  'A member''s role, patient, guardian, or system; null: none of these any more.';
comment on column public.access_log.address_hash is
  'A keyed hash of the caller''s network address: tells the same from another, not which.';
comment on column public.access_log.agent_hash is 'A keyed hash of the caller''s program.';

create table private.pseudonym_key (
  is_only boolean primary key default true
    constraint pseudonym_key_is_only check (is_only),
  key bytea not null
);

comment on table private.pseudonym_key is
  'The secret of the access log''s hashes: without it, addresses could be guessed and compared.';

alter table private.pseudonym_key enable row level security;

insert into private.pseudonym_key (key) values (extensions.gen_random_bytes(32));

create function private.pseudonym(value text) returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  if coalesce(pseudonym.value, '') = '' then
    return null;
  end if;
  return (
    select left(encode(extensions.hmac(convert_to(pseudonym.value, 'UTF8'), secret.key, 'sha256'),
      'hex'), 24)
    from private.pseudonym_key as secret
  );
end;
$$;

-- With this the API signs for whom it calls. Not the key of the hashes itself, which never leaves.
create function private.voucher_key() returns bytea
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select extensions.hmac('vouchers of the api', secret.key, 'sha256')
    from private.pseudonym_key as secret
  );
end;
$$;

-- Whom a program calls for: `{"address": …, "agent": …}` in base64, a point, and its HMAC-SHA256 in
-- hex. Null unless whoever wrote it had the key: the header is open to everybody.
create function private.vouched_for(voucher text) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  content text := split_part(vouched_for.voucher, '.', 1);
begin
  if coalesce(vouched_for.voucher, '') = '' or length(vouched_for.voucher) > 4000
    or split_part(vouched_for.voucher, '.', 2) is distinct from encode(
      extensions.hmac(convert_to(content, 'UTF8'), private.voucher_key(), 'sha256'), 'hex') then
    return null;
  end if;
  return convert_from(decode(content, 'base64'), 'UTF8')::jsonb;
end;
$$;

-- As what the caller touches a patient's data; unlike acting_as it tells guardians from patients.
create function private.accessing_as(clinic_id uuid, patient_id uuid) returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  known text := private.acting_as(accessing_as.clinic_id, accessing_as.patient_id);
begin
  if known = 'patient' and not exists (
    select from public.patients
    where patients.id = accessing_as.patient_id and patients.user_id = auth.uid()
  ) then
    return 'guardian';
  end if;
  return known;
end;
$$;

-- Notes one access. `actor_id`: for whom a program of the clinic does it; else the caller.
create function private.log_access(
  action public.access_action,
  clinic_id uuid,
  patient_id uuid,
  subject text,
  subject_id text,
  changed_columns text[] default null,
  actor_id uuid default null
) returns void
language plpgsql
set search_path = ''
as $$
declare
  headers jsonb := nullif(current_setting('request.headers', true), '')::jsonb;
  caller jsonb := coalesce(
    private.vouched_for(headers ->> 'x-appoint-caller'),
    jsonb_build_object('agent', headers ->> 'user-agent', 'address', coalesce(
      headers ->> 'cf-connecting-ip', split_part(headers ->> 'x-forwarded-for', ',', 1))));
begin
  insert into public.access_log (clinic_id, patient_id, action, subject, subject_id,
    changed_columns, actor_id, actor_role, acted_as, address_hash, agent_hash)
  values (
    log_access.clinic_id, log_access.patient_id, log_access.action, log_access.subject,
    log_access.subject_id, log_access.changed_columns,
    coalesce(log_access.actor_id, auth.uid()), private.actor_role(),
    private.accessing_as(log_access.clinic_id, log_access.patient_id),
    private.pseudonym(caller ->> 'address'),
    private.pseudonym(caller ->> 'agent')
  );
end;
$$;

-- Notes a change of a row that has a clinic, or is one. The argument names the column with the
-- patient's id.
-- Definer: whoever changes the row, it is on record.
create function private.log_change() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  fields jsonb := coalesce(after, before);
  changed text[];
begin
  if tg_op = 'UPDATE' then
    select array_agg(field.key order by field.key) into changed
    from jsonb_each(after) as field
    where field.value is distinct from before -> field.key and field.key <> 'updated_at';
    if changed is null then
      return null;
    end if;
  end if;
  perform private.log_access(
    case tg_op when 'INSERT' then 'added' when 'UPDATE' then 'changed' else 'removed' end
      ::public.access_action,
    coalesce(fields ->> 'clinic_id', fields ->> 'id')::uuid, (fields ->> tg_argv[0])::uuid, tg_table_name, fields ->> 'id',
    changed);
  return null;
end;
$$;

create trigger _950_log_access after insert or update or delete on public.patients
  for each row execute function private.log_change('id');
create trigger _950_log_access after insert or update or delete on public.guardians
  for each row execute function private.log_change('patient_id');
create trigger _950_log_access after insert or update or delete on public.guardian_invitations
  for each row execute function private.log_change('patient_id');
create trigger _950_log_access after insert or update or delete on public.appointment_reasons
  for each row execute function private.log_change('patient_id');
create trigger _950_log_access after insert or update or delete on public.members
  for each row execute function private.log_change('');
-- Who is which provider decides who reads reasons.
create trigger _950_log_access after update on public.providers
  for each row when (new.user_id is distinct from old.user_id)
  execute function private.log_change('');

create function private.refuse_changing_the_log() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  perform private.raise_error('not_allowed', 'The access log can only grow.');
  return null;
end;
$$;

-- Definer: the clinic's setting is read for whoever removes.
create function private.keep_log_as_long_as_the_clinic_says() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if old.happened_at > now() - (
    select make_interval(days => clinics.audit_retention_days)
    from public.clinics where clinics.id = old.clinic_id
  ) then
    perform private.raise_error('not_allowed', 'The access log is kept as long as the clinic''s '
      'audit_retention_days say.');
  end if;
  return old;
end;
$$;

create trigger _100_refuse_change before update on public.access_log
  for each row execute function private.refuse_changing_the_log();
create trigger _100_keep before delete on public.access_log
  for each row execute function private.keep_log_as_long_as_the_clinic_says();
create trigger _100_refuse_truncate before truncate on public.access_log
  for each statement execute function private.refuse_changing_the_log();

alter table public.access_log enable row level security;

-- The records the caller acts for, and the duplicates that are merged into them: what was done with
-- those concerns the same person.
-- Definer: as my_patients.
create function private.my_patients_and_duplicates() returns setof uuid
language plpgsql
stable
security definer
rows 2
set search_path = ''
as $$
begin
  return query
  with recursive mine as (
    select patients.clinic_id, patients.id from public.patients
    where patients.id = any (array(select private.my_patients()))
    union
    select double.clinic_id, double.id from mine
    join public.patients as double
      on double.clinic_id = mine.clinic_id and double.merged_into = mine.id
  )
  select mine.id from mine;
end;
$$;

grant execute on function private.my_patients_and_duplicates() to authenticated;

create policy "patients read who read about them, members their clinic's log"
  on public.access_log
  for select to authenticated using (
    patient_id = any (array(select private.my_patients_and_duplicates()))
    or clinic_id = any (array(select private.my_clinics()))
  );

grant select on public.access_log to authenticated, service_role;

-- Definer: the service key has no privilege on private tables.
create function worker.voucher_key() returns text
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return encode(private.voucher_key(), 'hex');
end;
$$;

comment on function worker.voucher_key() is
  'The key, in hex, with which the API signs from where somebody called it, for the access log.';

grant execute on function worker.voucher_key() to service_role;

-- Definer: the service key has no privilege to remove from the log.
create function worker.prune_access_log(most int default 10000) returns bigint
language plpgsql
security definer
set search_path = ''
as $$
declare
  removed bigint;
begin
  delete from public.access_log where access_log.id = any (array(
    select old.id
    from public.clinics
    cross join lateral (
      select entry.id from public.access_log as entry
      where entry.clinic_id = clinics.id
        and entry.happened_at < now() - make_interval(days => clinics.audit_retention_days)
      order by entry.happened_at
      limit prune_access_log.most
    ) as old
    limit prune_access_log.most
  ));
  get diagnostics removed = row_count;
  delete from private.claim_attempts
  where claim_attempts.attempted_at < now() - interval '30 days';
  return removed;
end;
$$;

comment on function worker.prune_access_log(int) is
  'Removes what is older than each clinic''s audit_retention_days, and claims older than 30 days; '
  'returns how much of the log. Call again while it returns `most`.';

grant execute on function worker.prune_access_log(int) to service_role;
