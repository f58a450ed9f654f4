-- Clinics, the tenants, and their locations, which carry the time zone.
-- Access: everyone reads clinics that book publicly; members and patients read their own;
--         managers and owners change them.

create table public.clinics (
  id uuid primary key default gen_random_uuid(),
  slug text not null
    constraint clinics_slug_is_unique unique
    constraint clinics_slug_is_readable check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$')
    constraint clinics_slug_is_short check (length(slug) between 3 and 60),
  name text not null constraint clinics_name_is_not_blank check (btrim(name) <> '')
    constraint clinics_name_is_short check (length(name) <= 200),
  time_zone text not null
    constraint clinics_time_zone_is_known references private.time_zones (name),
  locale text not null default 'en'
    constraint clinics_locale_is_a_language_tag
      check (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]+)*$' and length(locale) <= 35),
  books_publicly boolean not null default false,
  hold_minutes int not null default 10
    constraint clinics_hold_is_possible check (hold_minutes between 1 and 60),
  max_holds_per_person int not null default 2
    constraint clinics_max_holds_is_possible check (max_holds_per_person between 0 and 100),
  max_open_bookings_per_patient int
    constraint clinics_max_open_bookings_is_possible check (max_open_bookings_per_patient >= 0),
  staff_needs_second_factor boolean not null default false,
  audit_retention_days int not null default 3650
    constraint clinics_audit_retention_is_possible check (audit_retention_days between 30 and 36500),
  external_id text constraint clinics_external_id_is_unique unique
    constraint clinics_external_id_is_short check (length(external_id) <= 200),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create index clinics_in_public on public.clinics (id) where books_publicly;

create table public.locations (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  name text not null constraint locations_name_is_not_blank check (btrim(name) <> '')
    constraint locations_name_is_short check (length(name) <= 200),
  address text constraint locations_address_is_short check (length(address) <= 500),
  phone text constraint locations_phone_is_a_number check (
    length(phone) between 5 and 25 and phone ~ '^\+?[0-9 ()./-]+$' and phone = btrim(phone)
    and length(regexp_replace(phone, '[^0-9]', '', 'g')) >= 5
  ),
  time_zone text not null
    constraint locations_time_zone_is_known references private.time_zones (name),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint locations_in_clinic unique (clinic_id, id)
);

comment on table public.clinics is
  'The tenants. Every other row belongs to one clinic and can refer only to rows of the same clinic.';
comment on column public.clinics.slug is 'The clinic''s part of a web address, e.g. harbour-clinic.';
comment on column public.clinics.locale is
  'Language of messages to staff and of new patients'' records, e.g. en or de-AT.';
comment on column public.clinics.books_publicly is
  'True: visitors without an account see services, providers and free times.';
comment on column public.clinics.hold_minutes is
  'How long a slot is kept for somebody who fills in the form.';
comment on column public.clinics.max_holds_per_person is
  'Slots one person may keep at the same time; staff is not bound.';
comment on column public.clinics.max_open_bookings_per_patient is
  'Coming visits one patient may have booked by themselves; null: any number.';
comment on column public.clinics.staff_needs_second_factor is
  'True: members reach the clinic only after signing in with a second factor. Binds no patient.';
comment on column public.clinics.audit_retention_days is
  'How long the access log is kept.';
comment on column public.clinics.external_id is 'The clinic''s id in the system it was imported from.';
comment on table public.locations is 'Sites of a clinic.';
comment on column public.locations.phone is
  'Where patients call, as they read it on pages and in mails, e.g. +31 20 555 0100; null: none is given.';
comment on column public.locations.time_zone is
  'The zone the wall clock there shows, e.g. Europe/Vienna. Weekly hours are read in it.';

-- Spaces around a number come with copying it; an empty field is none.
create function private.trim_phone() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.phone := nullif(btrim(new.phone), '');
  return new;
end;
$$;

create trigger _010_trim_phone before insert or update on public.locations
  for each row when (new.phone is not null) execute function private.trim_phone();
create trigger _100_set_updated_at before update on public.clinics
  for each row execute function private.set_updated_at();
create trigger _100_set_updated_at before update on public.locations
  for each row execute function private.set_updated_at();

alter table public.clinics enable row level security;
alter table public.locations enable row level security;

create policy "visitors read clinics that book publicly" on public.clinics
  for select to anon using (books_publicly);
create policy "people read public clinics and their own" on public.clinics
  for select to authenticated using (
    books_publicly
    or id = any (array(select private.my_clinics()))
    or id = any (array(select private.my_clinics_as_patient()))
  );
create policy "managers change their clinic" on public.clinics
  for update to authenticated
  using (id = any (array(select private.my_clinics_as('owner', 'manager'))))
  with check (id = any (array(select private.my_clinics_as('owner', 'manager'))));

-- Clinics has its own row security, so that a row is read through a clinic that is. Asked with
-- `exists`, PostgreSQL chooses: a look-up for each of a few rows, a list of all clinics for many.
create policy "visitors read locations of clinics they see" on public.locations
  for select to anon using (
    exists (select from public.clinics where clinics.id = locations.clinic_id)
  );
create policy "people read locations of clinics they see" on public.locations
  for select to authenticated using (
    exists (select from public.clinics where clinics.id = locations.clinic_id)
  );
create policy "managers add locations" on public.locations
  for insert to authenticated
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers change locations" on public.locations
  for update to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))))
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers remove locations" on public.locations
  for delete to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));

-- How a clinic guards its staff's log-ins and what it is called elsewhere is nothing for visitors.
grant select (id, slug, name, time_zone, books_publicly, hold_minutes) on public.clinics to anon;
grant select on public.clinics to authenticated;
grant select on public.locations to anon, authenticated;
grant update (slug, name, time_zone, locale, books_publicly, hold_minutes, max_holds_per_person,
  max_open_bookings_per_patient, staff_needs_second_factor, audit_retention_days)
  on public.clinics to authenticated;
grant insert, update, delete on public.locations to authenticated;
grant select, insert, update, delete on public.clinics, public.locations to service_role;
