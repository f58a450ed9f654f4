-- The workers' queue: claim, complete, fail. At-least-once with leases: a worker that dies loses
-- nothing, and the notification's id is the idempotency key with the mail provider.
-- Promises: sent_once; nothing is handed out about a state that no longer holds.
-- Access: the service key alone.

-- Why a claimed notification must not be sent any more; null: send it. A newer message for the same
-- person says everything an older one would.
create function private.why_obsolete(notification public.notifications) returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select case
      when visit.id is null then 'appointment_removed'
      when coalesce(patient.email, private.guardians_address(patient.id)) is null
        then 'no_address'
      when notification.kind = 'cancellation' and visit.status <> 'cancelled' then 'status_changed'
      when notification.kind = 'offer' and visit.status <> 'held' then 'status_changed'
      when notification.kind = 'offer' and visit.hold_expires_at <= now() then 'over'
      when notification.kind not in ('cancellation', 'offer')
        and visit.status not in ('booked', 'arrived') then 'status_changed'
      when visit.starts_at <= now() then 'over'
      when exists (
        select from public.notifications as newer
        where newer.appointment_id = notification.appointment_id
          and newer.recipient_id = notification.recipient_id
          and newer.channel = notification.channel
          and newer.appointment_version > notification.appointment_version
      ) then 'superseded'
    end
    from public.patients as patient
    left join public.appointments as visit on visit.id = notification.appointment_id
    where patient.id = notification.recipient_id
  );
end;
$$;

-- Leases up to `batch` due notifications. The array keeps the plan on the index however many rows
-- the planner expects.
create function private.lease_due(batch int, lease_seconds int) returns setof public.notifications
language sql
set search_path = ''
as $$
  update public.notifications as taken set
    status = 'sending',
    lease_id = gen_random_uuid(),
    leased_until = now() + make_interval(secs => lease_due.lease_seconds),
    attempts = taken.attempts + 1
  where taken.id = any (array(
    select due.id from public.notifications as due
    where due.status in ('queued', 'sending') and coalesce(due.leased_until, due.due_at) <= now()
    order by coalesce(due.leased_until, due.due_at), due.id
    limit lease_due.batch
    for update skip locked
  ))
  returning taken.*;
$$;

-- Definer: reads what a mail needs; the service key has no privilege to write the queue.
create function worker.claim_notifications(batch int default 20, lease_seconds int default 60)
returns table (
  notification_id uuid,
  lease_id uuid,
  kind text,
  channel text,
  recipient_address text,
  recipient_name text,
  locale text,
  attempts int,
  appointment_id uuid,
  appointment_version int,
  clinic_name text,
  location_name text,
  location_address text,
  provider_name text,
  service_name text,
  starts_at timestamptz,
  ends_at timestamptz,
  time_zone text,
  answer_by timestamptz,
  queued_at timestamptz,
  preparation text,
  action_tokens jsonb
)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  leased uuid[];
  claimed uuid[];
  obsolete uuid[];
  reasons text[];
begin
  if coalesce(claim_notifications.batch, 0) not between 1 and 1000
    or coalesce(claim_notifications.lease_seconds, 0) not between 1 and 86400 then
    perform private.raise_error('invalid_input', 'Claim 1 to 1000 for 1 to 86400 seconds.');
  end if;
  -- Again while all that was due turned out to be obsolete, so that an empty answer means idle.
  loop
    -- Leased in a statement of its own: the next one has a newer snapshot, in which whatever was
    -- committed together with the leased rows can be seen.
    leased := array(
      select due.id from private.lease_due(
        claim_notifications.batch, claim_notifications.lease_seconds) as due
    );
    select
      array_agg(due.id) filter (where due.reason is null),
      array_agg(due.id) filter (where due.reason is not null),
      array_agg(due.reason) filter (where due.reason is not null)
    into claimed, obsolete, reasons
    from (
      select message.id, private.why_obsolete(message) as reason
      from public.notifications as message where message.id = any (leased)
    ) as due;
    exit when obsolete is null;
    update public.notifications set status = 'skipped', leased_until = null,
      last_error = verdict.reason
    from unnest(obsolete, reasons) as verdict (id, reason)
    where notifications.id = verdict.id;
    exit when claimed is not null;
  end loop;

  return query
  select
    message.id, message.lease_id, message.kind::text, message.channel::text,
    coalesce(patient.email, private.guardians_address(patient.id)),
    patient.full_name, patient.locale, message.attempts, message.appointment_id,
    message.appointment_version, clinic.name, place.name, place.address, provider.full_name,
    service.name, visit.starts_at, visit.ends_at, place.time_zone,
    case when message.kind = 'offer' then visit.hold_expires_at end,
    message.created_at, service.preparation, coalesce(link.tokens, '{}')
  from public.notifications as message
  join public.patients as patient on patient.id = message.recipient_id
  join public.appointments as visit on visit.id = message.appointment_id
  join public.clinics as clinic on clinic.id = message.clinic_id
  join public.locations as place on place.id = visit.location_id
  join public.providers as provider on provider.id = visit.provider_id
  join public.services as service on service.id = visit.service_id
  left join private.issue_links(claimed) as link on link.notification_id = message.id
  where message.id = any (claimed)
  order by message.due_at, message.id;
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
  update public.notifications set
    status = 'sent',
    sent_at = now(),
    leased_until = null,
    last_error = null,
    provider_message_id = complete_notification.provider_message_id
  where notifications.id = complete_notification.notification_id
    and notifications.lease_id = complete_notification.lease_id
    and notifications.status = 'sending';
  return found;
end;
$$;

-- Definer: as claim_notifications.
create function worker.fail_notification(
  notification_id uuid,
  lease_id uuid,
  error text,
  retry_after_seconds int default null,
  permanent boolean default false
) returns text
language plpgsql
security definer
set search_path = ''
as $$
declare
  message public.notifications;
  is_dead boolean;
begin
  select * into message from public.notifications
  where notifications.id = fail_notification.notification_id
    and notifications.lease_id = fail_notification.lease_id
    and notifications.status = 'sending'
  for update;
  if message.id is null then
    return null;
  end if;
  is_dead := coalesce(fail_notification.permanent, false) or message.attempts >= 8;
  update public.notifications set
    status = case when is_dead then 'dead' else 'queued' end::public.notification_status,
    leased_until = null,
    last_error = left(fail_notification.error, 200),
    -- 15 s, 30 s, 1 min … 16 min, unless the provider said when.
    due_at = now() + make_interval(secs => greatest(0, least(86400, coalesce(
      fail_notification.retry_after_seconds, 15 * 2 ^ (message.attempts - 1)))))
  where notifications.id = message.id
  returning * into message;
  return message.status::text;
end;
$$;

-- Definer: as claim_notifications.
create function worker.requeue_notification(notification_id uuid) returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.notifications set
    status = 'queued', attempts = 0, due_at = now(), last_error = null
  where notifications.id = requeue_notification.notification_id
    and notifications.status in ('dead', 'skipped');
  return found;
end;
$$;

-- Definer: as claim_notifications.
create function worker.queue_depth() returns table (
  queued bigint, sending bigint, dead bigint, oldest_due_at timestamptz
)
language sql
stable
security definer
set search_path = ''
as $$
  select
    count(*) filter (where notifications.status = 'queued'),
    count(*) filter (where notifications.status = 'sending'),
    count(*) filter (where notifications.status = 'dead'),
    min(coalesce(notifications.leased_until, notifications.due_at))
      filter (where notifications.status in ('queued', 'sending'))
  from public.notifications
  where notifications.status in ('queued', 'sending', 'dead');
$$;

comment on function worker.claim_notifications(int, int) is
  'Leases due notifications, with everything a mail needs, oldest first. Obsolete ones are skipped.';
comment on function worker.complete_notification(uuid, uuid, text) is
  'Marks a leased notification sent; false: the lease was lost to another worker.';
comment on function worker.fail_notification(uuid, uuid, text, int, boolean) is
  'Queues it again with back-off, or gives up after 8 attempts or a permanent error. Returns the new '
  'status; null: the lease was lost. The error is a code, without personal data.';
comment on function worker.requeue_notification(uuid) is
  'Gives a dead or skipped notification a new start; false: it is neither.';
comment on function worker.queue_depth() is 'One row: how much waits, is being sent, is dead.';

grant execute on function
  worker.claim_notifications(int, int),
  worker.complete_notification(uuid, uuid, text),
  worker.fail_notification(uuid, uuid, text, int, boolean),
  worker.requeue_notification(uuid),
  worker.queue_depth()
to service_role;
