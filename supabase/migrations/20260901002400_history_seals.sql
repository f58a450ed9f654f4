-- Seals: what makes the end of the history, and whole appointments, impossible to remove unseen.
-- A chain per appointment costs the booking path no lock that two appointments share; the seals
-- join the chains of a clinic afterwards, batch by batch, each over the one before.
-- Promises: complete_history.
-- Access: owners and managers read their clinic's seals and have its history checked; the service
--         key seals.

create table public.history_seals (
  id bigint generated always as identity primary key,
  clinic_id uuid not null references public.clinics (id),
  position int not null,
  settled_from xid8 not null,
  settled_before xid8 not null,
  after_event_id bigint not null,
  last_event_id bigint not null,
  event_count bigint not null,
  prev_hash bytea,
  hash bytea not null,
  sealed_at timestamptz not null default now(),
  constraint history_seals_once_per_position unique (clinic_id, position)
);

comment on table public.history_seals is
  'One hash over each batch of a clinic''s history. Kept elsewhere, the newest proves all before it.';
comment on column public.history_seals.position is 'Counts a clinic''s seals from 1, without gaps.';
comment on column public.history_seals.settled_from is
  'Covers events of transactions from this one on; the settled_before of the seal before.';
comment on column public.history_seals.settled_before is
  'Covers events of transactions before this one, all of which were over when it was sealed.';
comment on column public.history_seals.after_event_id is
  'Covers events with a greater id. Not 0 only after a restore into another server, whose '
  'transactions are counted anew.';
comment on column public.history_seals.last_event_id is 'The greatest id of an event covered.';
comment on column public.history_seals.prev_hash is 'The hash of the seal before; null for the first.';
comment on column public.history_seals.hash is
  'SHA-256 over prev_hash, the other columns, and id and hash of every event covered.';

create trigger _100_refuse_change before update or delete on public.history_seals
  for each row execute function private.refuse_rewriting_history();
create trigger _100_refuse_truncate before truncate on public.history_seals
  for each statement execute function private.refuse_rewriting_history();

alter table public.history_seals enable row level security;

create policy "managers read their clinic's seals" on public.history_seals
  for select to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));

grant select on public.history_seals to authenticated, service_role;

-- The hash that a seal must have: over itself and the events it covers, as they are now.
create function private.seal_hash(seal public.history_seals) returns bytea
language plpgsql
stable
set search_path = ''
as $$
declare
  events bytea;
begin
  select string_agg(int8send(event.id) || event.hash, ''::bytea order by event.id) into events
  from public.appointment_events as event
  where event.clinic_id = seal.clinic_id
    and event.transaction_id >= seal.settled_from and event.transaction_id < seal.settled_before
    and event.id > seal.after_event_id and event.id <= seal.last_event_id;
  return sha256(convert_to(
    jsonb_build_array(
      encode(seal.prev_hash, 'hex'), seal.clinic_id, seal.position, seal.settled_from::text,
      seal.settled_before::text, seal.after_event_id, seal.last_event_id, seal.event_count
    )::text, 'UTF8') || coalesce(events, ''));
end;
$$;

-- Seals clinics' events that are not sealed yet and whose transactions are all over: only then can no
-- earlier event appear any more. Whose last seal is the oldest come first. A seal covers no more than so
-- many events, but always whole transactions. Two sealers at once: one of them does nothing.
-- Definer: the service key has no privilege to write seals.
create function worker.seal_history(most_clinics int default 100, most_events int default 2000)
returns table (clinic_id uuid, seal_position int, event_count bigint, hash text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  seal public.history_seals;
begin
  if coalesce(seal_history.most_clinics, 0) not between 1 and 1000
    or coalesce(seal_history.most_events, 0) not between 1 and 100000 then
    perform private.raise_error('invalid_input', 'Seal 1 to 100000 events of 1 to 1000 clinics.');
  end if;
  for seal in
    -- One statement, so that all of it sees one snapshot.
    with chosen as materialized (
      select clinics.id, last.position, last.hash, began.settled_from, began.after_event_id,
        settled.before
      from (
        select pg_snapshot_xmin(pg_current_snapshot()) as before,
          pg_snapshot_xmax(pg_current_snapshot()) as newest
      ) as settled
      cross join public.clinics
      left join lateral (
        select * from public.history_seals as seals
        where seals.clinic_id = clinics.id
        order by seals.position desc
        limit 1
      ) as last on true
      cross join lateral (
        select
          case when restored then '0'::xid8 else coalesce(last.settled_before, '0'::xid8) end
            as settled_from,
          case when restored then (
            select max(seals.last_event_id) from public.history_seals as seals
            where seals.clinic_id = clinics.id
          ) else coalesce(last.after_event_id, 0) end as after_event_id
        from (select coalesce(last.settled_before > settled.newest, false) as restored)
      ) as began
      where exists (
        select from public.appointment_events as event
        where event.clinic_id = clinics.id
          and event.transaction_id >= began.settled_from
          and event.transaction_id < settled.before
          and event.id > began.after_event_id
      )
      order by last.sealed_at nulls first, clinics.id
      limit seal_history.most_clinics
    )
    select
      null::bigint, chosen.id, coalesce(chosen.position, 0) + 1, chosen.settled_from,
      piece.settled_before, chosen.after_event_id, unsealed.last_event_id, unsealed.event_count,
      chosen.hash, null::bytea, now()
    from chosen
    -- The transaction after that of the last event for which there is room.
    cross join lateral (
      select coalesce((
        select event.transaction_id from public.appointment_events as event
        where event.clinic_id = chosen.id
          and event.transaction_id > (
            select full_with.transaction_id from public.appointment_events as full_with
            where full_with.clinic_id = chosen.id
              and full_with.transaction_id >= chosen.settled_from
              and full_with.transaction_id < chosen.before
              and full_with.id > chosen.after_event_id
            order by full_with.transaction_id
            offset seal_history.most_events - 1 limit 1
          )
          and event.transaction_id < chosen.before
        order by event.transaction_id
        limit 1
      ), chosen.before) as settled_before
    ) as piece
    cross join lateral (
      select max(event.id) as last_event_id, count(*) as event_count
      from public.appointment_events as event
      where event.clinic_id = chosen.id
        and event.transaction_id >= chosen.settled_from
        and event.transaction_id < piece.settled_before
        and event.id > chosen.after_event_id
    ) as unsealed
    order by chosen.id
  loop
    insert into public.history_seals (clinic_id, position, settled_from, settled_before,
      after_event_id, last_event_id, event_count, prev_hash, hash)
    values (seal.clinic_id, seal.position, seal.settled_from, seal.settled_before,
      seal.after_event_id, seal.last_event_id, seal.event_count, seal.prev_hash,
      private.seal_hash(seal))
    on conflict do nothing
    returning history_seals.clinic_id, history_seals.position, history_seals.event_count,
      encode(history_seals.hash, 'hex')
    into clinic_id, seal_position, event_count, hash;
    if found then
      return next;
    end if;
  end loop;
end;
$$;

comment on function worker.seal_history(int, int) is
  'Seals what is new in clinics'' histories, one seal for each. The hashes returned are worth keeping '
  'elsewhere. As many clinics as asked for, or a seal of that many events: there may be more.';

-- What is wrong with a clinic's history, in words; no row: nothing is.
-- Definer: reads all of a clinic's appointments and events for owners and managers.
create function public.verify_history(clinic_id uuid)
returns table (problem text, appointment_id uuid, event_id bigint, detail text)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if not private.is_trusted()
    and not verify_history.clinic_id in (select private.my_clinics_as('owner', 'manager')) then
    perform private.raise_error('not_found');
  end if;
  return query
  with linked as (
    select event.id, event.appointment_id, event.version, event.kind, event.prev_hash, event.hash,
      private.event_hash(event) as hash_now,
      lag(event.hash) over chain as hash_before,
      lag(event.kind) over chain as kind_before,
      row_number() over chain = count(*) over (partition by event.appointment_id) as is_last
    from public.appointment_events as event
    where event.clinic_id = verify_history.clinic_id
    window chain as (partition by event.appointment_id order by event.id)
  )
  select 'altered', linked.appointment_id, linked.id,
    'The event does not say any more what it said when it was written.'
  from linked where linked.hash <> linked.hash_now
  union all
  select 'out_of_chain', linked.appointment_id, linked.id,
    'Between this event and the one before, an event was removed or added.'
  from linked
  where case
    when linked.kind = 'created'
    then linked.prev_hash is not null or linked.kind_before <> 'removed'
    else linked.prev_hash is distinct from linked.hash_before
  end
  union all
  select 'end_missing', coalesce(visit.id, linked.appointment_id), linked.id, case
    when linked.id is null then 'The appointment has no history.'
    when visit.id is null then 'The appointment is gone, but its removal is not in the history.'
    else 'The last change of the appointment is not in the history.'
  end
  from (select * from linked where linked.is_last) as linked
  full join (
    select * from public.appointments where appointments.clinic_id = verify_history.clinic_id
  ) as visit on visit.id = linked.appointment_id
  where (visit.id is not null or linked.kind <> 'removed')
    and (linked.version is distinct from visit.version or linked.kind = 'removed')
  union all
  select 'seal_broken', null, null, format(
    'Events that seal %s of %s covers were altered, removed or added, or the seal was altered.',
    seal.position, seal.sealed_at::date)
  from public.history_seals as seal
  where seal.clinic_id = verify_history.clinic_id and seal.hash <> private.seal_hash(seal)
  union all
  select 'seal_missing', null, null, format('A seal before number %s was removed.', seal.position)
  from (
    select seals.*, lag(seals.hash) over seals_in_order as hash_before,
      row_number() over seals_in_order as expected_position
    from public.history_seals as seals
    where seals.clinic_id = verify_history.clinic_id
    window seals_in_order as (order by seals.position)
  ) as seal
  where seal.position <> seal.expected_position
    or seal.prev_hash is distinct from seal.hash_before;
end;
$$;

comment on function public.verify_history(uuid) is
  'Checks a clinic''s whole history and lists what is wrong with it; no row: nothing is. '
  'Owners and managers only.';

grant execute on function worker.seal_history(int, int) to service_role;
grant execute on function public.verify_history(uuid) to authenticated, service_role;
