-- Parts of one clinic: says in words that a row names something of another clinic. The composite
-- foreign keys make such a row impossible; PostgreSQL's own message for it is no key of ours.
-- Access: whoever writes services, their needs, or resources.

-- Raises not_found unless each named row is of the row's clinic. Arguments: pairs of a column and the
-- table that it refers to.
-- Definer: whether something exists elsewhere is not the writer's to see, only that it is not here.
create function private.check_clinics_parts() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  written jsonb := to_jsonb(new);
  part_id uuid;
  is_here boolean;
begin
  for number in 0 .. tg_nargs - 2 by 2 loop
    part_id := written ->> tg_argv[number];
    continue when part_id is null;
    execute format('select exists (select from public.%I where id = $1 and clinic_id = $2)',
      tg_argv[number + 1])
    into is_here using part_id, new.clinic_id;
    if not is_here then
      perform private.raise_error('not_found',
        format('This clinic has no such row in %s.', tg_argv[number + 1]));
    end if;
  end loop;
  return new;
end;
$$;

-- Definer: as check_clinics_parts.
create function private.check_needed_kind() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if not exists (
    select from public.resources
    where resources.id = new.resource_id and resources.kind = new.kind
  ) then
    perform private.raise_error('not_found', 'The clinic has it, but as another kind.');
  end if;
  return new;
end;
$$;

create trigger _200_check_parts before insert or update on public.service_needs
  for each row execute function
    private.check_clinics_parts('service_id', 'services', 'resource_id', 'resources');
create trigger _300_check_kind before insert or update on public.service_needs
  for each row when (new.resource_id is not null) execute function private.check_needed_kind();
create trigger _200_check_parts before insert or update on public.provider_services
  for each row execute function
    private.check_clinics_parts('provider_id', 'providers', 'service_id', 'services');
create trigger _200_check_parts before insert or update on public.resources
  for each row execute function private.check_clinics_parts('location_id', 'locations');
