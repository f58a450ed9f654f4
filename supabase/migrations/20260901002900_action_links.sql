-- Action links: what a mail lets its reader do with one click, without signing in.
-- Promises: a link does one thing, once, to the state of the visit that the mail was about, as late
--           as its patient could; a mail sent again carries the same links. No token is kept.
-- Access: the service key, for the API; members see who confirmed to come.

create table private.settings (
  key text primary key
    constraint settings_key_is_snake_case check (key ~ '^[a-z]+(_[a-z]+)*$'),
  value text not null
);

comment on table private.settings is 'What this installation alone knows.';

alter table private.settings enable row level security;

insert into private.settings (key, value)
values ('action_links_secret', encode(extensions.gen_random_bytes(32), 'hex'));

create type private.link_action as enum (
  'confirm',     -- the patient says again that they will come
  'reschedule',  -- moves the visit to another offered time
  'cancel',      -- calls the visit off
  'accept',      -- takes an offered time
  'decline'      -- gives an offered time to the next
);

create table private.used_links (
  notification_id uuid not null references public.notifications (id) on delete cascade,
  action private.link_action not null,
  used_at timestamptz not null default now(),
  constraint used_links_pkey primary key (notification_id, action)
);

comment on table private.used_links is 'The links in mails that were used; of others nothing is kept.';

alter table private.used_links enable row level security;

create table public.visit_confirmations (
  clinic_id uuid not null,
  appointment_id uuid not null,
  appointment_version int not null,
  confirmed_at timestamptz not null default now(),
  constraint visit_confirmations_pkey primary key (appointment_id, appointment_version),
  constraint visit_confirmations_appointment_is_of_clinic
    foreign key (clinic_id, appointment_id) references public.appointments (clinic_id, id)
    on delete cascade
);

create index visit_confirmations_by_clinic
  on public.visit_confirmations (clinic_id, appointment_id);

comment on table public.visit_confirmations is
  'Patients who said again that they will come, by a link in a mail or on the page of the visit.';
comment on column public.visit_confirmations.appointment_version is
  'Of the visit then; moved since, the patient has not confirmed the new time.';

alter table public.visit_confirmations enable row level security;

-- Which visits a row may be read through: appointments has its own row security.
create policy "people read confirmations of visits they see" on public.visit_confirmations
  for select to authenticated using (appointment_id in (select id from public.appointments));

grant select on public.visit_confirmations to authenticated, service_role;

-- What only this installation can say of a text, as addresses can carry it (base64url, RFC 4648).
create function private.proof_of(about text, secret text) returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return translate(
    encode(extensions.hmac(about, secret, 'sha256'), 'base64'), '+/=', '-_');
end;
$$;

-- Which message and which version of its visit, in the open, and a proof that only this installation
-- can make. Derived, so that a mail written again carries the same links, and that nothing need be
-- written for links that nobody uses.
create function private.action_token(
  notification_id uuid, appointment_version int, action private.link_action, secret text
) returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  about text := replace(notification_id::text, '-', '') || '.' || appointment_version;
begin
  return about || '.' || private.proof_of(about || ':' || action, secret);
end;
$$;

-- The tokens for a mail that is about to be written about the visit as it is now, by action; none for
-- what it is too late to do. A seat of a group session cannot be moved, so its mail has no link for
-- that. What may be declined has a link for that, too, which has no end.
create function private.links_for(
  message public.notifications, visit public.appointments, cancel_notice_minutes int, secret text
) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  tokens jsonb := '{}';
  offered private.link_action[];
  chosen private.link_action;
begin
  if visit.id is not null then
    offered := case
      when message.kind = 'offer' then '{accept,decline}'
      when message.kind not in ('confirmation', 'change', 'reminder') then '{}'
      when now() > visit.starts_at - make_interval(mins => cancel_notice_minutes) then '{confirm}'
      when visit.session_id is not null then '{confirm,cancel}'
      else '{confirm,reschedule,cancel}'
    end::private.link_action[];
    foreach chosen in array offered loop
      tokens := tokens || jsonb_build_object(
        chosen, private.action_token(message.id, visit.version, chosen, secret));
    end loop;
  end if;
  if private.preference_for(message.kind) is not null then
    tokens := tokens
      || jsonb_build_object('unsubscribe', private.unsubscribe_token(message.id, secret));
  end if;
  return tokens;
end;
$$;

create type private.link as (
  notification_id uuid,
  action private.link_action,
  appointment_id uuid,
  appointment_version int,
  used_at timestamptz
);

-- The link with that token, of which only the SHA-256 in hexadecimal comes here; null: there is none.
create function private.link_of(notification_id uuid, appointment_version int, token_hash text)
returns private.link
language plpgsql
stable
set search_path = ''
as $$
declare
  secret text := (select value from private.settings where key = 'action_links_secret');
  link private.link;
begin
  select message.id, possible.action, message.appointment_id, link_of.appointment_version,
    used.used_at
  into link
  from public.notifications as message
  cross join unnest(enum_range(null::private.link_action)) as possible (action)
  left join private.used_links as used
    on used.notification_id = message.id and used.action = possible.action
  where message.id = link_of.notification_id and message.appointment_id is not null
    and encode(sha256(convert_to(private.action_token(
      message.id, link_of.appointment_version, possible.action, secret), 'UTF8')), 'hex')
      = link_of.token_hash;
  return link;
end;
$$;

-- Whether the visit is still when, where, with whom and for what the mail said. Not every version is
-- another visit to its patient: an account that left, or an arrival that was taken back, change none
-- of that.
create function private.is_as_told(link private.link, visit public.appointments) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return visit.version = link.appointment_version or not exists (
    select from public.appointment_events as event
    where event.appointment_id = visit.id and event.version > link.appointment_version
      and event.after ?| '{starts_at,ends_at,provider_id,location_id,service_id}'
  );
end;
$$;

-- Why the link cannot be used, as an error key; null: it can.
create function private.why_link_is_over(link private.link, visit public.appointments)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return case
    when now() >= visit.starts_at
      or link.action in ('accept', 'decline') and now() >= visit.hold_expires_at then 'link_expired'
    when not private.is_as_told(link, visit)
      or visit.status::text
        <> case when link.action in ('accept', 'decline') then 'held' else 'booked' end
      then 'stale_version'
    when link.action in ('reschedule', 'cancel') and now() > visit.starts_at - (
      select make_interval(mins => services.cancel_notice_minutes)
      from public.services where services.id = visit.service_id
    ) then 'too_late_to_cancel'
  end;
end;
$$;

create type worker.linked_action as (
  action text,
  state text,
  appointment_id uuid,
  clinic_name text,
  location_name text,
  location_address text,
  location_phone text,
  service_id uuid,
  provider_id uuid,
  starts_at timestamptz,
  ends_at timestamptz,
  time_zone text,
  clock_hours smallint,
  locale text,
  status text
);

comment on type worker.linked_action is
  'A link and the visit it is about. state: usable, used, or the error key that says why not.';

-- A link that was used says so only as long as what it did still holds.
create function private.describe_link(link private.link) returns worker.linked_action
language plpgsql
stable
set search_path = ''
as $$
declare
  described worker.linked_action;
begin
  select link.action::text,
    case
      when link.used_at is null then coalesce(private.why_link_is_over(link, visit), 'usable')
      when link.action = 'confirm' and not private.is_as_told(link, visit)
        or link.action in ('confirm', 'accept', 'reschedule')
          and not private.keeps_time(visit.status) then 'stale_version'
      else 'used'
    end,
    visit.id, clinic.name, place.name, place.address, place.phone, visit.service_id,
    visit.provider_id, visit.starts_at, visit.ends_at, place.time_zone, clinic.clock_hours,
    coalesce(preference.language, patient.locale), visit.status::text
  into described
  from public.appointments as visit
  join public.clinics as clinic on clinic.id = visit.clinic_id
  join public.locations as place on place.id = visit.location_id
  join public.patients as patient on patient.id = visit.patient_id
  left join public.notification_preferences as preference
    on preference.clinic_id = visit.clinic_id and preference.patient_id = visit.patient_id
  where visit.id = link.appointment_id;
  return described;
end;
$$;

-- Definer: reads what the page behind a link shows; the service key may not read tokens.
create function worker.action_for_token(
  notification_id uuid, appointment_version int, token_hash text
) returns setof worker.linked_action
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  link private.link := private.link_of(action_for_token.notification_id,
    action_for_token.appointment_version, action_for_token.token_hash);
begin
  if link.action is not null then
    return next private.describe_link(link);
  end if;
end;
$$;

-- Times to which the visit of a reschedule link could move, as its patient would be offered them at
-- the same place.
-- Definer: as action_for_token.
create function worker.slots_for_action(
  notification_id uuid, appointment_version int, token_hash text, max_results int default 200
) returns setof public.open_slot
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  link private.link := private.link_of(slots_for_action.notification_id,
    slots_for_action.appointment_version, slots_for_action.token_hash);
  visit public.appointments;
  service public.services;
begin
  select * into visit from public.appointments where appointments.id = link.appointment_id;
  select * into service from public.services where services.id = visit.service_id;
  if link.action is distinct from 'reschedule' or link.used_at is not null
    or private.why_link_is_over(link, visit) is not null or not service.active then
    return;
  end if;
  return query
  select * from public.open_slots(service.id,
    now() + make_interval(mins => service.min_notice_minutes),
    now() + make_interval(mins => service.min_notice_minutes)
      + make_interval(days => least(service.horizon_days, 30)),
    visit.provider_id, visit.location_id, slots_for_action.max_results)
  where starts_at < now() + make_interval(days => service.horizon_days);
end;
$$;

-- Does what a link is for. A link that was used already answers the same again and does nothing.
-- Raises not_found, link_expired, stale_version, too_late_to_cancel, and whatever forbids the change.
-- Definer: as action_for_token; whoever holds the token acts for its patient, bound by the same
-- notice, though the caller is the service key.
create function worker.use_action(
  notification_id uuid, appointment_version int, token_hash text, starts_at timestamptz default null
) returns worker.linked_action
language plpgsql
security definer
set search_path = ''
as $$
declare
  link private.link := private.link_of(use_action.notification_id,
    use_action.appointment_version, use_action.token_hash);
  visit public.appointments;
  failure text;
begin
  if link.action is null then
    perform private.raise_error('not_found');
  end if;
  -- The visit's lock comes first, as on every other path; it holds back a second click, too.
  visit := private.appointment_to_change(link.appointment_id, null);
  link := private.link_of(
    use_action.notification_id, use_action.appointment_version, use_action.token_hash);
  if link.used_at is not null then
    return private.describe_link(link);
  end if;
  failure := private.why_link_is_over(link, visit);
  if failure is not null then
    perform private.raise_error(failure);
  end if;
  case link.action
    when 'confirm' then
      insert into public.visit_confirmations (clinic_id, appointment_id, appointment_version)
      values (visit.clinic_id, visit.id, visit.version)
      on conflict do nothing;
    when 'reschedule' then
      perform private.move_visit(visit, use_action.starts_at, null, null, true);
    when 'accept' then
      update public.appointments set
        status = case when services.needs_approval then 'pending' else 'booked' end
          ::public.appointment_status
      from public.services
      where appointments.id = visit.id and services.id = visit.service_id;
    when 'cancel' then
      update public.appointments
      set status = 'cancelled', cancelled_late = private.is_late_to_cancel(visit)
      where appointments.id = visit.id;
    when 'decline' then
      update public.appointments set status = 'cancelled' where appointments.id = visit.id;
  end case;
  insert into private.used_links (notification_id, action) values (link.notification_id, link.action)
  returning used_links.used_at into link.used_at;
  return private.describe_link(link);
end;
$$;

comment on function worker.action_for_token(uuid, int, text) is
  'What a link in a mail is for, by message, version and SHA-256 of its token in hexadecimal; no row: '
  'no such link.';
comment on function worker.slots_for_action(uuid, int, text, int) is
  'Free times in the coming 30 days with the same provider at the same place; none unless the link '
  'can be used.';
comment on function worker.use_action(uuid, int, text, timestamptz) is
  'Does what the link is for; reschedule needs the new time. The same link again changes nothing.';

grant execute on function
  worker.action_for_token(uuid, int, text),
  worker.slots_for_action(uuid, int, text, int),
  worker.use_action(uuid, int, text, timestamptz)
to service_role;
