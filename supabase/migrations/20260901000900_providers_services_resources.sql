-- What a clinic offers: providers, kinds of visit, who offers which, rooms and equipment, and what
-- a kind of visit needs of them.
-- Promises: composite keys make a reference across clinics unrepresentable.
-- Access: whoever sees the clinic reads providers and services; members read resources; managers
--         and owners change all.

create table public.providers (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  user_id uuid references auth.users (id) on delete set null,
  full_name text not null constraint providers_full_name_is_not_blank check (btrim(full_name) <> '')
    constraint providers_full_name_is_short check (length(full_name) <= 200),
  speciality text constraint providers_speciality_is_short check (length(speciality) <= 200),
  active boolean not null default true,
  external_id text constraint providers_external_id_is_short check (length(external_id) <= 200),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint providers_in_clinic unique (clinic_id, id),
  constraint providers_once_per_user unique (clinic_id, user_id),
  constraint providers_external_id_is_unique unique (clinic_id, external_id)
);

create index providers_by_user on public.providers (user_id);

create table public.services (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  name text not null constraint services_name_is_not_blank check (btrim(name) <> '')
    constraint services_name_is_short check (length(name) <= 200),
  description text constraint services_description_is_short check (length(description) <= 2000),
  preparation text constraint services_preparation_is_short check (length(preparation) <= 500),
  duration_minutes int not null default 30
    constraint services_duration_is_possible check (duration_minutes between 1 and 1440),
  buffer_before_minutes int not null default 0
    constraint services_buffer_before_is_possible check (buffer_before_minutes between 0 and 1440),
  buffer_after_minutes int not null default 0
    constraint services_buffer_after_is_possible check (buffer_after_minutes between 0 and 1440),
  slot_interval_minutes int not null default 15
    constraint services_slot_interval_is_possible check (slot_interval_minutes between 5 and 1440),
  min_notice_minutes int not null default 0
    constraint services_min_notice_is_possible check (min_notice_minutes between 0 and 525600),
  cancel_notice_minutes int not null default 0
    constraint services_cancel_notice_is_possible check (cancel_notice_minutes between 0 and 525600),
  horizon_days int not null default 90
    constraint services_horizon_is_possible check (horizon_days between 1 and 1095),
  capacity int not null default 1
    constraint services_capacity_is_possible check (capacity between 1 and 1000),
  max_per_day int constraint services_max_per_day_is_possible check (max_per_day >= 0),
  max_per_week int constraint services_max_per_week_is_possible check (max_per_week >= 0),
  needs_approval boolean not null default false,
  new_patients_only boolean not null default false,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint services_in_clinic unique (clinic_id, id),
  constraint services_name_is_unique unique (clinic_id, name)
);

create table public.provider_services (
  clinic_id uuid not null references public.clinics (id),
  provider_id uuid not null,
  service_id uuid not null,
  duration_minutes int
    constraint provider_services_duration_is_possible check (duration_minutes between 1 and 1440),
  weight int not null default 1
    constraint provider_services_weight_is_possible check (weight between 0 and 100),
  max_per_day int
    constraint provider_services_max_per_day_is_possible check (max_per_day >= 0),
  max_per_week int
    constraint provider_services_max_per_week_is_possible check (max_per_week >= 0),
  primary key (provider_id, service_id),
  constraint provider_services_provider_is_of_clinic
    foreign key (clinic_id, provider_id) references public.providers (clinic_id, id)
    on delete cascade,
  constraint provider_services_service_is_of_clinic
    foreign key (clinic_id, service_id) references public.services (clinic_id, id)
    on delete cascade
);

create index provider_services_by_service on public.provider_services (service_id);

create type public.resource_kind as enum (
  'room',      -- visits happen in it
  'equipment'  -- visits use it
);

create table public.resources (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  location_id uuid not null,
  kind public.resource_kind not null,
  name text not null constraint resources_name_is_not_blank check (btrim(name) <> '')
    constraint resources_name_is_short check (length(name) <= 200),
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint resources_in_clinic unique (clinic_id, id, kind),
  constraint resources_location_is_of_clinic
    foreign key (clinic_id, location_id) references public.locations (clinic_id, id)
);

create index resources_by_location on public.resources (location_id, kind);

create table public.service_needs (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  service_id uuid not null,
  kind public.resource_kind not null,
  resource_id uuid,
  quantity int not null default 1
    constraint service_needs_quantity_is_possible check (quantity between 1 and 20),
  constraint service_needs_once unique nulls not distinct (service_id, kind, resource_id),
  constraint service_needs_one_of_the_one_named check (resource_id is null or quantity = 1),
  constraint service_needs_service_is_of_clinic
    foreign key (clinic_id, service_id) references public.services (clinic_id, id)
    on delete cascade,
  constraint service_needs_resource_is_of_clinic_and_kind
    foreign key (clinic_id, resource_id, kind) references public.resources (clinic_id, id, kind)
);

comment on table public.providers is 'Whoever sees patients and has weekly hours.';
comment on column public.providers.user_id is
  'The user who is this provider and reads the reasons for their visits; null: has no log-in.';
comment on column public.providers.active is 'False: offers no new times; past visits stay.';
comment on table public.services is 'Kinds of visit.';
comment on column public.services.preparation is
  'What to bring or to do before; stands in the mails.';
comment on column public.services.duration_minutes is
  'Length of the visit, buffers not included. A provider may have another in provider_services.';
comment on column public.services.buffer_before_minutes is
  'Minutes before the visit in which provider, rooms and equipment are kept free.';
comment on column public.services.buffer_after_minutes is
  'Minutes after the visit in which provider, rooms and equipment are kept free.';
comment on column public.services.slot_interval_minutes is
  'Offered starts lie this many minutes apart, counted from the start of the weekly hours.';
comment on column public.services.min_notice_minutes is
  'Patients book at least this many minutes ahead.';
comment on column public.services.cancel_notice_minutes is
  'Patients cancel or move at least this many minutes ahead.';
comment on column public.services.horizon_days is 'Patients book at most this many days ahead.';
comment on column public.services.capacity is 'Seats of one session; 1: a visit of one patient.';
comment on column public.services.needs_approval is
  'True: a patient''s booking is pending until the clinic approves it.';
comment on column public.services.max_per_day is
  'Visits of this kind on one day, all providers together; null: any number. Days, and weeks from '
  'Monday, are those of the place of the visit.';
comment on column public.services.max_per_week is 'As max_per_day, in one week.';
comment on column public.services.new_patients_only is
  'True: only for patients without an earlier fulfilled visit in the clinic.';
comment on table public.provider_services is 'Which provider offers which service.';
comment on column public.provider_services.duration_minutes is
  'This provider''s own length of the visit; null: the service''s.';
comment on column public.provider_services.weight is
  'Share of the bookings that name no provider: 2 gets twice as many as 1; 0: booked by name only.';
comment on column public.provider_services.max_per_day is
  'Visits of this kind this provider gives on one day; null: as many as the service allows.';
comment on column public.provider_services.max_per_week is 'As max_per_day, in one week.';
comment on table public.resources is 'Rooms and equipment.';
comment on table public.service_needs is 'What a service needs of rooms and equipment.';
comment on column public.service_needs.resource_id is
  'Exactly this one; null: any of the kind at the place of the visit.';
comment on column public.service_needs.quantity is
  'How many different ones at the same time. Of one that is named there is only one.';

create trigger _100_set_updated_at before update on public.providers
  for each row execute function private.set_updated_at();
create trigger _100_set_updated_at before update on public.services
  for each row execute function private.set_updated_at();
create trigger _100_set_updated_at before update on public.resources
  for each row execute function private.set_updated_at();

alter table public.providers enable row level security;
alter table public.services enable row level security;
alter table public.provider_services enable row level security;
alter table public.resources enable row level security;
alter table public.service_needs enable row level security;

-- Clinics has its own row security, so that a row is read through a clinic that is. Asked with
-- `exists`, PostgreSQL chooses: a look-up for each of a few rows, a list of all clinics for many.
create policy "visitors read active providers of clinics they see" on public.providers
  for select to anon using (
    active and exists (select from public.clinics where clinics.id = providers.clinic_id)
  );
create policy "people read providers of clinics they see" on public.providers
  for select to authenticated using (
    exists (select from public.clinics where clinics.id = providers.clinic_id)
  );
create policy "managers add providers" on public.providers
  for insert to authenticated
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers change providers" on public.providers
  for update to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))))
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers remove providers" on public.providers
  for delete to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));

create policy "visitors read active services of clinics they see" on public.services
  for select to anon using (
    active and exists (select from public.clinics where clinics.id = services.clinic_id)
  );
create policy "people read services of clinics they see" on public.services
  for select to authenticated using (
    exists (select from public.clinics where clinics.id = services.clinic_id)
  );
create policy "managers add services" on public.services
  for insert to authenticated
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers change services" on public.services
  for update to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))))
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers remove services" on public.services
  for delete to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));

create policy "visitors read who offers what in clinics they see" on public.provider_services
  for select to anon using (
    exists (select from public.clinics where clinics.id = provider_services.clinic_id)
  );
create policy "people read who offers what in clinics they see" on public.provider_services
  for select to authenticated using (
    exists (select from public.clinics where clinics.id = provider_services.clinic_id)
  );
create policy "managers let providers offer services" on public.provider_services
  for insert to authenticated
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers change how providers offer services" on public.provider_services
  for update to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))))
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers end what providers offer" on public.provider_services
  for delete to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));

create policy "members read resources" on public.resources
  for select to authenticated using (clinic_id = any (array(select private.my_clinics())));
create policy "managers add resources" on public.resources
  for insert to authenticated
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers change resources" on public.resources
  for update to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))))
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers remove resources" on public.resources
  for delete to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));

create policy "members read needs" on public.service_needs
  for select to authenticated using (clinic_id = any (array(select private.my_clinics())));
create policy "managers add needs" on public.service_needs
  for insert to authenticated
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers change needs" on public.service_needs
  for update to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))))
  with check (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));
create policy "managers remove needs" on public.service_needs
  for delete to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner', 'manager'))));

grant select (id, clinic_id, full_name, speciality, active) on public.providers to anon;
grant select (clinic_id, provider_id, service_id, duration_minutes) on public.provider_services
  to anon;
grant select on public.services to anon;
-- Whose log-in a provider has is for colleagues, who ask clinic_staff; and patients of every clinic
-- that books publicly read here.
grant select (id, clinic_id, full_name, speciality, active, created_at, updated_at)
  on public.providers to authenticated;
grant insert, update, delete on public.providers to authenticated;
grant select, insert, update, delete on
  public.services, public.provider_services, public.resources, public.service_needs
to authenticated;
grant select, insert, update, delete on
  public.providers, public.services, public.provider_services, public.resources,
  public.service_needs
to service_role;
