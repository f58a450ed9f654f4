-- Feeds: calendar subscriptions of providers and patients by a secret address.
-- Promises: only a hash of the secret is kept; a feed shows as little as was chosen, names of
--           patients never, and dies with the right of its owner to see what it shows.
-- Access: people make and revoke their own, managers and owners those of the clinic's providers;
--         the service key reads, for the edge function calendar-feed.

create type public.feed_details as enum (
  'busy',   -- that there is a visit, and when
  'titles'  -- also which kind of visit, with whom; patients by their initials
);

create table public.calendar_feeds (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null,
  user_id uuid not null references auth.users (id) on delete cascade,
  provider_id uuid,
  patient_id uuid,
  details public.feed_details not null default 'busy',
  token_hash bytea not null constraint calendar_feeds_token_hash_is_unique unique,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  constraint calendar_feeds_of_one check (num_nonnulls(provider_id, patient_id) = 1),
  constraint calendar_feeds_provider_is_of_clinic
    foreign key (clinic_id, provider_id) references public.providers (clinic_id, id)
    on delete cascade,
  constraint calendar_feeds_patient_is_of_clinic
    foreign key (clinic_id, patient_id) references public.patients (clinic_id, id)
    on delete cascade
);

create index calendar_feeds_by_user on public.calendar_feeds (user_id);
create index calendar_feeds_by_provider on public.calendar_feeds (clinic_id, provider_id);
create index calendar_feeds_by_patient on public.calendar_feeds (clinic_id, patient_id);

-- A provider's coming visits in one look, however many are over.
-- squawk-ignore require-concurrent-index-creation
create index appointments_by_provider_and_start on public.appointments (provider_id, starts_at);

comment on table public.calendar_feeds is 'Calendar subscriptions, of a provider or of a patient.';
comment on column public.calendar_feeds.user_id is
  'Who made it; it works as long as this user may see the calendar.';
comment on column public.calendar_feeds.token_hash is
  'SHA-256 of the secret in the address, which is told once and kept nowhere.';

alter table public.calendar_feeds enable row level security;

create policy "people see their feeds, managers those of providers" on public.calendar_feeds
  for select to authenticated using (
    user_id = (select auth.uid())
    or (provider_id is not null
      and clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))))
  );

grant select (id, clinic_id, user_id, provider_id, patient_id, details, revoked_at, created_at)
  on public.calendar_feeds to authenticated;
grant select on public.calendar_feeds to service_role;

-- Whether that user may see the calendar of this provider or patient now. Nothing about how they signed
-- in: whoever reads a feed has not.
create function private.may_subscribe(user_id uuid, provider_id uuid, patient_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from public.providers as provider
    join public.members as member
      on member.clinic_id = provider.clinic_id and member.user_id = may_subscribe.user_id
      and member.active
    where provider.id = may_subscribe.provider_id
      and (provider.user_id = member.user_id or member.role in ('owner', 'manager'))
  ) or exists (
    select from public.patients as patient
    where patient.id = may_subscribe.patient_id and (
      patient.user_id = may_subscribe.user_id
      or exists (
        select from public.guardians as guardian
        where guardian.patient_id = patient.id and guardian.user_id = may_subscribe.user_id
          and guardian.starts_at <= now()
          and (guardian.ends_at is null or guardian.ends_at > now())
      )
    )
  );
end;
$$;

-- Where the caller reaches this project, as its gateway says; empty if it does not.
create function private.project_address() returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  headers jsonb := nullif(current_setting('request.headers', true), '')::jsonb;
  host text := coalesce(headers ->> 'x-forwarded-host', headers ->> 'host');
begin
  if host ~ '^[A-Za-z0-9.:-]+$' then
    return coalesce(substring(headers ->> 'x-forwarded-proto' from '^https?'), 'https')
      || '://' || host;
  end if;
  return '';
end;
$$;

-- Makes a feed and tells its address, this once.
-- Definer: nobody may write feeds directly; who may see whose calendar is checked here.
create function public.create_feed(
  provider_id uuid default null,
  patient_id uuid default null,
  details public.feed_details default 'busy'
) returns table (feed_id uuid, address text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  caller uuid := private.require_user();
  token text := translate(encode(extensions.gen_random_bytes(32), 'base64'), '+/=', '-_');
  provider uuid := create_feed.provider_id;
  patient uuid := create_feed.patient_id;
  own uuid[];
begin
  if provider is null and patient is null then
    own := array(select patients.id from public.patients where patients.user_id = caller limit 2);
    patient := case when cardinality(own) = 1 then own[1] end;
  end if;
  if num_nonnulls(provider, patient) <> 1 or create_feed.details is null then
    perform private.raise_error('invalid_input', 'Say of which provider, or of which patient.');
  end if;
  -- A feed lasts, so the clinic's second factor is asked for here.
  if not private.may_subscribe(caller, provider, patient) or (
    provider is not null and not private.is_member_of(
      (select providers.clinic_id from public.providers where providers.id = provider))
  ) then
    perform private.raise_error('not_found');
  end if;
  if (
    select count(*) from public.calendar_feeds
    where calendar_feeds.user_id = caller and calendar_feeds.revoked_at is null
  ) >= 20 then
    perform private.raise_error('limit_reached', 'Revoke a feed that you do not use any more.');
  end if;
  insert into public.calendar_feeds as feed
    (clinic_id, user_id, provider_id, patient_id, details, token_hash)
  values (
    coalesce(
      (select providers.clinic_id from public.providers where providers.id = provider),
      (select patients.clinic_id from public.patients where patients.id = patient)),
    caller, provider, patient, create_feed.details, sha256(convert_to(token, 'UTF8'))
  )
  returning feed.id into feed_id;
  address := private.project_address() || '/functions/v1/calendar-feed/' || token || '.ics';
  return next;
end;
$$;

-- Definer: as create_feed.
create function public.revoke_feed(feed_id uuid) returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  update public.calendar_feeds as feed set revoked_at = coalesce(feed.revoked_at, now())
  where feed.id = revoke_feed.feed_id and (
    private.is_trusted()
    or feed.user_id = auth.uid()
    or (feed.provider_id is not null
      and feed.clinic_id in (select private.my_clinics_as('owner', 'manager')))
  );
  if not found then
    perform private.raise_error('not_found');
  end if;
end;
$$;

-- The feed with that hash, if it still works.
create function private.feed_of(token_hash text) returns public.calendar_feeds
language plpgsql
stable
set search_path = ''
as $$
declare
  feed public.calendar_feeds;
begin
  if not coalesce(token_hash ~ '^[0-9a-f]{64}$', false) then
    return null;
  end if;
  select * into feed from public.calendar_feeds
  where calendar_feeds.token_hash = decode(feed_of.token_hash, 'hex')
    and calendar_feeds.revoked_at is null;
  if feed.id is null or not private.may_subscribe(feed.user_id, feed.provider_id, feed.patient_id)
  then
    return null;
  end if;
  return feed;
end;
$$;

-- From when to when feeds tell: whole days, so that a tag stays the same for a day.
create function private.feed_window() returns tstzrange
language plpgsql
stable
set search_path = ''
as $$
begin
  return tstzrange(
    date_trunc('day', now(), 'UTC') - interval '60 days',
    date_trunc('day', now(), 'UTC') + interval '400 days');
end;
$$;

-- Changes with anything the feed would tell, and costs far less than telling it. Counts say how
-- many, hashes of id and version say which; what a visit says besides hangs on few small rows.
create function private.feed_tag(feed public.calendar_feeds) returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  shown tstzrange := private.feed_window();
  visits text;
  sessions text;
  patients text;
  names text;
begin
  if feed.provider_id is not null then
    select count(*) || ':' || coalesce(bit_xor(uuid_hash_extended(visit.id, visit.version)), 0)
    into visits
    from public.appointments as visit
    where visit.provider_id = feed.provider_id
      and visit.starts_at >= lower(shown) and visit.starts_at < upper(shown)
      and visit.status in ('pending', 'booked', 'arrived', 'fulfilled')
      and visit.session_id is null;
    select count(*) || ':' || coalesce(bit_xor(uuid_hash_extended(
      session.id, (extract(epoch from session.updated_at) * 1000000)::bigint)), 0)
    into sessions
    from public.group_sessions as session
    where session.provider_id = feed.provider_id
      and session.starts_at >= lower(shown) and session.starts_at < upper(shown)
      and session.status = 'scheduled';
    -- Initials follow a name that is corrected or erased.
    if feed.details = 'titles' then
      select bit_xor(uuid_hash_extended(
        seen.id, (extract(epoch from seen.updated_at) * 1000000)::bigint))
      into patients
      from public.patients as seen
      where seen.id in (
        select visit.patient_id from public.appointments as visit
        where visit.provider_id = feed.provider_id
          and visit.starts_at >= lower(shown) and visit.starts_at < upper(shown)
      );
    end if;
  else
    select count(*) || ':' || coalesce(bit_xor(uuid_hash_extended(visit.id, visit.version)), 0)
    into visits
    from public.appointments as visit
    where visit.patient_id = feed.patient_id
      and visit.starts_at >= lower(shown) and visit.starts_at < upper(shown)
      and visit.status in ('pending', 'booked', 'arrived', 'fulfilled');
  end if;
  -- Not the latest change alone: what began earlier may be committed later.
  select count(*) || ':' || coalesce(bit_xor(uuid_hash_extended(
    named.id, (extract(epoch from named.updated_at) * 1000000)::bigint)), 0)
  into names
  from (
    select clinics.id, clinics.updated_at from public.clinics where clinics.id = feed.clinic_id
    union all
    select locations.id, locations.updated_at
    from public.locations where locations.clinic_id = feed.clinic_id
    union all
    select services.id, services.updated_at
    from public.services where services.clinic_id = feed.clinic_id
    union all
    select providers.id, providers.updated_at
    from public.providers where providers.clinic_id = feed.clinic_id
    union all
    select patients.id, patients.updated_at from public.patients where patients.id = feed.patient_id
    union all
    select preference.id, preference.updated_at
    from public.notification_preferences as preference
    where preference.clinic_id = feed.clinic_id and preference.patient_id = feed.patient_id
  ) as named;
  return md5(concat_ws('|', feed.id, feed.details, extract(epoch from lower(shown)), visits, sessions,
    patients, names));
end;
$$;

-- Definer: the service key may read feeds, but neither all of what they show nor private functions.
-- Along the index, which is twice as fast; a plan for known times reads a small clinic's visits whole.
create function worker.feed_version(token_hash text) returns text
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  feed public.calendar_feeds := private.feed_of(feed_version.token_hash);
begin
  if feed.id is null then
    return null;
  end if;
  return private.feed_tag(feed);
end;
$$;

-- One row for the whole feed, its events side by side in arrays: thousands of rows would be cut by
-- PostgREST's limit.
-- Definer: as feed_version.
create function worker.read_feed(token_hash text) returns table (
  version text,
  is_of_provider boolean,
  details text,
  locale text,
  clinic_name text,
  clinic_time_zone text,
  owner_name text,
  ids uuid[],
  versions int[],
  starts bigint[],
  ends bigint[],
  changed bigint[],
  statuses text[],
  zones text[],
  places text[],
  services text[],
  people text[]
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  feed public.calendar_feeds := private.feed_of(read_feed.token_hash);
  shown tstzrange := private.feed_window();
  has_titles boolean := feed.details = 'titles';
begin
  if feed.id is null then
    return;
  end if;
  return query
  with told as (
    select visit.id, visit.version, visit.starts_at, visit.ends_at, visit.updated_at,
      visit.status::text as status, visit.location_id, visit.service_id, visit.provider_id,
      visit.patient_id
    from public.appointments as visit
    where visit.provider_id = feed.provider_id and visit.session_id is null
      and visit.starts_at >= lower(shown) and visit.starts_at < upper(shown)
      and visit.status in ('pending', 'booked', 'arrived', 'fulfilled')
    union all
    select visit.id, visit.version, visit.starts_at, visit.ends_at, visit.updated_at,
      visit.status::text, visit.location_id, visit.service_id, visit.provider_id,
      visit.patient_id
    from public.appointments as visit
    where visit.patient_id = feed.patient_id
      and visit.starts_at >= lower(shown) and visit.starts_at < upper(shown)
      and visit.status in ('pending', 'booked', 'arrived', 'fulfilled')
    union all
    select session.id, session.version, session.starts_at, session.ends_at, session.updated_at, 'booked',
      session.location_id, session.service_id, session.provider_id, null
    from public.group_sessions as session
    where session.provider_id = feed.provider_id and session.status = 'scheduled'
      and session.starts_at >= lower(shown) and session.starts_at < upper(shown)
  )
  select private.feed_tag(feed), feed.provider_id is not null, feed.details::text,
    coalesce(preference.language, patient.locale, clinic.locale), clinic.name, clinic.time_zone, provider.full_name,
    events.ids, events.versions, events.starts, events.ends, events.changed, events.statuses,
    events.zones, events.places, events.services, events.people
  from public.clinics as clinic
  left join public.patients as patient on patient.id = feed.patient_id
  left join public.notification_preferences as preference
    on preference.clinic_id = clinic.id and preference.patient_id = patient.id
  left join public.providers as provider on provider.id = feed.provider_id
  cross join lateral (
    select
      coalesce(array_agg(told.id), '{}') as ids,
      coalesce(array_agg(told.version), '{}') as versions,
      coalesce(array_agg(extract(epoch from told.starts_at)::bigint), '{}') as starts,
      coalesce(array_agg(extract(epoch from told.ends_at)::bigint), '{}') as ends,
      coalesce(array_agg(extract(epoch from told.updated_at)::bigint), '{}') as changed,
      coalesce(array_agg(told.status), '{}') as statuses,
      coalesce(array_agg(place.time_zone), '{}') as zones,
      coalesce(array_agg(concat_ws(', ', place.name, place.address)), '{}') as places,
      case when has_titles then coalesce(array_agg(service.name), '{}') end as services,
      case when has_titles then coalesce(array_agg(coalesce(
        regexp_replace(seen.full_name, '(\S)\S*\s*', '\1.', 'g'), giver.full_name, '')), '{}')
      end as people
    from told
    join public.locations as place on place.id = told.location_id
    join public.services as service on service.id = told.service_id
    left join public.patients as seen
      on has_titles and feed.provider_id is not null and seen.id = told.patient_id
    left join public.providers as giver
      on feed.patient_id is not null and giver.id = told.provider_id
  ) as events
  where clinic.id = feed.clinic_id;
end;
$$;

comment on function public.create_feed(uuid, uuid, public.feed_details) is
  'A calendar subscription of a provider or of a patient; neither: of the caller. Its address holds '
  'the secret and is told this once. Where the project''s host is not known, the address lacks it.';
comment on function public.revoke_feed(uuid) is 'The feed''s address stops working at once.';
comment on function worker.feed_version(text) is
  'A tag that changes with whatever the feed tells; null: no such feed, or it works no more. The '
  'argument is the SHA-256 of the secret in hexadecimal.';
comment on function worker.read_feed(text) is
  'One row: all that the feed tells, times as seconds since 1970. No row: as feed_version.';

grant execute on function
  public.create_feed(uuid, uuid, public.feed_details),
  public.revoke_feed(uuid)
to authenticated;
grant execute on function public.revoke_feed(uuid) to service_role;
grant execute on function worker.feed_version(text), worker.read_feed(text) to service_role;
