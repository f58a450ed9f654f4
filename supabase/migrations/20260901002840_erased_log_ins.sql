-- Erased log-ins: who was erased and is needed nowhere else, until Auth has deleted the account.
-- Promises: a crash between the two leaves no account behind: what was queued with the erasure is
--           deleted by a worker if the API could not.
-- Access: the service key alone.

create table private.log_ins_to_delete (
  user_id uuid primary key references auth.users (id) on delete cascade,
  queued_at timestamptz not null default now(),
  tried_at timestamptz
);

comment on table private.log_ins_to_delete is
  'Accounts of erased people. A row goes with the account, which only Auth deletes.';

comment on column private.log_ins_to_delete.tried_at is
  'When a worker last took it on; null: never. One that Auth will not delete is behind all others.';

alter table private.log_ins_to_delete enable row level security;

-- Erases one person, as erase_person does, and queues the log-ins that nobody needs any more.
-- Definer: the service key has no privilege on private tables.
create function worker.erase_with_log_in(
  patient_id uuid default null, user_id uuid default null, requested_by uuid default null
) returns worker.erasure
language plpgsql
security definer
set search_path = ''
as $$
declare
  erased worker.erasure;
begin
  -- Answers that are remembered for a day may name the person, such as one to an invitation.
  delete from private.flow_requests as remembered
  using (
    select patients.email from public.patients where patients.id = erase_with_log_in.patient_id
    union
    select users.email from auth.users where users.id = erase_with_log_in.user_id
  ) as known
  where position(lower(known.email) in lower(remembered.response)) > 0;
  erased := worker.erase_person(
    erase_with_log_in.patient_id, erase_with_log_in.user_id, erase_with_log_in.requested_by);
  insert into private.log_ins_to_delete (user_id)
  select login.id from unnest(erased.user_ids_without_records) as login (id)
  on conflict do nothing;
  return erased;
end;
$$;

-- Whom Auth has yet to delete; somebody who became a patient or member meanwhile is left alone.
-- Definer: as erase_with_log_in.
create function worker.log_ins_to_delete(most int default 50) returns setof uuid
language plpgsql
security definer
set search_path = ''
as $$
begin
  delete from private.log_ins_to_delete as queued
  where exists (select from public.patients where patients.user_id = queued.user_id)
    or exists (select from public.members where members.user_id = queued.user_id)
    or exists (select from public.guardians where guardians.user_id = queued.user_id);
  return query
  update private.log_ins_to_delete as queued set tried_at = now()
  where queued.user_id = any (array(
    select waiting.user_id from private.log_ins_to_delete as waiting
    order by waiting.tried_at nulls first, waiting.queued_at, waiting.user_id
    limit log_ins_to_delete.most
    for no key update skip locked
  ))
  returning queued.user_id;
end;
$$;

comment on function worker.erase_with_log_in(uuid, uuid, uuid) is
  'As worker.erase_person; the log-ins that nothing needs any more are queued for deletion by Auth.';
comment on function worker.log_ins_to_delete(int) is 'Accounts of erased people, for Auth to delete; those tried longest ago first.';

grant execute on function
  worker.erase_with_log_in(uuid, uuid, uuid),
  worker.log_ins_to_delete(int)
to service_role;
