-- Import jobs: files that a clinic uploads, taken over by workers in the background.
-- Promises: a worker that dies loses nothing and counts nothing twice: rows, counts and the place
--           reached are written in one transaction; a job fills its own clinic and no other; the
--           uploaded content is gone when the job ends.
-- Access: owners and managers read their clinic's jobs and rejects; the service key does the rest.

create type public.import_kind as enum (
  'patients',   -- a spreadsheet of patients
  'providers',  -- a spreadsheet of providers
  'synthea'     -- Synthea's CSV files: providers, patients and past visits
);

create type public.import_status as enum (
  'queued',    -- waits for a worker; -> running
  'running',   -- a worker has it until leased_until; -> queued, finished, failed
  'finished',  -- every row has its outcome
  'failed'     -- cannot go on; error says why, what was imported is kept
);

create table public.import_jobs (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  kind public.import_kind not null,
  dry_run boolean not null,
  status public.import_status not null default 'queued',
  error text constraint import_jobs_error_is_short check (length(error) <= 300),
  requested_by uuid references auth.users (id) on delete set null,
  attempts int not null default 0,
  lease_id uuid,
  leased_until timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint import_jobs_in_clinic unique (clinic_id, id),
  constraint import_jobs_running_under_a_lease check (
    (status = 'running') = (leased_until is not null)
    and (status <> 'running' or lease_id is not null)
  ),
  constraint import_jobs_ended_at_matches_status
    check ((status in ('finished', 'failed')) = (ended_at is not null)),
  constraint import_jobs_error_matches_status check ((status = 'failed') = (error is not null))
);

create index import_jobs_to_claim on public.import_jobs (created_at)
  where status in ('queued', 'running');
create index import_jobs_by_requester on public.import_jobs (requested_by);

create table public.import_files (
  clinic_id uuid not null,
  job_id uuid not null,
  name text not null
    constraint import_files_name_is_known
      check (name in ('patients.csv', 'providers.csv', 'encounters.csv')),
  size_bytes int not null
    constraint import_files_size_is_bounded check (size_bytes between 1 and 33554432),
  done_bytes int not null default 0,
  done_line int not null default 0,
  rows_read int not null default 0,
  imported int not null default 0,
  already_there int not null default 0,
  rejected int not null default 0,
  constraint import_files_pkey primary key (job_id, name),
  constraint import_files_add_up check (rows_read = imported + already_there + rejected),
  constraint import_files_of_clinic
    foreign key (clinic_id, job_id) references public.import_jobs (clinic_id, id) on delete cascade
);

create index import_files_by_clinic on public.import_files (clinic_id, job_id);

create table public.import_rejects (
  clinic_id uuid not null,
  job_id uuid not null,
  file text not null,
  line int not null,
  row_id uuid,
  reason text not null
    constraint import_rejects_reason_is_a_key check (reason ~ '^[a-z0-9_]{1,60}$'),
  constraint import_rejects_pkey primary key (job_id, file, line),
  constraint import_rejects_of_file
    foreign key (job_id, file) references public.import_files (job_id, name) on delete cascade,
  constraint import_rejects_of_clinic
    foreign key (clinic_id, job_id) references public.import_jobs (clinic_id, id) on delete cascade
);

create index import_rejects_by_clinic on public.import_rejects (clinic_id, job_id);

create table private.import_contents (
  job_id uuid not null,
  file text not null,
  content bytea not null,
  constraint import_contents_pkey primary key (job_id, file),
  constraint import_contents_of_file
    foreign key (job_id, file) references public.import_files (job_id, name) on delete cascade
);

comment on table public.import_jobs is 'Files a clinic uploaded, and how far their import has come.';
comment on column public.import_jobs.dry_run is
  'True: says what would become of every row, and changes nothing.';
comment on column public.import_jobs.error is 'Why the job failed: a sentence without personal data.';
comment on table public.import_files is 'The files of a job; counts and place grow batch by batch.';
comment on column public.import_files.done_line is 'Lines up to this one have their outcome.';
comment on table public.import_rejects is
  'Rows that were not taken, by place and reason; never what was in them.';
comment on table private.import_contents is
  'What was uploaded, compressed with zlib, until the job ends. Holds personal data.';

create trigger _100_set_updated_at before update on public.import_jobs
  for each row execute function private.set_updated_at();

alter table public.import_jobs enable row level security;
alter table public.import_files enable row level security;
alter table public.import_rejects enable row level security;
alter table private.import_contents enable row level security;

create policy "managers read their clinic's import jobs" on public.import_jobs
  for select to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers read their clinic's import files" on public.import_files
  for select to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers read their clinic's import rejects" on public.import_rejects
  for select to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));

grant select on public.import_jobs, public.import_files, public.import_rejects to authenticated;
grant select on public.import_jobs, public.import_files, public.import_rejects to service_role;

-- One patient of a spreadsheet; false: somebody with the same name, birth and contacts is there.
create function private.import_listed_patient(clinic_id uuid, entry jsonb) returns boolean
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select from public.patients
    where patients.clinic_id = import_listed_patient.clinic_id
      and patients.full_name = entry ->> 'full_name'
      and patients.date_of_birth is not distinct from (entry ->> 'date_of_birth')::date
      and (lower(patients.email) is not distinct from lower(entry ->> 'email')
        or patients.phone is not distinct from entry ->> 'phone')
  ) then
    return false;
  end if;
  if (entry ->> 'date_of_birth')::date > current_date then
    perform private.raise_error('invalid_input');
  end if;
  insert into public.patients (clinic_id, full_name, date_of_birth, email, phone)
  values (
    import_listed_patient.clinic_id, entry ->> 'full_name', (entry ->> 'date_of_birth')::date,
    lower(entry ->> 'email'), entry ->> 'phone'
  );
  return true;
end;
$$;

create function private.import_listed_provider(clinic_id uuid, entry jsonb) returns boolean
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select from public.providers
    where providers.clinic_id = import_listed_provider.clinic_id
      and lower(providers.full_name) = lower(entry ->> 'full_name')
      and lower(providers.speciality) is not distinct from lower(entry ->> 'speciality')
  ) then
    return false;
  end if;
  insert into public.providers (clinic_id, full_name, speciality)
  values (import_listed_provider.clinic_id, entry ->> 'full_name', entry ->> 'speciality');
  return true;
end;
$$;

-- Runs rows of one kind into one clinic, each in a savepoint of its own.
create function private.import_into(clinic_id uuid, kind text, rows jsonb)
returns table (row_number int, outcome text, reason text)
language plpgsql
set search_path = ''
as $$
declare
  bound jsonb := (
    select coalesce(jsonb_agg(
      entry || jsonb_build_object('into_clinic', import_into.clinic_id) order by place), '[]')
    from jsonb_array_elements(rows) with ordinality as given (entry, place)
  );
begin
  if kind = 'appointment' then
    perform private.lock_imported_schedules(bound);
  end if;
  return query
  select done.* from jsonb_array_elements(bound) as entry
  cross join lateral private.import_row(import_into.kind, entry) as done;
end;
$$;

-- The same without any effect: asks the database in earnest and takes everything back. `before` are
-- rows that must be there first, as {kind: rows}.
create function private.try_import_into(clinic_id uuid, kind text, rows jsonb, before jsonb)
returns table (row_number int, outcome text, reason text)
language plpgsql
set search_path = ''
as $$
declare
  outcomes jsonb;
begin
  begin
    perform private.import_into(try_import_into.clinic_id, first.key, first.value)
    from jsonb_each(coalesce(before, '{}')) as first;
    select jsonb_agg(to_jsonb(done)) into outcomes
    from private.import_into(
      try_import_into.clinic_id, try_import_into.kind, try_import_into.rows) as done;
    raise exception using errcode = 'ZZDRY';
  exception
    when sqlstate 'ZZDRY' then
      null;
  end;
  return query
  select told.* from jsonb_to_recordset(coalesce(outcomes, '[]'))
    as told (row_number int, outcome text, reason text);
end;
$$;

-- Whoever begins imports of the clinic, or ends them, waits for whoever does so now.
create function private.take_turns_at_imports(clinic_id uuid) returns void
language sql
set search_path = ''
as $$
  select pg_catalog.pg_advisory_xact_lock(
    pg_catalog.hashtextextended('imports_of:' || take_turns_at_imports.clinic_id, 0));
$$;

-- Queues a job; `files` is {name: {size_bytes, content}}, the content compressed with zlib, in base64.
-- Definer: writes what the service key may only read.
create function worker.create_import(
  clinic_id uuid, kind public.import_kind, dry_run boolean, requested_by uuid, files jsonb
) returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  job uuid;
begin
  if files is null or jsonb_typeof(files) <> 'object' or files = '{}' then
    perform private.raise_error('invalid_input', 'Give at least one file.');
  end if;
  perform private.take_turns_at_imports(create_import.clinic_id);
  if (
    select count(*) from public.import_jobs
    where import_jobs.clinic_id = create_import.clinic_id
      and import_jobs.status in ('queued', 'running')
  ) >= 5 then
    perform private.raise_error('limit_reached', 'Five imports are waiting. Try again afterwards.');
  end if;
  insert into public.import_jobs (clinic_id, kind, dry_run, requested_by)
  values (create_import.clinic_id, create_import.kind, create_import.dry_run,
    create_import.requested_by)
  returning id into job;
  insert into public.import_files (clinic_id, job_id, name, size_bytes)
  select create_import.clinic_id, job, key, (value ->> 'size_bytes')::int from jsonb_each(files);
  insert into private.import_contents (job_id, file, content)
  select job, key, decode(value ->> 'content', 'base64') from jsonb_each(files);
  perform private.log_access('added', create_import.clinic_id, null, 'import_jobs', job::text,
    actor_id => create_import.requested_by);
  -- A hint, as for messages: workers also look by themselves.
  perform realtime.send(jsonb_build_object('imports', 1), 'work_due', 'worker:outbox', true);
  return job;
end;
$$;

-- Leases the oldest job that waits or was abandoned; no row: nothing to do. A job that ended five
-- workers at the same place is taken for the cause and given up.
-- Definer: as create_import.
create function worker.claim_import(lease_seconds int default 60)
returns setof public.import_jobs
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.import_jobs set
    status = 'failed', error = 'The import was begun five times and got no further.',
    ended_at = now(), leased_until = null
  where import_jobs.status = 'running' and import_jobs.leased_until <= now()
    and import_jobs.attempts >= 5;
  delete from private.import_contents using public.import_jobs
  where import_jobs.id = import_contents.job_id and import_jobs.status in ('finished', 'failed');
  return query
  update public.import_jobs as taken set
    status = 'running',
    lease_id = gen_random_uuid(),
    leased_until = now() + make_interval(secs => claim_import.lease_seconds),
    started_at = coalesce(taken.started_at, now()),
    attempts = taken.attempts + 1
  where taken.id = any (array(
    select due.id from public.import_jobs as due
    where due.status = 'queued' or (due.status = 'running' and due.leased_until <= now())
    order by due.created_at, due.id
    limit 1
    for update skip locked
  ))
  returning taken.*;
end;
$$;

-- The files of a leased job, compressed and in base64, and the line each has reached; no row: the lease
-- is lost.
-- Definer: as create_import.
create function worker.read_import(job_id uuid, lease_id uuid)
returns table (name text, done_line int, content text)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return query
  select import_files.name, import_files.done_line, encode(import_contents.content, 'base64')
  from public.import_jobs
  join public.import_files on import_files.job_id = import_jobs.id
  join private.import_contents
    on import_contents.job_id = import_files.job_id and import_contents.file = import_files.name
  where import_jobs.id = read_import.job_id and import_jobs.lease_id = read_import.lease_id
    and import_jobs.status = 'running';
end;
$$;

-- Takes one batch of a file over and notes the outcomes, all in this transaction. `rejects` are rows
-- refused before they came here: {line, row_id, reason}. Asked again for lines that are done, changes
-- nothing. Returns false when the lease is lost.
-- Definer: as create_import.
create function worker.import_batch(
  job_id uuid,
  lease_id uuid,
  file text,
  kind text,
  rows jsonb,
  rejects jsonb,
  before jsonb,
  done_line int,
  done_bytes int,
  lease_seconds int default 60
) returns boolean
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  job public.import_jobs;
  reached int;
  newly int;
  known int;
  refused int;
begin
  perform private.check_import(import_batch.rows);
  if import_batch.kind not in ('patient', 'provider', 'appointment', 'listed_patient',
    'listed_provider') then
    perform private.raise_error('invalid_input');
  end if;
  select * into job from public.import_jobs
  where import_jobs.id = import_batch.job_id and import_jobs.lease_id = import_batch.lease_id
    and import_jobs.status = 'running'
  for update;
  if job.id is null then
    return false;
  end if;
  update public.import_jobs
  set leased_until = now() + make_interval(secs => import_batch.lease_seconds)
  where import_jobs.id = job.id;
  select import_files.done_line into strict reached from public.import_files
  where import_files.job_id = job.id and import_files.name = import_batch.file;
  if reached >= import_batch.done_line then
    return true;
  end if;

  -- Twice the same row number cannot come: the primary key of rejects would refuse the batch.
  with outcomes as materialized (
    select done.row_number as line, done.outcome, done.reason, null::uuid as row_id
    from private.import_into(job.clinic_id, import_batch.kind, import_batch.rows) as done
    where not job.dry_run
    union all
    select done.row_number, done.outcome, done.reason, null
    from private.try_import_into(
      job.clinic_id, import_batch.kind, import_batch.rows, import_batch.before) as done
    where job.dry_run
    union all
    select early.line, 'rejected', early.reason, early.row_id
    from jsonb_to_recordset(import_batch.rejects) as early (line int, row_id uuid, reason text)
  ),
  written as (
    insert into public.import_rejects (clinic_id, job_id, file, line, row_id, reason)
    select job.clinic_id, job.id, import_batch.file, outcomes.line, outcomes.row_id, outcomes.reason
    from outcomes where outcomes.outcome = 'rejected'
  )
  select
    count(*) filter (where outcomes.outcome = 'imported'),
    count(*) filter (where outcomes.outcome = 'already_there'),
    count(*) filter (where outcomes.outcome = 'rejected')
  into newly, known, refused
  from outcomes;
  update public.import_files set
    done_line = import_batch.done_line,
    done_bytes = import_batch.done_bytes,
    rows_read = rows_read + newly + known + refused,
    imported = imported + newly,
    already_there = already_there + known,
    rejected = rejected + refused
  where import_files.job_id = job.id and import_files.name = import_batch.file;
  -- What gets further is not what ends its workers.
  update public.import_jobs set attempts = 1 where import_jobs.id = job.id and job.attempts > 1;
  return true;
end;
$$;

-- Ends a job; with an error it has failed. Its content goes. False: the lease is lost.
-- Definer: as create_import.
create function worker.finish_import(job_id uuid, lease_id uuid, error text default null)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  update public.import_jobs set
    status = case when finish_import.error is null then 'finished' else 'failed' end
      ::public.import_status,
    error = left(finish_import.error, 300),
    leased_until = null,
    ended_at = now()
  where import_jobs.id = finish_import.job_id and import_jobs.lease_id = finish_import.lease_id
    and import_jobs.status = 'running';
  if not found then
    return false;
  end if;
  delete from private.import_contents where import_contents.job_id = finish_import.job_id;
  return true;
end;
$$;

comment on function worker.create_import(uuid, public.import_kind, boolean, uuid, jsonb) is
  'Queues the import of files, {name: {size_bytes, content: zlib, in base64}}, into the clinic; '
  'returns the job''s id.';
comment on function worker.claim_import(int) is
  'Leases the oldest job that waits or was abandoned; no row: there is none.';
comment on function worker.read_import(uuid, uuid) is
  'The files of a leased job, compressed and in base64, and the line each has reached.';
comment on function
  worker.import_batch(uuid, uuid, text, text, jsonb, jsonb, jsonb, int, int, int) is
  'Takes one batch over and counts it, once; false: the lease is lost.';
comment on function worker.finish_import(uuid, uuid, text) is
  'Ends a job, failed if there is an error; the uploaded content goes. False: the lease is lost.';

grant execute on function
  worker.create_import(uuid, public.import_kind, boolean, uuid, jsonb),
  worker.claim_import(int),
  worker.read_import(uuid, uuid),
  worker.import_batch(uuid, uuid, text, text, jsonb, jsonb, jsonb, int, int, int),
  worker.finish_import(uuid, uuid, text)
to service_role;
