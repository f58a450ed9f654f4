-- Outside calendars: time that a provider's other calendars, read by their addresses, keep busy.
-- Promises: inside_availability; busy time is closed time. Visits booked before stay, and are marked
--           for follow-up. Of outside events nothing but their times is kept.
-- Access: members read when, managers, owners and the provider also from where; the service key
--         imports. Why it is shaped like this: docs/decisions/0021-outside-calendars.md.

create type public.outside_calendar_state as enum (
  'new',     -- not read yet
  'fresh',   -- read as often as it should be
  'stale',   -- not read for an hour; what was read last still counts
  'failing'  -- not read for a day: somebody has to look; what was read last still counts
);

create table public.outside_calendars (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null,
  provider_id uuid not null,
  name text not null default 'Calendar'
    constraint outside_calendars_name_is_not_blank check (btrim(name) <> '')
    constraint outside_calendars_name_is_short check (length(name) <= 100),
  url text not null
    constraint outside_calendars_url_is_of_the_web check (url ~ '^https?://[^\s/]+(/\S*)?$')
    constraint outside_calendars_url_is_short check (length(url) <= 2000),
  state public.outside_calendar_state not null default 'new',
  last_fetched_at timestamptz,
  last_tried_at timestamptz,
  failures int not null default 0,
  last_error text constraint outside_calendars_last_error_is_short check (length(last_error) <= 100),
  skipped_events int not null default 0,
  etag text,
  last_modified text,
  read_until timestamptz,
  next_fetch_at timestamptz not null default now(),
  lease_id uuid,
  leased_until timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint outside_calendars_in_clinic unique (clinic_id, id, provider_id),
  constraint outside_calendars_once unique (provider_id, url),
  constraint outside_calendars_provider_is_of_clinic
    foreign key (clinic_id, provider_id) references public.providers (clinic_id, id)
    on delete cascade
);

create index outside_calendars_by_provider on public.outside_calendars (clinic_id, provider_id);
create index outside_calendars_to_fetch on public.outside_calendars (next_fetch_at);

comment on table public.outside_calendars is
  'Calendars elsewhere whose busy time takes a provider''s slots away. Provider and url are enough.';
comment on column public.outside_calendars.clinic_id is 'Left out: the provider''s clinic.';
comment on column public.outside_calendars.url is
  'Where to read it; often a secret. webcal:// becomes https://.';
comment on column public.outside_calendars.last_fetched_at is
  'When it was last read or found unchanged; the busy time is as of then.';
comment on column public.outside_calendars.last_error is 'Why the last try failed, as a code.';
comment on column public.outside_calendars.skipped_events is
  'Events that were not understood when it was last read: those that do not say when are not kept busy, '
  'those in an unknown zone are as if in the local one.';
comment on column public.outside_calendars.etag is 'As its server said, to ask only for changes.';
comment on column public.outside_calendars.last_modified is 'As etag.';
comment on column public.outside_calendars.read_until is
  'Until when its events were followed when it was last read whole; nothing is known beyond.';

create table public.busy_blocks (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null,
  provider_id uuid not null,
  outside_calendar_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  created_at timestamptz not null default now(),
  constraint busy_blocks_during_is_bounded
    check (isfinite(starts_at) and isfinite(ends_at) and starts_at < ends_at),
  constraint busy_blocks_provider_is_of_clinic
    foreign key (clinic_id, provider_id) references public.providers (clinic_id, id)
    on delete cascade,
  constraint busy_blocks_calendar_is_of_provider
    foreign key (clinic_id, outside_calendar_id, provider_id)
    references public.outside_calendars (clinic_id, id, provider_id) on delete cascade
);

-- For open_times, which asks for few hours among a year of blocks.
create index busy_blocks_by_time on public.busy_blocks
  using gist (provider_id, tstzrange(starts_at, ends_at));
create index busy_blocks_by_provider on public.busy_blocks (clinic_id, provider_id);
create index busy_blocks_by_calendar
  on public.busy_blocks (clinic_id, outside_calendar_id, provider_id);

comment on table public.busy_blocks is
  'When a provider is busy elsewhere, as last imported: closed time at every location.';

-- Definer: the clinic of the provider is not the writer's to read.
create function private.fill_in_outside_calendar() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  new.url := regexp_replace(btrim(new.url), '^webcals?://', 'https://', 'i');
  new.clinic_id := coalesce(new.clinic_id,
    (select providers.clinic_id from public.providers where providers.id = new.provider_id));
  if tg_op = 'UPDATE' and new.url <> old.url then
    new.state := 'new';
    new.etag := null;
    new.last_modified := null;
    new.next_fetch_at := now();
    -- Whoever reads the old address now may not say what is at the new one.
    new.lease_id := null;
    new.leased_until := null;
  end if;
  return new;
end;
$$;

-- Has a clinic's calendars read anew, whole: days and floating times were taken for the old zone's, and
-- a calendar that has not changed would leave them there.
-- Definer: whoever corrects a zone may not write outside calendars.
create function private.reread_outside_calendars() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.outside_calendars as calendar set
    etag = null, last_modified = null, next_fetch_at = now(), lease_id = null, leased_until = null
  where calendar.clinic_id = new.clinic_id;
  return null;
end;
$$;

-- Marks visits that busy time falls upon, closes follow-ups and notes free time where it went, and tells
-- open screens.
-- Definer: whoever changes the blocks, all visits are looked at.
create function private.follow_up_busy_blocks() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  touched record;
begin
  for touched in
    select changed.clinic_id, changed.provider_id, min(changed.starts_at) as from_time,
      max(changed.ends_at) as to_time
    from changed
    group by changed.clinic_id, changed.provider_id
    order by changed.provider_id
  loop
    if tg_op <> 'DELETE' or private.has_follow_ups(touched.clinic_id) then
      perform private.follow_up_hours(touched.clinic_id, array[touched.provider_id]);
    end if;
    if tg_op = 'DELETE' then
      -- A day more on either side covers every zone.
      perform private.note_freed_days(touched.clinic_id, null, touched.provider_id,
        (touched.from_time at time zone 'UTC')::date - 1,
        (touched.to_time at time zone 'UTC')::date + 1);
    end if;
    perform private.broadcast_slots(
      touched.clinic_id, touched.provider_id, touched.from_time, touched.to_time);
  end loop;
  return null;
end;
$$;

create trigger _050_fill_in before insert or update of url, provider_id on public.outside_calendars
  for each row execute function private.fill_in_outside_calendar();
create trigger _100_set_updated_at before update on public.outside_calendars
  for each row execute function private.set_updated_at();
create trigger _600_reread_outside_calendars after update of time_zone on public.locations
  for each row when (old.time_zone <> new.time_zone)
  execute function private.reread_outside_calendars();
create trigger _500_follow_up_insert after insert on public.busy_blocks
  referencing new table as changed
  for each statement execute function private.follow_up_busy_blocks();
create trigger _500_follow_up_delete after delete on public.busy_blocks
  referencing old table as changed
  for each statement execute function private.follow_up_busy_blocks();

alter table public.outside_calendars enable row level security;
alter table public.busy_blocks enable row level security;

create policy "members read their clinic's outside calendars" on public.outside_calendars
  for select to authenticated using (clinic_id = any (array(select private.my_clinics())));
create policy "members read busy blocks" on public.busy_blocks
  for select to authenticated using (clinic_id = any (array(select private.my_clinics())));

-- Not the address: whoever knows it can read the calendar.
grant select (id, clinic_id, provider_id, name, state, last_fetched_at, last_tried_at, failures,
  last_error, skipped_events, next_fetch_at, created_at, updated_at)
  on public.outside_calendars to authenticated;
grant select on public.busy_blocks to authenticated, service_role;
grant select on public.outside_calendars to service_role;

-- Whether the caller keeps the calendars of this provider. Raises not_found or not_allowed.
create function private.check_keeps_calendars(clinic_id uuid, provider_id uuid) returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if private.is_trusted() then
    return;
  end if;
  perform private.require_user();
  if check_keeps_calendars.clinic_id is null
    or not check_keeps_calendars.clinic_id in (select private.my_clinics()) then
    perform private.raise_error('not_found');
  end if;
  if not check_keeps_calendars.clinic_id in (select private.my_clinics_as('owner', 'manager'))
    and not exists (
      select from public.providers
      where providers.id = check_keeps_calendars.provider_id and providers.user_id = auth.uid()
    ) then
    perform private.raise_error('not_allowed');
  end if;
end;
$$;

-- Definer: nobody may write outside calendars directly; who may is checked here.
create function public.add_outside_calendar(
  provider_id uuid, url text, name text default 'Calendar'
) returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  clinic uuid := (
    select providers.clinic_id from public.providers
    where providers.id = add_outside_calendar.provider_id);
  address text := regexp_replace(
    btrim(add_outside_calendar.url), '^webcals?://', 'https://', 'i');
  added uuid;
begin
  perform private.check_keeps_calendars(clinic, add_outside_calendar.provider_id);
  if clinic is null then
    perform private.raise_error('not_found');
  end if;
  if not coalesce(address ~ '^https?://[^\s/]+(/\S*)?$' and length(address) <= 2000, false)
    or not length(btrim(add_outside_calendar.name)) between 1 and 100 then
    perform private.raise_error('invalid_input', 'Give the https address of a calendar.');
  end if;
  if (
    select count(*) from public.outside_calendars as known
    where known.provider_id = add_outside_calendar.provider_id
  ) >= 10 then
    perform private.raise_error('limit_reached', 'A provider can have ten outside calendars.');
  end if;
  insert into public.outside_calendars as calendar (clinic_id, provider_id, url, name)
  values (clinic, add_outside_calendar.provider_id, address, btrim(add_outside_calendar.name))
  on conflict on constraint outside_calendars_once do update set next_fetch_at = now()
  returning calendar.id into added;
  return added;
end;
$$;

-- Definer: as add_outside_calendar.
create function public.remove_outside_calendar(calendar_id uuid) returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  calendar public.outside_calendars;
begin
  select * into calendar from public.outside_calendars as known
  where known.id = remove_outside_calendar.calendar_id;
  perform private.check_keeps_calendars(calendar.clinic_id, calendar.provider_id);
  if calendar.id is null then
    perform private.raise_error('not_found');
  end if;
  delete from public.outside_calendars as known where known.id = calendar.id;
end;
$$;

comment on function public.add_outside_calendar(uuid, text, text) is
  'Reads this calendar from now on and takes its busy time from the provider''s slots. The same '
  'address again: it is read at once.';
comment on function public.remove_outside_calendar(uuid) is
  'Reads it no more; its busy time is open again.';

grant execute on function
  public.add_outside_calendar(uuid, text, text),
  public.remove_outside_calendar(uuid)
to authenticated, service_role;
