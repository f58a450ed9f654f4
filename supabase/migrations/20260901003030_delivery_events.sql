-- Delivery events: what the mail provider reports about a message after taking it.
-- Promises: every order of the same events ends in the same state, an event again changes nothing;
--           an address that does not exist is not written to again until somebody says so.
-- Access: the service key, for the API's webhook.

create table private.suppressed_addresses (
  address_hash bytea primary key,
  reason text not null constraint suppressed_addresses_reason_is_known
    check (reason in ('bounced', 'suppressed', 'complained')),
  created_at timestamptz not null default now()
);

comment on table private.suppressed_addresses is
  'Addresses that mail bounced from for good, that the provider refuses to write to, or whose owner '
  'called it spam, by SHA-256.';
comment on column private.suppressed_addresses.created_at is 'When that happened last.';

create table private.delivery_events (
  event_id text primary key constraint delivery_events_event_id_is_short
    check (length(event_id) between 1 and 200),
  notification_id uuid not null references public.notifications (id) on delete cascade,
  received_at timestamptz not null default now()
);

create index delivery_events_by_notification on private.delivery_events (notification_id);
create index delivery_events_by_age on private.delivery_events (received_at);

comment on table private.delivery_events is 'Events that were taken in, to know them again.';

alter table private.suppressed_addresses enable row level security;
alter table private.delivery_events enable row level security;

create function private.hash_of_address(address text) returns bytea
language plpgsql
immutable
set search_path = ''
as $$
begin
  return sha256(convert_to(lower(btrim(address)), 'UTF8'));
end;
$$;

-- Whether a message must not go there. Once the office has asked for a message to its recipient to be
-- tried all the same, that clinic writes to them again; other clinics make up their own minds.
create function private.is_suppressed(message public.notifications, address text) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from private.suppressed_addresses as suppressed
    where suppressed.address_hash = private.hash_of_address(address)
      and not exists (
        select from public.notifications as asked
        where asked.requeued_at > suppressed.created_at
          and (asked.id = message.id
            or (asked.clinic_id = message.clinic_id
              and asked.recipient_id = message.recipient_id)
            or (asked.recipient_user_id = message.recipient_user_id
              and asked.clinic_id = message.clinic_id))
      )
  );
end;
$$;

-- How much is known with each state: the later ones imply the earlier. States not named know nothing.
create function private.delivery_rank(status public.notification_status) returns int
language plpgsql
immutable
set search_path = ''
as $$
begin
  return coalesce(array_position(
    '{sent,delivered,bounced,complained}'::public.notification_status[], status), 0);
end;
$$;

-- Why a message bounced, from what says least to what says most about its address.
create function private.bounce_rank(reason text) returns int
language plpgsql
immutable
set search_path = ''
as $$
begin
  return coalesce(array_position('{failed,bounced_for_now,suppressed,bounced}', reason), 0);
end;
$$;

-- Takes in one event. An event proves that the provider has the message, so that a row of unknown
-- fate, or one that is about to be tried again, is settled by it. False: no such message, or known.
-- Definer: the service key has no privilege to write the queue.
create function worker.record_delivery_event(
  event_id text,
  event text,
  happened_at timestamptz,
  provider_message_id text default null,
  notification_id uuid default null,
  is_permanent boolean default false,
  address text default null
) returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  message public.notifications;
  reached public.notification_status := case record_delivery_event.event
    when 'sent' then 'sent'
    when 'delivered' then 'delivered'
    when 'bounced' then 'bounced'
    when 'failed' then 'bounced'
    when 'suppressed' then 'bounced'
    when 'complained' then 'complained'
  end;
  reason text := case
    when record_delivery_event.event = 'bounced' and not record_delivery_event.is_permanent
      then 'bounced_for_now'
    when reached in ('bounced', 'complained') then record_delivery_event.event
  end;
  is_late boolean;
begin
  if record_delivery_event.event_id is null or length(record_delivery_event.event_id) > 200
    or record_delivery_event.happened_at is null
    or not isfinite(record_delivery_event.happened_at) then
    perform private.raise_error('invalid_input', 'Give the event''s id and time.');
  end if;
  perform private.lock_batches_of(array[record_delivery_event.notification_id]);
  select * into message from public.notifications
  where notifications.id = record_delivery_event.notification_id
  for no key update;
  if message.id is null or reached is null then
    return false;
  end if;
  insert into private.delivery_events (event_id, notification_id)
  values (record_delivery_event.event_id, message.id)
  on conflict do nothing;
  if not found then
    return false;
  end if;

  if record_delivery_event.address is not null
    and reason in ('bounced', 'suppressed', 'complained') then
    insert into private.suppressed_addresses as suppressed (address_hash, reason, created_at)
    values (private.hash_of_address(record_delivery_event.address), reason,
      least(record_delivery_event.happened_at, clock_timestamp()))
    on conflict (address_hash) do update set
      reason = case when suppressed.reason = 'complained' then suppressed.reason
        else excluded.reason end,
      created_at = greatest(suppressed.created_at, excluded.created_at);
  end if;
  -- A late report about the mail before this one says nothing about this one. Of the one before, only
  -- what the provider took has an id here; of this one, what was tried has a letter.
  is_late := message.resent > 0 and case when private.delivery_rank(message.status) > 0
    then record_delivery_event.provider_message_id <> message.provider_message_id
    else record_delivery_event.provider_message_id = message.provider_message_id or not exists (
      select from private.notification_payloads as payload
      where payload.notification_id = message.id
        and coalesce(payload.trying_since, payload.uncertain_since) is not null
        and lower(payload.frozen ->> 'to') = lower(record_delivery_event.address)
    ) end;
  if is_late then
    return true;
  end if;
  if private.delivery_rank(reached) > private.delivery_rank(message.status) then
    update public.notifications set
      status = reached,
      sent_at = coalesce(notifications.sent_at, least(record_delivery_event.happened_at, now())),
      leased_until = null,
      last_error = reason,
      provider_message_id = case when private.delivery_rank(message.status) > 0
        then coalesce(notifications.provider_message_id, record_delivery_event.provider_message_id)
        else coalesce(record_delivery_event.provider_message_id, notifications.provider_message_id)
      end
    where notifications.id = message.id;
    perform private.forget_letters(array[message.id]);
  elsif reached = 'bounced' and message.status = 'bounced'
    and private.bounce_rank(reason) > private.bounce_rank(message.last_error) then
    update public.notifications set last_error = reason where notifications.id = message.id;
  end if;
  return true;
end;
$$;

comment on function worker.record_delivery_event(text, text, timestamptz, text, uuid, boolean, text)
is
  'Takes in what the mail provider reports: sent, delivered, bounced, failed, suppressed or '
  'complained. In any order, any number of times. False: nothing is known of it, or it was known.';

grant execute on function
  worker.record_delivery_event(text, text, timestamptz, text, uuid, boolean, text)
to service_role;
