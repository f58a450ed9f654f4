-- Onboarding: a signed-in person opens a clinic and becomes its owner; and the settings of a clinic
-- that need more than a column's check.
-- Promises: every change of a clinic's settings is on record.
-- Access: everybody with a confirmed address opens clinics; owners and managers change theirs, owners
--         alone who needs a second factor and how long the access log is kept.

-- What else is true of a clinic's settings, whoever writes them and by whichever way: slugs are
-- readable and one clinic's alone; a clinic opens to the public only when something can be booked;
-- how it guards itself is for its owners to say.
-- Definer: looks at clinics and hours past what the caller may read.
create function private.check_slug() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if new.slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$' or length(new.slug) not between 3 and 60 then
    perform private.raise_error('invalid_input',
      'A slug has 3 to 60 lower-case letters, digits and single hyphens.');
  end if;
  -- Two who want the same take turns, so that the second sees the first.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('slug:' || new.slug, 0));
  -- Who adds a clinic asks this with the insert itself.
  if tg_op = 'UPDATE' and exists (
    select from public.clinics where clinics.slug = new.slug and clinics.id <> new.id
  ) then
    perform private.raise_error('slug_in_use');
  end if;
  return new;
end;
$$;

-- Definer: as check_slug.
create function private.check_opening() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if not exists (
    select from public.provider_services
    join public.services on services.id = provider_services.service_id and services.active
    join public.providers on providers.id = provider_services.provider_id and providers.active
    where provider_services.clinic_id = new.id
      and exists (
        select from public.weekly_hours where weekly_hours.provider_id = providers.id
      )
  ) then
    perform private.raise_error('invalid_input',
      'Add a provider with hours and a service first; there would be nothing to book.');
  end if;
  return new;
end;
$$;

-- Definer: as check_slug.
create function private.refuse_others_than_owners() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if not private.is_trusted() and not new.id in (select private.my_clinics_as('owner')) then
    perform private.raise_error('not_allowed', 'An owner decides how the clinic guards itself.');
  end if;
  return new;
end;
$$;

create trigger _030_check_slug before insert or update of slug on public.clinics
  for each row execute function private.check_slug();
create trigger _210_check_opening before update on public.clinics
  for each row when (new.books_publicly and not old.books_publicly)
  execute function private.check_opening();
create trigger _190_refuse_others_than_owners before update on public.clinics
  for each row when (
    (new.staff_needs_second_factor, new.audit_retention_days)
      is distinct from (old.staff_needs_second_factor, old.audit_retention_days)
  )
  execute function private.refuse_others_than_owners();
create trigger _950_log_access after update on public.clinics
  for each row execute function private.log_change('');

-- Opens a clinic with its first location; asked again by its owner with the same slug and name,
-- returns the clinic that is there.
-- Definer: nobody may insert clinics or members directly.
create function public.create_clinic(
  name text,
  slug text,
  time_zone text,
  location_name text,
  location_address text default null,
  books_publicly boolean default false,
  locale text default 'en'
) returns public.clinics
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  caller uuid := private.require_user();
  opened public.clinics;
begin
  if not exists (
    select from auth.users
    where users.id = caller and users.email_confirmed_at is not null and not users.is_anonymous
  ) then
    perform private.raise_error('not_allowed', 'Confirm your e-mail address first.');
  end if;
  -- The caller's own row: two requests at once take turns, so that the limit holds.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('clinics_of:' || caller, 0));
  if (select count(*) from public.members where members.user_id = caller and members.role = 'owner')
    >= 20 then
    perform private.raise_error('limit_reached', 'One person owns at most 20 clinics.');
  end if;

  insert into public.clinics (slug, name, time_zone, books_publicly, locale)
  values (create_clinic.slug, btrim(create_clinic.name), create_clinic.time_zone,
    coalesce(create_clinic.books_publicly, false), create_clinic.locale)
  on conflict on constraint clinics_slug_is_unique do nothing
  returning * into opened;
  if opened.id is null then
    select clinics.* into opened from public.clinics
    join public.members on members.clinic_id = clinics.id
    where clinics.slug = create_clinic.slug and clinics.name = btrim(create_clinic.name)
      and members.user_id = caller and members.role = 'owner' and members.active;
    if opened.id is null then
      perform private.raise_error('slug_in_use');
    end if;
    return opened;
  end if;
  insert into public.locations (clinic_id, name, address, time_zone)
  values (opened.id, btrim(create_clinic.location_name),
    nullif(btrim(create_clinic.location_address), ''), opened.time_zone);
  insert into public.members (clinic_id, user_id, role) values (opened.id, caller, 'owner');
  perform private.log_access('added', opened.id, null, 'clinics', opened.id::text);
  return opened;
end;
$$;

-- Changes what is given and leaves the rest.
create function public.change_clinic(
  clinic_id uuid,
  name text default null,
  slug text default null,
  time_zone text default null,
  books_publicly boolean default null,
  staff_needs_second_factor boolean default null
) returns public.clinics
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  changed public.clinics;
begin
  perform public.authorize_flow('change_clinic', change_clinic.clinic_id);
  update public.clinics set
    name = coalesce(btrim(change_clinic.name), clinics.name),
    slug = coalesce(change_clinic.slug, clinics.slug),
    time_zone = coalesce(change_clinic.time_zone, clinics.time_zone),
    books_publicly = coalesce(change_clinic.books_publicly, clinics.books_publicly),
    staff_needs_second_factor =
      coalesce(change_clinic.staff_needs_second_factor, clinics.staff_needs_second_factor)
  where clinics.id = change_clinic.clinic_id
  returning * into changed;
  return changed;
end;
$$;

comment on function public.create_clinic(text, text, text, text, text, boolean, text) is
  'Opens a clinic with its first location; the caller, whose address is confirmed, becomes its owner.';
comment on function public.change_clinic(uuid, text, text, text, boolean, boolean) is
  'Changes the given settings of a clinic; it opens to the public only when something can be booked.';

grant execute on function
  public.create_clinic(text, text, text, text, text, boolean, text),
  public.change_clinic(uuid, text, text, text, boolean, boolean)
to authenticated;
