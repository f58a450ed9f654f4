-- Log-in mail: the codes and links of Auth, sent through the same queue as everything else.
-- Promises: a code is queued once, however often Auth asks; it is nowhere but in the message's
--           payload, which goes when the message is sent; nobody in a clinic sees these rows.
-- Access: the service key, for the function that Auth calls.

-- In which language somebody with that address is written to elsewhere; null: nothing is known.
create function private.language_of_address(address text) returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select private.language_of_user(users.id)
    from auth.users where users.email = lower(language_of_address.address)
    limit 1
  );
end;
$$;

-- The clinic that asked for that address last; null: none did.
create function private.inviting_clinic(address text) returns public.clinics
language plpgsql
stable
set search_path = ''
as $$
declare
  clinic public.clinics;
begin
  select clinics.* into clinic
  from public.staff_invitations as invitation
  join public.clinics on clinics.id = invitation.clinic_id
  where invitation.email = lower(inviting_clinic.address)
  order by invitation.created_at desc
  limit 1;
  return clinic;
end;
$$;

-- Definer: the service key has no privilege to write the queue.
create function worker.queue_log_in_mail(
  request_id text, "position" int, address text, action text, code text, link text default null,
  language text default null
) returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  message_id uuid;
  clinic public.clinics;
  told_in text;
begin
  if coalesce(length(queue_log_in_mail.request_id), 0) not between 1 and 200
    or coalesce(queue_log_in_mail.address, '') !~ '^[^@\s]+@[^@\s]+$'
    or length(queue_log_in_mail.address) > 320
    or coalesce(queue_log_in_mail.action, '') not in (
      'signup', 'invite', 'magiclink', 'recovery', 'email_change', 'reauthentication')
    or num_nonnulls(queue_log_in_mail.code, queue_log_in_mail.link) = 0
    or length(queue_log_in_mail.code) not between 1 and 20
    or length(queue_log_in_mail.link) not between 1 and 4000 then
    perform private.raise_error('invalid_input', 'Give an address, an action, and a code or a link.');
  end if;
  -- From Auth's own id of the request, so that a repeated request is the same message.
  message_id := md5('log_in:' || queue_log_in_mail.request_id || ':'
    || coalesce(queue_log_in_mail."position", 0))::uuid;
  insert into public.notifications (id, kind) values (message_id, 'log_in')
  on conflict (id) do nothing;
  if found then
    told_in := coalesce(
      private.language_of_address(queue_log_in_mail.address), queue_log_in_mail.language);
    if queue_log_in_mail.action = 'invite' or told_in is null then
      clinic := private.inviting_clinic(queue_log_in_mail.address);
    end if;
    insert into private.notification_payloads (notification_id, content)
    values (message_id, jsonb_build_object(
      'address', lower(queue_log_in_mail.address), 'action', queue_log_in_mail.action,
      'code', queue_log_in_mail.code, 'link', queue_log_in_mail.link,
      'clinic_name', case when queue_log_in_mail.action = 'invite' then clinic.name end,
      'language', coalesce(told_in, clinic.locale)));
  end if;
  return message_id;
end;
$$;

comment on function worker.queue_log_in_mail(text, int, text, text, text, text, text) is
  'Queues a mail of Auth, ahead of everything else. The same request and position: once. The language '
  'counts where it is not known in which this person is written to elsewhere; without one it is that '
  'of the clinic that invited them.';

grant execute on function worker.queue_log_in_mail(text, int, text, text, text, text, text)
to service_role;
