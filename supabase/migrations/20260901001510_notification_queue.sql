-- The queue: which messages wait for somebody, in the order in which they are to be sent.
-- Promises: a message stands here exactly as long as a worker (queued, sending) or a person (dead,
--           bounced, and not told otherwise) has to do something about it; triggers see to it on
--           every path.
-- Access: definer functions alone.
--
-- A table and not an index of public.notifications: an index over what each claim changes would make
-- each of them write every other index, too, which gets slower the more old messages there are. This
-- way the large table's rows are rewritten in place, and what is done leaves no trace in the queue.

-- Up to a hundred messages that the provider was, or is about to be, given in one request.
create table private.sending_batches (
  id uuid primary key default gen_random_uuid(),
  ready_at timestamptz not null,
  accepted boolean not null default false
);

create index sending_batches_by_time on private.sending_batches (ready_at);

comment on table private.sending_batches is
  'Requests of several messages whose outcome is not known yet; the id is the provider''s key.';
comment on column private.sending_batches.ready_at is
  'When a worker may take it: while one has it, the end of its lease.';
comment on column private.sending_batches.accepted is
  'True: of one of its messages it is known that the provider has it, so the provider has all.';

create table private.notification_queue (
  -- No foreign key: the triggers below do the same in one go.
  notification_id uuid primary key,
  status public.notification_status not null,
  priority smallint not null,
  ready_at timestamptz not null,
  needs_person boolean not null,
  batch_id uuid references private.sending_batches (id) on delete set null
);

create index notification_queue_to_claim
  on private.notification_queue (priority, ready_at, notification_id)
  where status in ('queued', 'sending') and batch_id is null;
create index notification_queue_of_batch on private.notification_queue (batch_id)
  where batch_id is not null;
create index notification_queue_for_people on private.notification_queue (notification_id)
  where needs_person;

comment on table private.notification_queue is
  'Messages that are not done with. Kept by triggers on public.notifications.';
comment on column private.notification_queue.ready_at is
  'When a worker may take it: while one has it, the end of its lease.';
comment on column private.notification_queue.needs_person is
  'Whether somebody in the clinic should look: given up, bounced, held up, or failing again and again.';
comment on column private.notification_queue.batch_id is
  'Tried, or about to be, in one request with others; only together are they taken again.';

alter table private.sending_batches enable row level security;
alter table private.notification_queue enable row level security;

-- Definer: whoever changes a message, the queue follows.
create function private.keep_queue_of_added() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into private.notification_queue (notification_id, status, priority, ready_at, needs_person)
  select added.id, added.status, added.priority, coalesce(added.leased_until, added.due_at),
    added.status in ('dead', 'bounced')
  from added
  where added.status in ('queued', 'sending')
    or (added.status in ('dead', 'bounced') and added.told_at is null);
  return null;
end;
$$;

-- Definer: as above. The queue is counted as empty at most times, and full of dead rows while somebody
-- holds an old snapshot. So that no plan reads all of it for each message, the ids are named once more,
-- and only such plans are left as look each of them up.
create function private.keep_queue_of_changed() returns trigger
language plpgsql
security definer
set search_path = ''
set enable_seqscan = off
set enable_nestloop = off
set enable_mergejoin = off
as $$
declare
  ids uuid[] := array(select changed.id from changed);
begin
  merge into private.notification_queue as queue
  using (
    select changed.id, changed.status, changed.priority,
      coalesce(changed.leased_until, changed.due_at) as ready_at,
      changed.status in ('queued', 'sending') as is_live,
      (changed.status in ('dead', 'bounced') and changed.told_at is null)
        -- What failed though no try counts is held up: the provider takes nobody's mail.
        or (changed.status = 'queued' and (changed.attempts >= 3
          or (changed.attempts = 0 and changed.last_error is not null))) as needs_person
    from changed
  ) as message
  on queue.notification_id = message.id and queue.notification_id = any (ids)
  when matched and not message.is_live and not message.needs_person then delete
  when matched and (queue.status, queue.ready_at, queue.needs_person)
    is distinct from (message.status, message.ready_at, message.needs_person) then
    update set status = message.status, ready_at = message.ready_at,
      needs_person = message.needs_person,
      batch_id = case when message.is_live then queue.batch_id end
  when not matched and (message.is_live or message.needs_person) then
    insert (notification_id, status, priority, ready_at, needs_person)
    values (message.id, message.status, message.priority, message.ready_at, message.needs_person);
  return null;
end;
$$;

-- Definer, and the ids as a list: as above.
create function private.keep_queue_of_removed() returns trigger
language plpgsql
security definer
set search_path = ''
set enable_seqscan = off
as $$
begin
  delete from private.notification_queue
  where notification_queue.notification_id = any (array(select removed.id from removed));
  return null;
end;
$$;

create trigger _800_keep_queue_insert after insert on public.notifications
  referencing new table as added
  for each statement execute function private.keep_queue_of_added();
create trigger _800_keep_queue_update after update on public.notifications
  referencing new table as changed
  for each statement execute function private.keep_queue_of_changed();
create trigger _800_keep_queue_delete after delete on public.notifications
  referencing old table as removed
  for each statement execute function private.keep_queue_of_removed();
-- Also where somebody loads data with triggers turned off.
alter table public.notifications enable always trigger _800_keep_queue_insert;
alter table public.notifications enable always trigger _800_keep_queue_update;
alter table public.notifications enable always trigger _800_keep_queue_delete;

-- Where the last claim of each priority began. Sequences, because what is written to a table leaves
-- dead versions behind, and dead versions at the front of the queue are what these spare us from
-- walking through: with another session's snapshot held open nothing takes them away.
create sequence private.queue_front_0 as bigint;
create sequence private.queue_front_1 as bigint;
create sequence private.queue_front_2 as bigint;
-- And when all of it was looked through.
create sequence private.queue_searched_0 as bigint;
create sequence private.queue_searched_1 as bigint;
create sequence private.queue_searched_2 as bigint;
create sequence private.queue_rests_0 as bigint;
create sequence private.queue_rests_1 as bigint;
create sequence private.queue_rests_2 as bigint;

comment on sequence private.queue_front_0 is 'Microseconds since 2020 and 12 bits of the id.';
comment on sequence private.queue_front_1 is 'Microseconds since 2020 and 12 bits of the id.';
comment on sequence private.queue_front_2 is 'Microseconds since 2020 and 12 bits of the id.';
comment on sequence private.queue_searched_0 is 'Begin of the last look at all; microseconds since 1970.';
comment on sequence private.queue_searched_1 is 'Begin of the last look at all; microseconds since 1970.';
comment on sequence private.queue_searched_2 is 'Begin of the last look at all; microseconds since 1970.';
comment on sequence private.queue_rests_0 is 'No look at all until then; microseconds since 1970.';
comment on sequence private.queue_rests_1 is 'No look at all until then; microseconds since 1970.';
comment on sequence private.queue_rests_2 is 'No look at all until then; microseconds since 1970.';

-- One number for a place in the queue, so that it is read and written at once.
create function private.place_in_queue(ready_at timestamptz, id uuid) returns bigint
language plpgsql
immutable
set search_path = ''
as $$
begin
  return greatest(1, (extract(epoch from ready_at) - 1577836800)::numeric * 1000000)::bigint * 4096
    + ('x' || left(id::text, 3))::bit(12)::int;
end;
$$;

-- Locks up to `most` messages of one priority that may be taken now, from a place in the queue on.
-- Only the plan along the index stops after `most`, however few or many rows are expected, and only if
-- each message is looked up by itself.
create function private.take_from(level smallint, most int, ready_from timestamptz, id_from uuid)
returns table (id uuid, ready_at timestamptz)
language sql
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_material = off
as $$
  select waiting.notification_id, waiting.ready_at
  from private.notification_queue as waiting
  join public.notifications as message on message.id = waiting.notification_id
  where waiting.status in ('queued', 'sending') and waiting.batch_id is null
    and waiting.priority = take_from.level and waiting.ready_at <= now()
    and (waiting.ready_at, waiting.notification_id) >= (take_from.ready_from, take_from.id_from)
    -- Once more for rows that were changed between the look and the lock.
    and message.status in ('queued', 'sending')
    and coalesce(message.leased_until, message.due_at) <= now()
  order by waiting.ready_at, waiting.notification_id
  limit take_from.most
  for update of message skip locked;
$$;

-- When, in seconds since 1970, all of the queue may be looked through again, which began and ended
-- then: no more than a twentieth of the time goes there. At once as long as its index is small; if it
-- took long then, the machine was busy.
create function private.queue_rests_until(
  began double precision, ended double precision, index_bytes bigint
) returns double precision
language plpgsql
immutable
set search_path = ''
as $$
begin
  if index_bytes < 4 * 1024 * 1024 then
    return ended;
  end if;
  return ended + least(20 * (ended - began), 25);
end;
$$;

-- Locks the first `most` messages of one priority. From where the last claim began, if all of the queue
-- was looked through lately. What came to stand before that place since (it was committed late, or
-- somebody changed its time) is found by the next claim that would not be filled otherwise; as long as
-- claims are filled, or so many dead rows stand there that looking at all takes long, within half a
-- minute.
create function private.take_first(level smallint, most int) returns uuid[]
language plpgsql
set search_path = ''
as $$
declare
  front regclass := 'private.queue_front_' || level;
  searched regclass := 'private.queue_searched_' || level;
  rests regclass := 'private.queue_rests_' || level;
  place bigint := pg_sequence_last_value(front);
  this_moment double precision := extract(epoch from clock_timestamp());
  -- Times later than now were written before a clock was set back; they are no reason to look away.
  was_searched boolean := pg_sequence_last_value(searched) / 1e6
    between this_moment - 30 and this_moment + 1;
  rests_now boolean := pg_sequence_last_value(rests) / 1e6
    between this_moment and this_moment + 30;
  ids uuid[];
  first_ready_at timestamptz;
begin
  if was_searched and place is not null then
    select array_agg(taken.id), min(taken.ready_at) into ids, first_ready_at
    from private.take_from(level, most,
      timestamptz '2020-01-01 00:00+00' + (place / 4096) * interval '1 microsecond',
      rpad(lpad(to_hex(place % 4096), 3, '0'), 32, '0')::uuid) as taken;
  end if;
  if was_searched is not true or (coalesce(cardinality(ids), 0) < most and rests_now is not true) then
    select array_agg(taken.id), min(taken.ready_at) into ids, first_ready_at
    from private.take_from(level, most, '-infinity', '00000000-0000-0000-0000-000000000000') as taken;
    perform setval(searched, (this_moment * 1e6)::bigint);
    perform setval(rests, (1e6 * private.queue_rests_until(
      this_moment, extract(epoch from clock_timestamp()),
      pg_relation_size('private.notification_queue_to_claim')))::bigint);
  end if;
  if ids is not null then
    perform setval(front, private.place_in_queue(first_ready_at, ids[1]));
  end if;
  return coalesce(ids, '{}');
end;
$$;
