-- Action links: what a mail lets its reader do with one click, without signing in.
-- Promises: a link does one thing, once, to the state of the visit that the mail was about, as late
--           as its patient could; a mail sent again carries the same links. Only hashes are kept.
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

create table private.action_tokens (
  token_hash bytea primary key,
  clinic_id uuid not null,
  appointment_id uuid not null,
  appointment_version int not null,
  action private.link_action not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  created_at timestamptz not null default now(),
  constraint action_tokens_appointment_is_of_clinic
    foreign key (clinic_id, appointment_id) references public.appointments (clinic_id, id)
    on delete cascade
);

create index action_tokens_by_appointment on private.action_tokens (clinic_id, appointment_id);
create index action_tokens_by_expiry on private.action_tokens (expires_at);

comment on table private.action_tokens is 'The links in mails, by the SHA-256 of their tokens.';
comment on column private.action_tokens.appointment_version is
  'The visit must be as it was when the mail was written.';
comment on column private.action_tokens.expires_at is
  'When the visit starts, or the offer ends.';

alter table private.action_tokens enable row level security;

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

-- Makes the links of mails that are about to be written; again for the same mail: the same links. As
-- long as it is not written down, they are about the visit as it is now.
-- A seat of a group session cannot be moved, so its mail has no link for that. What may be declined
-- has a link for that, too, which has no end and of which nothing is kept.
create function private.issue_links(notification_ids uuid[])
returns table (notification_id uuid, tokens jsonb)
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  secret text := (select value from private.settings where key = 'action_links_secret');
begin
  delete from private.action_tokens where action_tokens.token_hash in (
    select over.token_hash from private.action_tokens as over
    where over.expires_at < now() - interval '30 days'
    order by over.expires_at
    limit 100
    for update skip locked
  );
  return query
  with owed as (
    select message.id, visit.clinic_id, visit.id as appointment_id, visit.version, offered.action,
      case when message.kind = 'offer' then visit.hold_expires_at else visit.starts_at end
        as expires_at,
      translate(
        encode(extensions.hmac(message.id || ':' || offered.action, secret, 'sha256'), 'base64'),
        '+/=', '-_') as token,
      coalesce(case when payload.frozen is not null then
        payload.frozen ->> 'to' = private.address_for(message) end, false) as is_written
    from public.notifications as message
    -- Fenced: a planner whose statistics know of few messages about visits would begin at all of them.
    cross join lateral (
      select * from public.appointments where appointments.id = message.appointment_id offset 0
    ) as visit
    left join private.notification_payloads as payload on payload.notification_id = message.id
    cross join lateral unnest(case
      when message.kind = 'offer' then '{accept,decline}'
      when message.kind::text not in ('confirmation', 'change', 'reminder') then '{}'
      when visit.session_id is not null then '{confirm,cancel}'
      else '{confirm,reschedule,cancel}'
    end::private.link_action[]) as offered (action)
    where message.id = any (notification_ids)
  ), kept as (
    insert into private.action_tokens as kept
      (token_hash, clinic_id, appointment_id, appointment_version, action, expires_at)
    select sha256(convert_to(owed.token, 'UTF8')), owed.clinic_id, owed.appointment_id,
      owed.version, owed.action, owed.expires_at
    from owed where not owed.is_written
    on conflict (token_hash) do update set
      appointment_version = excluded.appointment_version, expires_at = excluded.expires_at
    where kept.used_at is null
      and (kept.appointment_version, kept.expires_at)
        is distinct from (excluded.appointment_version, excluded.expires_at)
  ), told as (
    select owed.id, owed.action::text as action, owed.token from owed
    union all
    select message.id, 'unsubscribe', private.unsubscribe_token(message.id, secret)
    from public.notifications as message
    where message.id = any (notification_ids) and private.preference_for(message.kind) is not null
  )
  select told.id, jsonb_object_agg(told.action, told.token) from told group by told.id;
end;
$$;

-- The link with that hash, which is SHA-256 of its token in hexadecimal; null: there is none.
create function private.link_of(token_hash text) returns private.action_tokens
language plpgsql
stable
set search_path = ''
as $$
declare
  link private.action_tokens;
begin
  if token_hash ~ '^[0-9a-f]{64}$' then
    select * into link from private.action_tokens
    where action_tokens.token_hash = decode(link_of.token_hash, 'hex');
  end if;
  return link;
end;
$$;

-- Why the link cannot be used, as an error key; null: it can.
create function private.why_link_is_over(link private.action_tokens, visit public.appointments)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return case
    when link.expires_at <= now() then 'link_expired'
    when visit.version <> link.appointment_version then 'stale_version'
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

create function private.describe_link(link private.action_tokens) returns worker.linked_action
language plpgsql
stable
set search_path = ''
as $$
declare
  described worker.linked_action;
begin
  select link.action::text,
    case when link.used_at is not null then 'used'
      else coalesce(private.why_link_is_over(link, visit), 'usable') end,
    visit.id, clinic.name, place.name, place.address, place.phone, visit.service_id,
    visit.provider_id, visit.starts_at, visit.ends_at, place.time_zone, clinic.clock_hours,
    patient.locale, visit.status::text
  into described
  from public.appointments as visit
  join public.clinics as clinic on clinic.id = visit.clinic_id
  join public.locations as place on place.id = visit.location_id
  join public.patients as patient on patient.id = visit.patient_id
  where visit.id = link.appointment_id;
  return described;
end;
$$;

-- Definer: reads what the page behind a link shows; the service key may not read tokens.
create function worker.action_for_token(token_hash text) returns setof worker.linked_action
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  link private.action_tokens := private.link_of(action_for_token.token_hash);
begin
  if link.token_hash is not null then
    return next private.describe_link(link);
  end if;
end;
$$;

-- Times to which the visit of a reschedule link could move, as its patient would be offered them.
-- Definer: as action_for_token.
create function worker.slots_for_action(token_hash text, max_results int default 60)
returns setof public.open_slot
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  link private.action_tokens := private.link_of(slots_for_action.token_hash);
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
    visit.provider_id, null, slots_for_action.max_results)
  where starts_at < now() + make_interval(days => service.horizon_days);
end;
$$;

-- Does what a link is for. A link that was used already answers the same again and does nothing.
-- Raises not_found, link_expired, stale_version, too_late_to_cancel, and whatever forbids the change.
-- Definer: as action_for_token; whoever holds the token acts for its patient, bound by the same
-- notice, though the caller is the service key.
create function worker.use_action(token_hash text, starts_at timestamptz default null)
returns worker.linked_action
language plpgsql
security definer
set search_path = ''
as $$
declare
  link private.action_tokens := private.link_of(use_action.token_hash);
  visit public.appointments;
  failure text;
begin
  if link.token_hash is null then
    perform private.raise_error('not_found');
  end if;
  -- The visit's lock comes first, as on every other path; it holds back a second click, too.
  visit := private.appointment_to_change(link.appointment_id, null);
  link := private.link_of(use_action.token_hash);
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
    else
      update public.appointments set status = 'cancelled' where appointments.id = visit.id;
  end case;
  update private.action_tokens set used_at = now()
  where action_tokens.token_hash = link.token_hash
  returning * into link;
  return private.describe_link(link);
end;
$$;

comment on function worker.action_for_token(text) is
  'What a link in a mail is for, by the SHA-256 of its token in hexadecimal; no row: no such link.';
comment on function worker.slots_for_action(text, int) is
  'Free times in the coming 30 days with the same provider; none unless the link can be used.';
comment on function worker.use_action(text, timestamptz) is
  'Does what the link is for; reschedule needs the new time. The same link again changes nothing.';

grant execute on function
  worker.action_for_token(text),
  worker.slots_for_action(text, int),
  worker.use_action(text, timestamptz)
to service_role;
