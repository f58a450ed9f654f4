-- Unsubscribing: one click in a mail, without signing in, and messages of its kind stop.
-- Promises: only what may be declined can be; a mail's link speaks for that mail's recipient in that
--           clinic, for as long as the message is known, and nothing is kept for it.
-- Access: the service key, for the API.

-- Which preference a kind of message hangs on, if it may be declined; null: it may not.
create function private.preference_for(kind public.notification_kind) returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case kind
    when 'reminder' then 'reminders'
    when 'follow_up' then 'follow_ups'
    when 'staff_booking' then 'new_bookings'
    when 'staff_request' then 'new_bookings'
    when 'staff_cancellation' then 'late_cancellations'
    when 'agenda' then 'daily_agenda'
  end;
end;
$$;

-- Derived, so that a mail written again carries the same link.
create function private.unsubscribe_token(notification_id uuid, secret text) returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return private.proof_of(notification_id || ':unsubscribe', secret);
end;
$$;

create type worker.subscription as (
  topic text,
  is_declined boolean,
  clinic_name text,
  locale text
);

comment on type worker.subscription is
  'Messages that somebody gets from a clinic: the column of notification_preferences that they hang '
  'on, and whether their recipient has declined them.';

-- The message, if that is the hash of its token and its recipient is still somebody there.
create function private.message_of_link(notification_id uuid, token_hash text)
returns public.notifications
language plpgsql
stable
set search_path = ''
as $$
declare
  message public.notifications;
begin
  select notifications.* into message from public.notifications
  where notifications.id = message_of_link.notification_id
    and private.preference_for(notifications.kind) is not null
    and encode(sha256(convert_to(private.unsubscribe_token(notifications.id, (
      select settings.value from private.settings where settings.key = 'action_links_secret'
    )), 'UTF8')), 'hex') = message_of_link.token_hash
    and (
      exists (
        select from public.patients
        where patients.id = notifications.recipient_id and patients.erased_at is null
      )
      or exists (
        select from public.members
        where members.clinic_id = notifications.clinic_id
          and members.user_id = notifications.recipient_user_id
      )
    );
  return message;
end;
$$;

create function private.subscription_of(message public.notifications) returns worker.subscription
language plpgsql
stable
set search_path = ''
as $$
declare
  topic text := private.preference_for(message.kind);
  described worker.subscription;
begin
  select topic, coalesce(to_jsonb(preference) -> topic = 'false', false), clinic.name,
    coalesce(preference.language, patient.locale, clinic.locale)
  into described
  from public.clinics as clinic
  left join public.patients as patient on patient.id = message.recipient_id
  left join public.notification_preferences as preference
    on preference.clinic_id = clinic.id and (
      preference.patient_id = message.recipient_id or preference.user_id = message.recipient_user_id
    )
  where clinic.id = message.clinic_id;
  return described;
end;
$$;

-- Definer: reads what the page behind a link shows; the service key may not read its secret.
create function worker.subscription_for_token(notification_id uuid, token_hash text)
returns setof worker.subscription
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  message public.notifications := private.message_of_link(
    subscription_for_token.notification_id, subscription_for_token.token_hash);
begin
  if message.id is not null then
    return next private.subscription_of(message);
  end if;
end;
$$;

-- Definer: as subscription_for_token; whoever holds the token speaks for the recipient.
create function worker.unsubscribe(notification_id uuid, token_hash text)
returns worker.subscription
language plpgsql
security definer
set search_path = ''
as $$
declare
  message public.notifications := private.message_of_link(
    unsubscribe.notification_id, unsubscribe.token_hash);
begin
  if message.id is null then
    perform private.raise_error('not_found');
  end if;
  insert into public.notification_preferences (clinic_id, patient_id, user_id)
  values (message.clinic_id, message.recipient_id, message.recipient_user_id)
  on conflict do nothing;
  update public.notification_preferences as preference set
    reminders = preference.reminders and message.kind <> 'reminder',
    follow_ups = preference.follow_ups and message.kind <> 'follow_up',
    new_bookings = case when message.kind in ('staff_booking', 'staff_request') then false
      else preference.new_bookings end,
    late_cancellations = case when message.kind = 'staff_cancellation' then false
      else preference.late_cancellations end,
    daily_agenda = case when message.kind = 'agenda' then false
      else preference.daily_agenda end
  where preference.clinic_id = message.clinic_id and (
    preference.patient_id = message.recipient_id or preference.user_id = message.recipient_user_id
  );
  return private.subscription_of(message);
end;
$$;

comment on function worker.subscription_for_token(uuid, text) is
  'Which messages a mail''s link would stop, by the SHA-256 of its token in hexadecimal; no row: no '
  'such link.';
comment on function worker.unsubscribe(uuid, text) is
  'Declines messages of that kind for the mail''s recipient in its clinic. Again: nothing more.';

grant execute on function
  worker.subscription_for_token(uuid, text),
  worker.unsubscribe(uuid, text)
to service_role;
