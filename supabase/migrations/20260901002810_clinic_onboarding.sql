-- Onboarding: a signed-in person opens a clinic and becomes its owner; and the settings of a clinic
-- that need more than a column's check.
-- Access: everybody with a confirmed address opens clinics; owners and managers change theirs.

-- Puts a clinic's common settings in form. Raises invalid_input.
create function private.check_clinic(slug text, name text, time_zone text) returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$' or length(slug) not between 3 and 60 then
    perform private.raise_error('invalid_input',
      'A slug has 3 to 60 lower-case letters, digits and single hyphens.');
  end if;
  if btrim(name) = '' or length(name) > 200 then
    perform private.raise_error('invalid_input', 'Give the clinic a name of at most 200 letters.');
  end if;
  if not exists (select from private.time_zones where time_zones.name = time_zone) then
    perform private.raise_error('invalid_input', 'Give a time zone such as Europe/Vienna.');
  end if;
end;
$$;

-- Opens a clinic with its first location; asked again by its owner with the same slug and name,
-- returns the clinic that is there.
-- Definer: nobody may insert clinics or members directly.
create function public.create_clinic(
  name text,
  slug text,
  time_zone text,
  location_name text,
  location_address text default null,
  books_publicly boolean default false
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
  if create_clinic.name is null or create_clinic.slug is null or create_clinic.time_zone is null then
    perform private.raise_error('invalid_input', 'Give a name, a slug and a time zone.');
  end if;
  perform private.check_clinic(create_clinic.slug, create_clinic.name, create_clinic.time_zone);
  if coalesce(btrim(create_clinic.location_name), '') = ''
    or length(create_clinic.location_name) > 200 or length(create_clinic.location_address) > 500 then
    perform private.raise_error('invalid_input', 'Give the first location a name.');
  end if;
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

  insert into public.clinics (slug, name, time_zone, books_publicly)
  values (create_clinic.slug, btrim(create_clinic.name), create_clinic.time_zone,
    coalesce(create_clinic.books_publicly, false))
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
-- Definer: looks whether the clinic can be booked at all, past what the caller may read.
create function public.change_clinic(
  clinic_id uuid,
  name text default null,
  slug text default null,
  time_zone text default null,
  books_publicly boolean default null,
  staff_needs_second_factor boolean default null
) returns public.clinics
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  changed public.clinics;
begin
  perform public.authorize_flow('change_clinic', change_clinic.clinic_id);
  select * into strict changed from public.clinics
  where clinics.id = change_clinic.clinic_id for no key update;
  changed.name := coalesce(btrim(change_clinic.name), changed.name);
  changed.slug := coalesce(change_clinic.slug, changed.slug);
  changed.time_zone := coalesce(change_clinic.time_zone, changed.time_zone);
  perform private.check_clinic(changed.slug, changed.name, changed.time_zone);
  if change_clinic.books_publicly and not changed.books_publicly and not exists (
    select from public.provider_services
    join public.services on services.id = provider_services.service_id and services.active
    join public.providers on providers.id = provider_services.provider_id and providers.active
    where provider_services.clinic_id = changed.id
      and exists (
        select from public.weekly_hours where weekly_hours.provider_id = providers.id
      )
  ) then
    perform private.raise_error('invalid_input',
      'Add a provider with hours and a service first; there would be nothing to book.');
  end if;
  if change_clinic.staff_needs_second_factor and not private.has_second_factor() then
    perform private.raise_error('not_allowed',
      'Log in with your own second factor first; otherwise you would lock yourself out.');
  end if;
  if exists (
    select from public.clinics where clinics.slug = changed.slug and clinics.id <> changed.id
  ) then
    perform private.raise_error('slug_in_use');
  end if;
  update public.clinics set
    name = changed.name,
    slug = changed.slug,
    time_zone = changed.time_zone,
    books_publicly = coalesce(change_clinic.books_publicly, clinics.books_publicly),
    staff_needs_second_factor =
      coalesce(change_clinic.staff_needs_second_factor, clinics.staff_needs_second_factor)
  where clinics.id = changed.id
  returning * into changed;
  perform private.log_access('changed', changed.id, null, 'clinics', changed.id::text,
    array_remove(array[
      case when change_clinic.name is not null then 'name' end,
      case when change_clinic.slug is not null then 'slug' end,
      case when change_clinic.time_zone is not null then 'time_zone' end,
      case when change_clinic.books_publicly is not null then 'books_publicly' end,
      case when change_clinic.staff_needs_second_factor is not null
        then 'staff_needs_second_factor' end
    ], null));
  return changed;
exception
  when unique_violation then  -- the slug was taken between looking and writing
    perform private.raise_error('slug_in_use');
end;
$$;

comment on function public.create_clinic(text, text, text, text, text, boolean) is
  'Opens a clinic with its first location; the caller, whose address is confirmed, becomes its owner.';
comment on function public.change_clinic(uuid, text, text, text, boolean, boolean) is
  'Changes the given settings of a clinic; it opens to the public only when something can be booked.';

grant execute on function
  public.create_clinic(text, text, text, text, text, boolean),
  public.change_clinic(uuid, text, text, text, boolean, boolean)
to authenticated;
