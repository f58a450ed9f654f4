-- The workers' queue: claim, begin, complete, fail. At-least-once with leases: a worker that dies
-- loses nothing, and the notification's id makes the idempotency key with the mail provider.
-- Promises: sent_once; nothing is handed out about a state that no longer holds; what may have been
--           sent and can no longer be asked for again safely goes to a person.
-- Access: the service key alone.

create table private.notification_payloads (
  notification_id uuid primary key references public.notifications (id) on delete cascade,
  content jsonb,
  frozen jsonb,
  trying_since timestamptz,
  uncertain_since timestamptz,
  batch_id uuid,
  created_at timestamptz not null default now()
);

create index notification_payloads_by_age on private.notification_payloads (created_at);

comment on table private.notification_payloads is
  'What a message is made of, while it is on its way; gone with its final state. Personal data.';
comment on column private.notification_payloads.content is
  'Of a log-in mail: address, code and link. Of others it is looked up; null.';
comment on column private.notification_payloads.frozen is
  'The message to the letter, since it was first tried: a second try must be the same request. Its '
  'address, and all of it as the worker packed it.';
comment on column private.notification_payloads.trying_since is
  'When the try began that has no known outcome yet; null: none.';
comment on column private.notification_payloads.uncertain_since is
  'When the first try began that may have reached the provider; null: none.';
comment on column private.notification_payloads.batch_id is
  'The request with others in which it was tried; null: it goes alone, under its own key. Outlives '
  'the batch, so that a message of unknown fate is not tried again under another key.';

alter table private.notification_payloads enable row level security;

create type private.verdict as (
  status public.notification_status,
  reason text,
  due_at timestamptz
);

comment on type private.verdict is
  'What becomes of a message that was claimed, and why. All null: it is sent.';

-- Why a message about a visit must not be sent any more; null: send it. A newer message for the
-- same person says everything an older one would.
create function private.why_obsolete(
  notification public.notifications, visit public.appointments
) returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return case
    when visit.id is null then 'appointment_removed'
    when case notification.kind
      when 'cancellation' then visit.status not in ('cancelled', 'entered_in_error')
      when 'staff_cancellation' then visit.status <> 'cancelled'
      when 'offer' then visit.status <> 'held'
      when 'request' then visit.status <> 'pending'
      when 'staff_request' then visit.status <> 'pending'
      when 'follow_up' then visit.status <> 'noshow'
      else visit.status not in ('booked', 'arrived')
    end then 'status_changed'
    when notification.kind = 'reminder' and visit.status <> 'booked' then 'status_changed'
    when notification.kind = 'offer' and visit.hold_expires_at <= now() then 'over'
    when case when notification.kind = 'follow_up'
      then visit.starts_at <= now() - interval '14 days' else visit.starts_at <= now()
    end then 'over'
    when exists (
      select from public.notifications as newer
      where newer.appointment_id = notification.appointment_id
        and newer.recipient_id is not distinct from notification.recipient_id
        and newer.recipient_user_id is not distinct from notification.recipient_user_id
        and newer.channel = notification.channel
        and (
          newer.appointment_version > notification.appointment_version
          -- Reminders that were held up say the same; the last one is enough.
          or (newer.appointment_version = notification.appointment_version
            and newer.reminder_minutes < notification.reminder_minutes and newer.due_at <= now()
            and newer.last_error is distinct from 'offset_dropped')
        )
    ) then 'superseded'
  end;
end;
$$;

-- Where a message goes; null: nowhere (any more). Members get theirs at the address they confirmed,
-- as long as they are members.
create function private.address_for(message public.notifications) returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  address text;
begin
  -- One plain statement each: a single one of all costs twice as much, for every message.
  if message.recipient_id is not null then
    select private.address_of(patients) into address from public.patients
    where patients.id = message.recipient_id;
  elsif message.recipient_user_id is not null then
    select lower(users.email) into address
    from auth.users join public.members on members.user_id = users.id
    where users.id = message.recipient_user_id and users.email_confirmed_at is not null
      and members.clinic_id = message.clinic_id and members.active;
  elsif message.kind = 'guardian_invitation' then
    select invitation.email into address from public.guardian_invitations as invitation
    where invitation.id = message.id;
  else
    select payload.content ->> 'address' into address
    from private.notification_payloads as payload
    where payload.notification_id = message.id;
  end if;
  return address;
end;
$$;

-- Judges a message that was just leased. `remembered` is how long the provider recognises a second
-- try as the same message.
create function private.judge(message public.notifications, remembered interval)
returns private.verdict
language plpgsql
stable
set search_path = ''
as $$
declare
  visit public.appointments;
  payload private.notification_payloads;
  address text;
  reason text;
begin
  if message.kind = 'log_in' then
    reason := case when message.created_at < now() - interval '1 hour' then 'over' end;
  elsif message.kind = 'agenda' then
    reason := case when message.due_at < now() - interval '6 hours' then 'over'
      when private.agenda_of(message.provider_id, message.day) = '[]' then 'nothing_planned' end;
  elsif message.kind = 'guardian_invitation' then
    reason := case when not exists (
      select from public.guardian_invitations as invitation
      where invitation.id = message.id and private.offered_until(invitation) is not null
    ) then 'over' end;
  else
    select * into visit from public.appointments where appointments.id = message.appointment_id;
    reason := private.why_obsolete(message, visit);
  end if;
  if reason is not null then
    return ('skipped', reason, null)::private.verdict;
  end if;

  address := private.address_for(message);
  if address is null then
    return ('skipped', 'no_address', null)::private.verdict;
  end if;
  select * into payload from private.notification_payloads
  where notification_payloads.notification_id = message.id;
  if coalesce(payload.uncertain_since, payload.trying_since) <= now() - remembered
    or (coalesce(payload.uncertain_since, payload.trying_since) is not null
      and (payload.frozen ->> 'to' <> address
        or not exists (
          select from private.notification_queue as queue
          where queue.notification_id = message.id
            and queue.batch_id is not distinct from payload.batch_id
        ))) then
    return ('dead', 'unknown_fate', null)::private.verdict;
  end if;
  if message.kind <> 'log_in' and private.is_suppressed(message, address) then
    return ('dead', 'address_suppressed', null)::private.verdict;
  end if;
  if message.leases_lost >= 6 then
    return ('dead', 'workers_lost', null)::private.verdict;
  end if;
  return private.judge_by_preference(message, visit);
end;
$$;

-- Leases messages that were locked; those of which a lease ran out have lost a worker.
create function private.lease(notification_ids uuid[], lease_seconds int) returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.notifications set
    status = 'sending',
    lease_id = gen_random_uuid(),
    leased_until = now() + make_interval(secs => lease.lease_seconds),
    attempts = notifications.attempts + 1,
    leases_lost = notifications.leases_lost
      + case when notifications.status = 'sending' then 1 else 0 end
  where notifications.id = any (notification_ids);
end;
$$;

-- Leases up to `batch` due messages, the most urgent first, and then up to `bulk` of the least urgent,
-- which can share requests, unless more of the urgent ones may be waiting. Null: these, too, count
-- towards the batch. A message that was lost with its worker twice is leased alone: should it be what
-- kills them, it takes no other along until it is given up.
create function private.lease_due(batch int, bulk int, lease_seconds int) returns uuid[]
language plpgsql
set search_path = ''
as $$
declare
  leased uuid[] := '{}';
  suspect uuid;
  most int;
begin
  for level in 0 .. 2 loop
    most := batch - cardinality(leased);
    if level = 2 and most > 0 then
      most := coalesce(bulk, most);
    end if;
    continue when most <= 0;
    leased := leased || private.take_first(level::smallint, most);
  end loop;
  select message.id into suspect from public.notifications as message
  where message.id = any (leased) and message.leases_lost >= 2
  order by message.leases_lost, message.id
  limit 1;
  if suspect is not null then
    leased := array[suspect];
  end if;
  perform private.lease(leased, lease_seconds);
  return leased;
end;
$$;

-- Gives leased messages back that must not be sent, now or at all. What was tried in one request with
-- others and cannot be tried again there is of unknown fate, unless the provider certainly refused
-- that request.
create function private.settle(
  settled uuid[], statuses public.notification_status[], reasons text[], due_ats timestamptz[]
) returns void
language plpgsql
set search_path = ''
as $$
begin
  update private.notification_queue set batch_id = null
  where notification_queue.notification_id = any (settled)
    and notification_queue.batch_id is not null;
  update private.notification_payloads as payload set batch_id = null
  where payload.notification_id = any (settled) and payload.batch_id is not null
    and coalesce(payload.uncertain_since, payload.trying_since) is null;
  update public.notifications as message set
    status = verdict.status,
    leased_until = null,
    last_error = verdict.reason,
    -- What only waits for a better hour was not tried.
    attempts = message.attempts - case when verdict.status = 'queued' then 1 else 0 end,
    -- Not due at once, whatever the verdict: the claim that made it would take it again, for ever.
    due_at = case when verdict.status = 'queued'
      then greatest(verdict.due_at, now() + interval '1 second') else message.due_at end
  from unnest(settled, statuses, reasons, due_ats) as verdict (id, status, reason, due_at)
  where message.id = verdict.id;
  delete from private.notification_payloads as payload using public.notifications as message
  where payload.notification_id = any (settled) and message.id = payload.notification_id
    and message.status = 'skipped';
end;
$$;

-- Settles those of the leased messages that must not be sent, now or at all; returns the others.
-- Without sequential scans, as the queue's triggers, also in what it calls.
create function private.settle_unsendable(leased uuid[], remembered interval) returns uuid[]
language plpgsql
set search_path = ''
set enable_seqscan = off
as $$
declare
  sendable uuid[];
  settled uuid[];
  statuses public.notification_status[];
  reasons text[];
  due_ats timestamptz[];
begin
  with judged as materialized (
    select message.id, private.judge(message, remembered) as verdict
    from public.notifications as message where message.id = any (leased)
  )
  select
    array_agg(judged.id) filter (where (judged.verdict).status is null),
    array_agg(judged.id) filter (where (judged.verdict).status is not null),
    array_agg((judged.verdict).status) filter (where (judged.verdict).status is not null),
    array_agg((judged.verdict).reason) filter (where (judged.verdict).status is not null),
    array_agg((judged.verdict).due_at) filter (where (judged.verdict).status is not null)
  into sendable, settled, statuses, reasons, due_ats
  from judged;
  if settled is not null then
    perform private.settle(settled, statuses, reasons, due_ats);
  end if;
  return coalesce(sendable, '{}');
end;
$$;

-- Marks messages sent whose provider has them.
create function private.mark_sent(notification_ids uuid[]) returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.notifications as message set
    status = 'sent', sent_at = coalesce(message.sent_at, now()), leased_until = null,
    last_error = null
  where message.id = any (notification_ids) and message.status in ('queued', 'sending');
  delete from private.notification_payloads as payload
  where payload.notification_id = any (notification_ids);
end;
$$;

-- Whether one claim has settled enough of what must not be sent: a long backlog would outlast the time
-- that a statement has, and nothing of it would ever be settled. All workers are told then that more is
-- due, so that they claim again.
create function private.settled_enough(settled int) returns boolean
language plpgsql
set search_path = ''
as $$
begin
  if settled < 2000 and clock_timestamp() < statement_timestamp() + interval '2 seconds' then
    return false;
  end if;
  perform private.send_broadcasts(array[private.work_due(1)]);
  return true;
end;
$$;

-- Leases what is left of one batch that a worker began and did not end, and returns what must be sent.
-- Batches are locked before their messages, everywhere.
create function private.lease_batch(lease_seconds int, remembered interval) returns uuid[]
language plpgsql
set search_path = ''
as $$
declare
  batch private.sending_batches;
  held uuid[];
  settled int := 0;
begin
  loop
    select * into batch from private.sending_batches
    where sending_batches.ready_at <= now()
    order by sending_batches.ready_at
    limit 1
    for update skip locked;
    if batch.id is null then
      return '{}';
    end if;
    held := array(
      select message.id
      from private.notification_queue as queue
      join public.notifications as message on message.id = queue.notification_id
      where queue.batch_id = batch.id and message.status in ('queued', 'sending')
      order by message.id
      for no key update of message
    );
    if batch.accepted then
      perform private.mark_sent(held);
      held := '{}';
    else
      perform private.lease(held, lease_seconds);
      held := private.settle_unsendable(held, remembered);
    end if;
    if held <> '{}' then
      update private.sending_batches set
        ready_at = now() + make_interval(secs => lease_batch.lease_seconds)
      where sending_batches.id = batch.id;
      return held;
    end if;
    delete from private.sending_batches where sending_batches.id = batch.id;
    settled := settled + 100;
    if private.settled_enough(settled) then
      return '{}';
    end if;
  end loop;
end;
$$;

-- Leases what is due, and settles at once what must not be sent; returns what must. Again while all
-- that was due turned out to be settled, so that an empty answer means idle, unless settled_enough told
-- of more.
create function private.lease_sendable(
  batch int, bulk int, lease_seconds int, remembered interval
) returns uuid[]
language plpgsql
set search_path = ''
as $$
declare
  begun uuid[] := '{}';
  leased uuid[];
  sendable uuid[];
  settled int := 0;
begin
  -- Who cannot send batches leaves them to others, and takes out of them what may go alone if nobody
  -- ever will.
  if bulk > 0 or (bulk is null and remembered = interval '0') then
    begun := private.lease_batch(lease_seconds, remembered);
    if bulk is null and begun <> '{}' then
      delete from private.sending_batches where sending_batches.id = (
        select queue.batch_id from private.notification_queue as queue
        where queue.notification_id = begun[1]
      );
      update private.notification_payloads as payload set batch_id = null
      where payload.notification_id = any (begun);
    end if;
  end if;
  loop
    -- Leased in a statement of its own: the next one has a newer snapshot, in which whatever was
    -- committed together with the leased rows can be seen.
    leased := private.lease_due(
      batch, case when begun = '{}' or bulk is null then bulk else 0 end, lease_seconds);
    exit when leased = '{}';
    sendable := private.settle_unsendable(leased, remembered);
    settled := settled + cardinality(leased);
    exit when sendable <> '{}' or private.settled_enough(settled);
  end loop;
  return begun || coalesce(sendable, '{}');
end;
$$;

-- Definer: reads what a mail needs; the service key has no privilege to write the queue.
-- Plans that hold for every message, here and wherever the queue is worked on: the longer the ledger, the
-- more a plan for each single one seems to gain, and making it costs as much as half of the work.
create function worker.claim_notifications(
  batch int default 20, lease_seconds int default 60, remembered_seconds int default 82800,
  bulk int default null
)
returns table (
  notification_id uuid,
  lease_id uuid,
  kind text,
  channel text,
  recipient_address text,
  recipient_name text,
  -- Of whom a guardian reads.
  patient_name text,
  locale text,
  attempts int,
  appointment_id uuid,
  appointment_version int,
  clinic_name text,
  location_name text,
  location_address text,
  location_phone text,
  provider_name text,
  service_name text,
  starts_at timestamptz,
  ends_at timestamptz,
  time_zone text,
  clock_hours smallint,
  answer_by timestamptz,
  queued_at timestamptz,
  preparation text,
  action_tokens jsonb,
  content jsonb,
  -- With others in one request; what is not planned long ahead goes alone, and first.
  may_share boolean,
  frozen jsonb
)
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
#variable_conflict use_column
declare
  secret text := (select value from private.settings where key = 'action_links_secret');
  claimed uuid[];
begin
  if coalesce(claim_notifications.batch, 0) not between 1 and 1000
    or coalesce(claim_notifications.lease_seconds, 0) not between 1 and 86400
    or coalesce(claim_notifications.remembered_seconds, -1) not between 0 and 86400
    or claim_notifications.bulk not between 0 and 1000 then
    perform private.raise_error('invalid_input', 'Claim 1 to 1000 for 1 to 86400 seconds.');
  end if;
  claimed := private.lease_sendable(claim_notifications.batch, claim_notifications.bulk,
    claim_notifications.lease_seconds,
    make_interval(secs => claim_notifications.remembered_seconds));
  -- As for most who look: to plan what follows takes longer than the look.
  if claimed = '{}' then
    return;
  end if;

  return query
  select
    message.id, message.lease_id,
    -- Who had another time is told that it is theirs no more.
    case when message.kind = 'request' and exists (
      select from public.appointment_events as event
      where event.appointment_id = message.appointment_id
        and event.version <= message.appointment_version and event.before ->> 'status' = 'booked'
    ) then 'move_request' else message.kind::text end,
    message.channel::text,
    reached.address, case when patient.email is not null then patient.full_name end,
    case when patient.email is null then patient.full_name end,
    coalesce(preference.language, patient.locale, clinic.locale), message.attempts,
    message.appointment_id, message.appointment_version, clinic.name, place.name, place.address,
    place.phone,
    coalesce(provider.full_name, whose.full_name),
    service.name, visit.starts_at, visit.ends_at, coalesce(place.time_zone, clinic.time_zone),
    clinic.clock_hours,
    case when message.kind = 'offer' then visit.hold_expires_at end,
    message.created_at, service.preparation,
    private.links_for(message, visit, service.cancel_notice_minutes, secret),
    case when message.kind = 'agenda' then jsonb_build_object(
      'day', message.day, 'visits', private.agenda_of(message.provider_id, message.day)
    ) when message.kind = 'guardian_invitation' then jsonb_build_object(
      'language', private.language_of_invitation(message.id)
    ) else payload.content end,
    message.priority = 2,
    case when payload.frozen ->> 'to' = reached.address then payload.frozen end
  from public.notifications as message
  -- Once for each; without the offset it would be once for each mention.
  cross join lateral (select private.address_for(message) as address offset 0) as reached
  left join private.notification_payloads as payload
    on payload.notification_id = message.id and payload.notification_id = any (claimed)
  left join public.patients as patient on patient.id = message.recipient_id
  left join public.appointments as visit on visit.id = message.appointment_id
  left join public.clinics as clinic on clinic.id = message.clinic_id
  left join public.locations as place on place.id = visit.location_id
  left join public.providers as provider on provider.id = visit.provider_id
  left join public.providers as whose on whose.id = message.provider_id
  left join public.services as service on service.id = visit.service_id
  left join public.notification_preferences as preference
    on preference.clinic_id = message.clinic_id and (
      preference.patient_id = message.recipient_id or preference.user_id = message.recipient_user_id
    )
  where message.id = any (claimed)
  order by message.priority, message.due_at, message.id;
end;
$$;

-- Groups leased messages, in the order given, which is that of their priority, into requests to the
-- provider: the least urgent that are marked as bulk and were not tried before share requests of up to
-- a hundred, those of a batch stay together, all others go alone.
create function private.requests_for(messages jsonb)
returns table (notification_id uuid, request int, batch_id uuid, frozen jsonb)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_material = off
as $$
#variable_conflict use_column
begin
  return query
  with given as (
    select message.id, item.position, item.value -> 'frozen' as frozen, queue.batch_id,
      coalesce((item.value ->> 'bulk')::boolean, false) and message.priority = 2
        and queue.batch_id is null and payload.notification_id is null as is_bulk
    from jsonb_array_elements(messages) with ordinality as item (value, position)
    join public.notifications as message
      on message.id = (item.value ->> 'notification_id')::uuid
      and message.lease_id = (item.value ->> 'lease_id')::uuid and message.status = 'sending'
    -- Looked up one by one: both tables are counted as empty, and may be full of dead rows.
    cross join lateral (
      select waiting.batch_id from private.notification_queue as waiting
      where waiting.notification_id = message.id offset 0
    ) as queue
    left join lateral (
      select written.notification_id from private.notification_payloads as written
      where written.notification_id = message.id offset 0
    ) as payload on true
    order by message.id
    for no key update of message
  ), grouped as (
    select given.*, case
        when given.batch_id is not null then given.batch_id::text
        when given.is_bulk then 'bulk ' || (
          row_number() over (partition by given.is_bulk order by given.position) - 1) / 100
        else given.id::text end as together
    from given
  ), numbered as (
    select grouped.*, min(grouped.position) over (partition by grouped.together) as first_position
    from grouped
  )
  select numbered.id, dense_rank() over (order by numbered.first_position)::int,
    numbered.batch_id, numbered.frozen
  from numbered
  order by numbered.position;
end;
$$;

-- Asks once more of leased messages about visits whether they still hold: writing them took a while.
create function private.skip_obsolete(messages jsonb) returns void
language plpgsql
set search_path = ''
as $$
declare
  obsolete uuid[];
  reasons text[];
begin
  -- Nobody else may settle them meanwhile: locked, and only then judged.
  with leased as materialized (
    select message as it
    from jsonb_array_elements(messages) as item
    join public.notifications as message
      on message.id = (item ->> 'notification_id')::uuid
      and message.lease_id = (item ->> 'lease_id')::uuid and message.status = 'sending'
    where message.appointment_version is not null
    order by message.id
    for no key update of message
  ), judged as materialized (
    select (leased.it).id, private.why_obsolete(leased.it, visit) as reason
    from leased left join public.appointments as visit on visit.id = (leased.it).appointment_id
  )
  select array_agg(judged.id), array_agg(judged.reason) into obsolete, reasons
  from judged where judged.reason is not null;
  if obsolete is not null then
    perform private.settle(obsolete,
      array_fill('skipped'::public.notification_status, array[cardinality(obsolete)]), reasons,
      array_fill(null::timestamptz, array[cardinality(obsolete)]));
  end if;
end;
$$;

-- The key under which the provider knows a message that goes alone; another one for what is another
-- mail, because the provider would not take it under the key of the mail before.
create function private.sending_key(message public.notifications) returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return message.id || case when message.resent > 0 then '-' || message.resent else '' end;
end;
$$;

-- Definer: as claim_notifications.
create function worker.begin_sending(messages jsonb, per_second numeric, within_seconds numeric)
returns table (notification_id uuid, starts_in numeric, batch_id uuid, sending_key text)
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
#variable_conflict use_column
declare
  ids uuid[];
  requests int[];
  batch_ids uuid[];
  letters jsonb[];
  granted int;
  first_in numeric;
  next_in interval;
begin
  perform private.skip_obsolete(begin_sending.messages);
  with wanted as materialized (
    select * from private.requests_for(begin_sending.messages)
  ), shared as materialized (
    select wanted.request, gen_random_uuid() as id
    from wanted group by wanted.request having count(*) > 1
  )
  select array_agg(wanted.notification_id), array_agg(wanted.request), array_agg(wanted.frozen),
    array_agg(coalesce(wanted.batch_id, shared.id))
  into ids, requests, letters, batch_ids
  from wanted left join shared on shared.request = wanted.request;
  select budget.granted, budget.first_in into granted, first_in
  from private.take_sending_budget(
    coalesce((select max(request) from unnest(requests) as request), 0),
    begin_sending.per_second, begin_sending.within_seconds) as budget;
  next_in := make_interval(secs => first_in + granted / begin_sending.per_second);

  insert into private.sending_batches (id, ready_at)
  select begun.batch_id, min(message.leased_until)
  from unnest(ids, requests, batch_ids) as begun (id, request, batch_id)
  join public.notifications as message on message.id = begun.id
  where begun.request <= granted and begun.batch_id is not null
  group by begun.batch_id
  on conflict (id) do nothing;
  update private.notification_queue as queue set batch_id = begun.batch_id
  from unnest(ids, requests, batch_ids) as begun (id, request, batch_id)
  -- The ids once more for plans that expect an empty queue.
  where queue.notification_id = any (ids)
    and queue.notification_id = begun.id and begun.request <= granted
    and queue.batch_id is distinct from begun.batch_id;
  insert into private.notification_payloads as payload
    (notification_id, frozen, trying_since, batch_id)
  select begun.id, begun.letter, now(), begun.batch_id
  from unnest(ids, requests, batch_ids, letters) as begun (id, request, batch_id, letter)
  where begun.request <= granted
  on conflict (notification_id) do update set
    frozen = case
      when payload.frozen ->> 'to' = excluded.frozen ->> 'to' then payload.frozen
      else excluded.frozen end,
    uncertain_since = coalesce(payload.uncertain_since, payload.trying_since),
    trying_since = excluded.trying_since,
    batch_id = excluded.batch_id;

  -- The rest was not tried; its turn comes when there is room.
  update private.sending_batches set ready_at = now() + next_in
  where sending_batches.id in (
    select waiting.batch_id from unnest(requests, batch_ids) as waiting (request, batch_id)
    where waiting.request > granted
  );
  update public.notifications set
    status = 'queued', leased_until = null, attempts = notifications.attempts - 1,
    due_at = now() + next_in
  from unnest(ids, requests) as waiting (id, request)
  where notifications.id = waiting.id and waiting.request > granted;

  return query
  select begun.id, first_in + (begun.request - 1) / begin_sending.per_second, begun.batch_id,
    coalesce(begun.batch_id::text, private.sending_key(message))
  from unnest(ids, requests, batch_ids) as begun (id, request, batch_id)
  join public.notifications as message on message.id = begun.id
  where begun.request <= granted;
end;
$$;

-- Locks the batches that messages are in, or were tried in; the messages themselves come after.
create function private.lock_batches_of(notification_ids uuid[]) returns uuid[]
language plpgsql
set search_path = ''
set enable_seqscan = off
as $$
begin
  return array(
    select batch.id from private.sending_batches as batch
    where batch.id in (
      select payload.batch_id from private.notification_payloads as payload
      where payload.notification_id = any (notification_ids)
    )
    order by batch.id
    for update
  );
end;
$$;

-- Notes of messages whose provider has them, and whose letters go with that, that it then has the
-- whole of the request in which they were tried.
create function private.forget_letters(notification_ids uuid[]) returns void
language plpgsql
set search_path = ''
as $$
declare
  batch_ids uuid[];
begin
  with gone as (
    delete from private.notification_payloads as payload
    where payload.notification_id = any (notification_ids)
    returning payload.batch_id
  )
  select array_agg(distinct gone.batch_id) into batch_ids from gone where gone.batch_id is not null;
  if batch_ids is not null then
    update private.sending_batches as batch set accepted = true
    where batch.id = any (batch_ids) and not batch.accepted;
  end if;
end;
$$;

-- Removes batches that no message is left of.
create function private.forget_empty(batch_ids uuid[]) returns void
language plpgsql
set search_path = ''
as $$
begin
  delete from private.sending_batches as batch
  where batch.id = any (batch_ids) and not exists (
    select from private.notification_queue as queue where queue.batch_id = batch.id
  );
end;
$$;

-- Marks leased messages sent; those that a webhook was quicker about stay as they are. Returns those
-- whose lease was still held.
create function private.complete(
  notification_ids uuid[], lease_ids uuid[], provider_message_ids text[]
) returns uuid[]
language plpgsql
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  batch_ids uuid[] := private.lock_batches_of(notification_ids);
  held uuid[] := array(
    select message.id
    from unnest(notification_ids, lease_ids) as given (id, lease_id)
    join public.notifications as message on message.id = given.id
    where message.lease_id = given.lease_id
      and (message.status = 'sending'
        or (message.status in ('sent', 'delivered', 'bounced', 'complained')
          and message.provider_message_id is null))
    order by message.id
    for no key update of message
  );
begin
  update public.notifications as message set
    status = case when message.status = 'sending' then 'sent' else message.status end,
    sent_at = coalesce(message.sent_at, now()),
    leased_until = null,
    last_error = case when message.status = 'sending' then null else message.last_error end,
    provider_message_id = given.provider_message_id
  from unnest(notification_ids, provider_message_ids) as given (id, provider_message_id)
  where message.id = any (held) and given.id = message.id;
  if batch_ids <> '{}' then
    perform private.forget_empty(batch_ids);
  end if;
  perform private.forget_letters(held);
  perform private.sending_works();
  return held;
end;
$$;

-- Definer: as claim_notifications.
create function worker.complete_notification(
  notification_id uuid, lease_id uuid, provider_message_id text default null
) returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  return private.complete(
    array[complete_notification.notification_id], array[complete_notification.lease_id],
    array[complete_notification.provider_message_id]) <> '{}';
end;
$$;

-- Definer: as claim_notifications.
create function worker.complete_notifications(
  notification_ids uuid[], lease_ids uuid[], provider_message_ids text[]
) returns setof uuid
language plpgsql
security definer
set search_path = ''
as $$
begin
  return query
  select unnest(private.complete(complete_notifications.notification_ids,
    complete_notifications.lease_ids, complete_notifications.provider_message_ids));
end;
$$;

-- Records that a request failed; returns the new status of each message whose lease was held. `alone`:
-- from now on each goes by itself, since nobody got any. `closed`: nobody's mail is taken at present,
-- which says nothing about these, so that the try does not count. The others are given up after 48
-- tries, which is half a day: an outage of the provider is no reason to trouble a person. Of what may
-- have arrived by then a person reads that first; the provider's answers are in the workers' log.
create function private.fail(
  notification_ids uuid[], lease_ids uuid[], error text, retry_after_seconds int,
  permanent boolean, refused boolean, alone boolean, closed boolean
) returns table (notification_id uuid, status text)
language plpgsql
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
#variable_conflict use_column
declare
  batch_ids uuid[] := private.lock_batches_of(notification_ids);
  held uuid[] := array(
    select message.id
    from unnest(fail.notification_ids, fail.lease_ids) as given (id, lease_id)
    join public.notifications as message on message.id = given.id
    where message.lease_id = given.lease_id and message.status = 'sending'
    order by message.id
    for no key update of message
  );
  uncounted int := case when fail.closed and not fail.permanent then 1 else 0 end;
begin
  update private.notification_payloads as payload set
    trying_since = null,
    uncertain_since = case when fail.refused then payload.uncertain_since
      else coalesce(payload.uncertain_since, payload.trying_since) end
  where payload.notification_id = any (held);
  -- What nobody can have got is written anew, about what holds by then and from the sender that it has
  -- by then. Where the letter's row stays, without it, the message goes alone.
  if not fail.alone then
    delete from private.notification_payloads as payload using public.notifications as message
    where payload.notification_id = any (held) and payload.uncertain_since is null
      and message.id = payload.notification_id and message.kind <> 'log_in';
  end if;
  update private.notification_payloads as payload set frozen = null, batch_id = null
  where payload.notification_id = any (held) and payload.uncertain_since is null;
  delete from private.sending_batches as batch
  where batch.id = any (batch_ids) and (fail.alone or not exists (
    select from private.notification_queue as queue
    cross join lateral (
      select from private.notification_payloads as payload
      where payload.notification_id = queue.notification_id offset 0
    ) as written
    where queue.batch_id = batch.id
  ));
  update public.notifications as message set
    status = verdict.status,
    leased_until = null,
    attempts = message.attempts - uncounted,
    last_error = case when verdict.status = 'dead' and verdict.may_have_arrived then 'unknown_fate'
      else left(fail.error, 200) end,
    -- 15 s, 30 s, 1 min … 16 min, and up to a quarter more, so that what failed together does not come
    -- back together; unless the provider said when.
    due_at = now() + make_interval(secs => greatest(0, least(86400, coalesce(
      fail.retry_after_seconds,
      15 * 2 ^ least(greatest(message.attempts - uncounted - 1, 0), 6) * (1 + random() / 4)))))
  from (
    select failed.id,
      case when fail.permanent or failed.attempts - uncounted >= 48 then 'dead'
        else 'queued' end::public.notification_status as status,
      payload.uncertain_since is not null as may_have_arrived
    from public.notifications as failed
    left join private.notification_payloads as payload
      on payload.notification_id = failed.id and payload.notification_id = any (held)
    where failed.id = any (held)
  ) as verdict
  where message.id = verdict.id;
  update private.sending_batches as batch set ready_at = message.due_at
  from private.notification_queue as queue
  join public.notifications as message on message.id = queue.notification_id
  where batch.id = any (batch_ids) and queue.batch_id = batch.id
    and queue.notification_id = any (held);
  perform private.forget_empty(batch_ids);
  return query
  select message.id, message.status::text from public.notifications as message
  where message.id = any (held);
end;
$$;

-- Definer: as claim_notifications.
create function worker.fail_notification(
  notification_id uuid,
  lease_id uuid,
  error text,
  retry_after_seconds int default null,
  permanent boolean default false,
  refused boolean default false,
  closed boolean default false
) returns text
language plpgsql
security definer
set search_path = ''
as $$
begin
  return (
    select failed.status from private.fail(
      array[fail_notification.notification_id], array[fail_notification.lease_id],
      fail_notification.error, fail_notification.retry_after_seconds,
      coalesce(fail_notification.permanent, false), coalesce(fail_notification.refused, false),
      false, coalesce(fail_notification.closed, false)) as failed
  );
end;
$$;

-- Definer: as claim_notifications.
create function worker.fail_notifications(
  notification_ids uuid[],
  lease_ids uuid[],
  error text,
  retry_after_seconds int default null,
  permanent boolean default false,
  refused boolean default false,
  alone boolean default false,
  closed boolean default false
) returns table (notification_id uuid, status text)
language plpgsql
security definer
set search_path = ''
as $$
begin
  return query
  select failed.* from private.fail(
    fail_notifications.notification_ids, fail_notifications.lease_ids, fail_notifications.error,
    fail_notifications.retry_after_seconds, coalesce(fail_notifications.permanent, false),
    coalesce(fail_notifications.refused, false), coalesce(fail_notifications.alone, false),
    coalesce(fail_notifications.closed, false)
  ) as failed;
end;
$$;

-- Whether what was tried before can only be tried again as another mail, under another key: it is so
-- long ago that the provider has forgotten, or it was to go to another address. Null: nothing that was
-- tried is known, or the code in it stands for itself.
create function private.becomes_another(message public.notifications) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select coalesce(coalesce(payload.uncertain_since, payload.trying_since)
        < now() - interval '23 hours', false)
      or coalesce(payload.frozen ->> 'to' <> private.address_for(message), false)
    from private.notification_payloads as payload
    where payload.notification_id = message.id and message.kind <> 'log_in'
  );
end;
$$;

-- Gives a message that nobody got a new start, whoever asks. What may have arrived within the
-- provider's memory keeps its bytes and its key, so that it cannot arrive twice. It becomes another
-- mail where whoever asks can only mean that: it came back, or becomes_another says so.
create function private.requeue(notification_id uuid) returns public.notifications
language plpgsql
set search_path = ''
as $$
declare
  before public.notifications;
  message public.notifications;
  is_another boolean;
begin
  select * into before from public.notifications
  where notifications.id = requeue.notification_id
    and notifications.status in ('dead', 'skipped', 'bounced')
  for no key update;
  if before.id is null then
    return null;
  end if;
  is_another := before.status = 'bounced' or coalesce(private.becomes_another(before), false);
  if is_another then
    delete from private.notification_payloads as payload
    where payload.notification_id = before.id;
  end if;
  update public.notifications set
    status = 'queued', attempts = 0, leases_lost = 0, due_at = now(), last_error = null,
    sent_at = null, told_at = null, told_by = null, requeued_at = clock_timestamp(),
    resent = notifications.resent + is_another::int
  where notifications.id = before.id
  returning * into message;
  return message;
end;
$$;

-- Definer: as claim_notifications.
create function worker.requeue_notification(notification_id uuid) returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  requeued public.notifications := private.requeue(requeue_notification.notification_id);
begin
  return requeued.id is not null;
end;
$$;

-- A message of a clinic whose office the caller belongs to, locked for a change. Raises not_found.
create function private.message_of_office(notification_id uuid) returns public.notifications
language plpgsql
set search_path = ''
as $$
declare
  message public.notifications;
begin
  select * into message from public.notifications
  where notifications.id = message_of_office.notification_id
    and (private.is_trusted() or notifications.clinic_id in (
      select private.my_clinics_as('owner', 'manager', 'front_desk')))
  for no key update;
  if message.id is null then
    perform private.raise_error('not_found');
  end if;
  return message;
end;
$$;

-- Definer: nobody may write notifications directly.
create function public.requeue_notification(notification_id uuid) returns public.notifications
language plpgsql
security definer
set search_path = ''
as $$
declare
  message public.notifications := private.message_of_office(requeue_notification.notification_id);
begin
  message := private.requeue(message.id);
  if message.id is null then
    perform private.raise_error('illegal_transition', 'This message is on its way or was sent.');
  end if;
  return message;
end;
$$;

-- As requeue_notification, for all of a clinic that were given up, but for what only a look at the
-- patient's address or at the mail's fate can decide: the provider may have been out of order for long.
-- Definer: nobody may write notifications directly.
create function public.requeue_dead_notifications(clinic_id uuid) returns int
language plpgsql
security definer
set search_path = ''
as $$
declare
  stuck uuid;
  requeued int := 0;
begin
  if not private.is_trusted() and not exists (
    select from private.my_clinics_as('owner', 'manager', 'front_desk') as mine (id)
    where mine.id = requeue_dead_notifications.clinic_id
  ) then
    perform private.raise_error('not_found');
  end if;
  for stuck in
    select message.id
    from private.notification_queue as queue
    join public.notifications as message on message.id = queue.notification_id
    where queue.needs_person and queue.status = 'dead'
      and message.clinic_id = requeue_dead_notifications.clinic_id
      and message.last_error <> 'address_suppressed'
      and not coalesce(private.becomes_another(message), message.last_error = 'unknown_fate')
    order by message.id
  loop
    perform private.requeue(stuck);
    requeued := requeued + 1;
  end loop;
  return requeued;
end;
$$;

-- Somebody told otherwise, say by phone, what no mail could: nobody has to look at it any more. Who
-- said so first stays.
-- Definer: nobody may write notifications directly.
create function public.mark_told(notification_id uuid) returns public.notifications
language plpgsql
security definer
set search_path = ''
as $$
declare
  message public.notifications := private.message_of_office(mark_told.notification_id);
begin
  if message.told_at is not null then
    return message;
  end if;
  update public.notifications set told_at = now(), told_by = auth.uid()
  where notifications.id = message.id
    and (notifications.status in ('dead', 'bounced')
      or (notifications.status = 'skipped' and notifications.last_error = 'no_address'))
  returning * into message;
  if message.id is null then
    perform private.raise_error('illegal_transition',
      'This message is on its way, was sent, or was not to be sent.');
  end if;
  return message;
end;
$$;

-- Which messages nobody has taken for two minutes.
-- Definer: row security of the messages themselves decides who sees which, in the view.
create function private.overdue_ids() returns setof uuid
language sql
stable
security definer
rows 10
set search_path = ''
as $$
  select live.notification_id
  from unnest('{0,1,2}'::smallint[]) as level (priority)
  join private.notification_queue as live
    on live.priority = level.priority and live.status in ('queued', 'sending')
    and live.batch_id is null and live.ready_at < now() - interval '2 minutes'
  union all
  select live.notification_id
  from private.sending_batches as batch
  join private.notification_queue as live on live.batch_id = batch.id
  where batch.ready_at < now() - interval '2 minutes';
$$;

-- Messages that should be on their way by now: empty as long as workers work.
create view public.overdue with (security_invoker = true) as
select
  notifications.clinic_id, notifications.id as notification_id, notifications.kind,
  notifications.status, notifications.attempts, notifications.last_error,
  coalesce(notifications.leased_until, notifications.due_at) as since
from private.overdue_ids() as late (id)
join public.notifications on notifications.id = late.id;

-- Which messages somebody should look at: given up, bounced, or failing again and again.
-- Definer: as overdue_ids.
create function private.ids_for_people() returns setof uuid
language sql
stable
security definer
rows 100
set search_path = ''
as $$
  select queue.notification_id from private.notification_queue as queue where queue.needs_person;
$$;

grant execute on function private.overdue_ids(), private.ids_for_people()
to authenticated, service_role;

comment on view public.overdue is
  'Messages that nobody has taken for two minutes; any row means that no worker does its work.';
comment on column public.overdue.since is 'Since when a worker should have it.';

grant select on public.overdue to authenticated, service_role;

-- Definer: as claim_notifications.
create function worker.queue_depth() returns table (
  queued bigint, sending bigint, dead bigint, oldest_due_at timestamptz, overdue bigint,
  closed_because text
)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return query
  with waiting as (
    select live.status, live.ready_at
    from unnest('{0,1,2}'::smallint[]) as level (priority)
    join private.notification_queue as live
      on live.priority = level.priority and live.status in ('queued', 'sending')
      and live.batch_id is null
      -- What is planned for later does not wait; leases end later by nature.
      and live.ready_at <= now() + interval '1 day'
      and (live.status = 'sending' or live.ready_at <= now())
    union all
    select live.status, batch.ready_at
    from private.sending_batches as batch
    join private.notification_queue as live on live.batch_id = batch.id
  )
  select
    count(*) filter (where waiting.status = 'queued'),
    count(*) filter (where waiting.status = 'sending'),
    (select count(*) from private.notification_queue as stuck
      where stuck.needs_person and stuck.status = 'dead'),
    min(waiting.ready_at),
    count(*) filter (where waiting.ready_at < now() - interval '2 minutes'),
    private.why_sending_is_closed()
  from waiting;
end;
$$;

comment on function worker.claim_notifications(int, int, int, int) is
  'Leases due notifications, with everything a mail needs, oldest first among the most urgent. With '
  '`bulk`, at most so many of the least urgent come on top, once no others are left. Obsolete ones '
  'are skipped; what was tried longer ago than the provider remembers is dead.';
comment on function worker.begin_sending(jsonb, numeric, numeric) is
  'Freezes leased messages before their first try, and says in how many seconds each may start so '
  'that all workers together keep to the rate. Those with the same batch_id go in one request, by '
  'their ids, under that key. Those not returned went back into the queue, or do not hold any more.';
comment on function worker.complete_notification(uuid, uuid, text) is
  'Marks a leased notification sent; false: the lease was lost to another worker.';
comment on function worker.complete_notifications(uuid[], uuid[], text[]) is
  'As complete_notification, for many; returns those whose lease was held.';
comment on function worker.fail_notification(
  uuid, uuid, text, int, boolean, boolean, boolean
) is
  'Queues it again with back-off, or gives up after half a day or a permanent error. Returns the new '
  'status; null: the lease was lost. The error is a code, without personal data. refused: the '
  'provider certainly did not take it. closed: it takes nobody''s mail at present, so that the try '
  'does not count.';
comment on function worker.fail_notifications(
  uuid[], uuid[], text, int, boolean, boolean, boolean, boolean
) is
  'As fail_notification, for the messages of one request; returns those whose lease was held. alone: '
  'the provider took none because of some, so each is tried by itself.';
comment on function worker.requeue_notification(uuid) is
  'Gives a dead, bounced or skipped notification a new start; false: it is none of these.';
comment on function public.requeue_notification(uuid) is
  'Gives a dead, bounced or skipped message of the clinic a new start, by its office.';
comment on function public.requeue_dead_notifications(uuid) is
  'Gives all messages of the clinic a new start that were given up, but for those that could arrive '
  'twice and those to addresses that mail came back from. Returns how many.';
comment on function public.mark_told(uuid) is
  'Ticks off a dead or bounced message of the clinic, or one without an address, whose news its office '
  'told otherwise. Again: nothing changes. requeue_notification takes it back.';
comment on function worker.queue_depth() is
  'One row: how much is due, is being sent, is dead, and is overdue; and why no mail can be sent at '
  'all, if that lasts.';

grant execute on function
  worker.claim_notifications(int, int, int, int),
  worker.begin_sending(jsonb, numeric, numeric),
  worker.complete_notification(uuid, uuid, text),
  worker.complete_notifications(uuid[], uuid[], text[]),
  worker.fail_notification(uuid, uuid, text, int, boolean, boolean, boolean),
  worker.fail_notifications(uuid[], uuid[], text, int, boolean, boolean, boolean, boolean),
  worker.requeue_notification(uuid),
  worker.queue_depth()
to service_role;
grant execute on function
  public.requeue_notification(uuid),
  public.requeue_dead_notifications(uuid),
  public.mark_told(uuid)
to authenticated, service_role;
