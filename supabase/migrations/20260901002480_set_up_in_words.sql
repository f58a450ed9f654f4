-- Set-up in words: what is left out, numbers that cannot be meant, texts without end, and the removal
-- of what is in use are refused with a key and a sentence, in the table editor too. The constraints of
-- the tables stay the proof.
-- Access: whoever sets up clinics, places, services, providers, rooms and equipment; and who writes
--         patients.

-- Raises invalid_input unless each named column has a value that is not blank.
-- Definer: callers may not execute raise_error.
create function private.check_given() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  written jsonb := to_jsonb(new);
begin
  for number in 0 .. tg_nargs - 1 loop
    if coalesce(btrim(written ->> tg_argv[number]), '') = '' then
      perform private.raise_error('invalid_input', format('Give the %s.',
        replace(tg_argv[number], '_', ' ')));
    end if;
  end loop;
  return new;
end;
$$;

-- Raises invalid_input unless each number that is given lies within its bounds. Arguments: column,
-- least and most, one after the other.
-- Definer: as check_given.
create function private.check_bounds() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  written jsonb := to_jsonb(new);
  given bigint;
begin
  for number in 0 .. tg_nargs - 3 by 3 loop
    given := written ->> tg_argv[number];
    if given < tg_argv[number + 1]::bigint or given > tg_argv[number + 2]::bigint then
      perform private.raise_error('invalid_input', format('The %s can be %s to %s.',
        replace(tg_argv[number], '_', ' '), tg_argv[number + 1], tg_argv[number + 2]));
    end if;
  end loop;
  return new;
end;
$$;

-- Raises invalid_input if a text is longer than its most. Arguments: column and most, one after the
-- other.
-- Definer: as check_given.
create function private.check_lengths() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  written jsonb := to_jsonb(new);
begin
  for number in 0 .. tg_nargs - 2 by 2 loop
    if length(written ->> tg_argv[number]) > tg_argv[number + 1]::int then
      perform private.raise_error('invalid_input', format('The %s can have %s letters at most.',
        replace(tg_argv[number], '_', ' '), tg_argv[number + 1]));
    end if;
  end loop;
  return new;
end;
$$;

create trigger _010_check_given before insert or update on public.clinics
  for each row execute function private.check_given('name', 'slug', 'time_zone', 'locale',
    'hold_minutes', 'max_holds_per_person', 'audit_retention_days', 'waitlist_policy', 'offer_minutes');
create trigger _020_check_bounds before insert or update on public.clinics
  for each row execute function private.check_bounds('hold_minutes', '1', '60',
    'max_holds_per_person', '0', '100', 'max_open_bookings_per_patient', '0', '2147483647',
    'audit_retention_days', '30', '36500', 'follow_up_minutes', '0', '10080',
    'late_cancel_hours', '0', '8760', 'missed_visits_window_days', '1', '3650',
    'max_missed_visits', '1', '1000', 'offer_minutes', '1', '10080');
create trigger _025_check_lengths before insert or update on public.clinics
  for each row execute function
    private.check_lengths('name', '200', 'slug', '60', 'locale', '35', 'external_id', '200');

create trigger _010_check_given before insert or update on public.locations
  for each row execute function private.check_given('clinic_id', 'name', 'time_zone');
create trigger _025_check_lengths before insert or update on public.locations
  for each row execute function private.check_lengths('name', '200', 'address', '500', 'phone', '25');

create trigger _010_check_given before insert or update on public.providers
  for each row execute function private.check_given('clinic_id', 'full_name');
create trigger _025_check_lengths before insert or update on public.providers
  for each row execute function
    private.check_lengths('full_name', '200', 'speciality', '200', 'external_id', '200');

create trigger _010_check_given before insert or update on public.services
  for each row execute function private.check_given('clinic_id', 'name', 'duration_minutes',
    'buffer_before_minutes', 'buffer_after_minutes', 'slot_interval_minutes',
    'min_notice_minutes', 'cancel_notice_minutes', 'horizon_days', 'capacity');
create trigger _020_check_bounds before insert or update on public.services
  for each row execute function private.check_bounds('duration_minutes', '1', '1440',
    'buffer_before_minutes', '0', '1440', 'buffer_after_minutes', '0', '1440',
    'slot_interval_minutes', '5', '1440', 'min_notice_minutes', '0', '525600',
    'cancel_notice_minutes', '0', '525600', 'horizon_days', '1', '1095', 'capacity', '1', '1000',
    'max_per_day', '0', '2147483647', 'max_per_week', '0', '2147483647');
create trigger _025_check_lengths before insert or update on public.services
  for each row execute function
    private.check_lengths('name', '200', 'description', '2000', 'preparation', '500');

create trigger _010_check_given before insert or update on public.provider_services
  for each row execute function
    private.check_given('clinic_id', 'provider_id', 'service_id', 'weight');
create trigger _020_check_bounds before insert or update on public.provider_services
  for each row execute function private.check_bounds('duration_minutes', '1', '1440',
    'weight', '0', '100', 'max_per_day', '0', '2147483647', 'max_per_week', '0', '2147483647');

create trigger _010_check_given before insert or update on public.resources
  for each row execute function private.check_given('clinic_id', 'location_id', 'kind', 'name');
create trigger _025_check_lengths before insert or update on public.resources
  for each row execute function private.check_lengths('name', '200');

create trigger _025_check_lengths before insert or update on public.patients
  for each row execute function
    private.check_lengths('full_name', '200', 'email', '320', 'phone', '50', 'locale', '35');

create trigger _025_check_lengths before insert or update on public.availability_exceptions
  for each row execute function private.check_lengths('reason', '200', 'external_id', '200');

create trigger _025_check_lengths before insert or update on public.group_sessions
  for each row execute function private.check_lengths('overbook_reason', '500');

create trigger _025_check_lengths before insert or update of overbook_reason on public.appointments
  for each row when (new.overbook_reason is not null)
  execute function private.check_lengths('overbook_reason', '500');

create trigger _010_check_given before insert or update on public.service_needs
  for each row execute function private.check_given('clinic_id', 'service_id', 'kind', 'quantity');
create trigger _020_check_bounds before insert or update on public.service_needs
  for each row execute function private.check_bounds('quantity', '1', '20');

-- Definer: as check_given.
create function private.check_one_of_the_one_named() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.raise_error('invalid_input', 'Of one that is named there is only one. Leave '
    'resource_id empty, or the quantity 1.');
  return new;
end;
$$;

create trigger _030_check_one before insert or update on public.service_needs
  for each row when (new.resource_id is not null and new.quantity > 1)
  execute function private.check_one_of_the_one_named();

-- Says in words what a foreign key would say, and what to do instead. Rows that go along, as weekly
-- hours do, are in nobody's way.
-- Definer: as check_given; and whoever removes the row may not see all that refers to it.
create function private.refuse_removal_in_use() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  reference record;
  is_in_use boolean;
begin
  for reference in
    select known.conrelid::regclass as referring,
      string_agg(format('%I = ($1).%I', theirs.attname, ours.attname), ' and ') as same
    from pg_catalog.pg_constraint as known
    cross join lateral unnest(known.conkey, known.confkey) as pair (their_column, our_column)
    join pg_catalog.pg_attribute as theirs
      on theirs.attrelid = known.conrelid and theirs.attnum = pair.their_column
    join pg_catalog.pg_attribute as ours
      on ours.attrelid = known.confrelid and ours.attnum = pair.our_column
    where known.confrelid = tg_relid and known.contype = 'f' and known.confdeltype = 'a'
    group by known.oid, known.conrelid
  loop
    execute format('select exists (select from %s where %s)', reference.referring, reference.same)
    into is_in_use using old;
    if is_in_use then
      perform private.raise_error('not_allowed', format('%s still refer to it. %s',
        initcap(replace(split_part(reference.referring::text, '.', 2), '_', ' ')), tg_argv[0]));
    end if;
  end loop;
  return old;
end;
$$;

create trigger _300_refuse_removal_in_use before delete on public.providers
  for each row execute function private.refuse_removal_in_use('Switch it off instead (active).');
create trigger _300_refuse_removal_in_use before delete on public.services
  for each row execute function private.refuse_removal_in_use('Switch it off instead (active).');
create trigger _300_refuse_removal_in_use before delete on public.resources
  for each row execute function private.refuse_removal_in_use('Switch it off instead (active).');
create trigger _300_refuse_removal_in_use before delete on public.locations
  for each row execute function private.refuse_removal_in_use('End its weekly hours instead.');
create trigger _300_refuse_removal_in_use before delete on public.patients
  for each row execute function private.refuse_removal_in_use('Erase the person instead.');
