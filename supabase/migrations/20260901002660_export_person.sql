-- Export: everything kept about one person, found through the catalogue's keys, so that a new table
-- that refers to patients or their visits is never forgotten.
-- Promises: forgettable. Nothing about others: what a person wrote or did as staff is not theirs.
-- Access: the service key alone; the API asks for the caller's right first.

-- Tables of `public` that tell about patients, and the condition for one person's rows; $1 is the
-- array of their records. Directly where there is a key to patients, else through what refers there.
create function private.tables_about_patients() returns table (source regclass, condition text)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
  with recursive links as (
    select own.conrelid::regclass as child,
      pg_attribute.attname::text collate "default" as child_column,
      own.confrelid::regclass as parent
    from pg_catalog.pg_constraint as own
    cross join lateral unnest(own.conkey, own.confkey) as key (child_column, parent_column)
    join pg_catalog.pg_attribute
      on pg_attribute.attrelid = own.conrelid and pg_attribute.attnum = key.child_column
    join pg_catalog.pg_attribute as target
      on target.attrelid = own.confrelid and target.attnum = key.parent_column
    where own.contype = 'f' and own.connamespace = 'public'::regnamespace
      and target.attname = 'id' and own.conrelid <> 'public.patients'::regclass
    union all
    -- No keys, because these outlive what they tell about.
    values ('public.appointment_events'::regclass, 'appointment_id',
        'public.appointments'::regclass),
      ('public.access_log', 'patient_id', 'public.patients')
  ), about as (
    select 'public.patients'::regclass as source, 'id = any ($1)' as condition, 0 as depth
    union all
    select links.child,
      case about.depth
        when 0 then format('%I = any ($1)', links.child_column)
        else format('%I in (select id from %s where %s)', links.child_column, about.source,
          about.condition)
      end,
      about.depth + 1
    from about join links on links.parent = about.source
    where about.depth < 3
  )
  select about.source, string_agg(distinct about.condition, ' or ')
  from about
  where about.depth = (
    select min(nearest.depth) from about as nearest where nearest.source = about.source
  )
  group by about.source;
end;
$$;

-- All records of the person that these are records of: merged duplicates belong to the kept one.
create function private.records_of_person(patient_ids uuid[]) returns uuid[]
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    with recursive kept as (
      select patients.id, patients.merged_into from public.patients
      where patients.id = any (records_of_person.patient_ids)
      union
      select patients.id, patients.merged_into
      from kept join public.patients on patients.id = kept.merged_into
    ), person as (
      select kept.id from kept
      union
      select patients.id from person join public.patients on patients.merged_into = person.id
    )
    select person.id from person order by person.id
  );
end;
$$;

-- The records asked for: one patient's, or all of a user. Raises invalid_input or not_found.
create function private.person_asked_for(patient_id uuid, user_id uuid) returns uuid[]
language plpgsql
stable
set search_path = ''
as $$
begin
  if num_nonnulls(person_asked_for.patient_id, person_asked_for.user_id) <> 1 then
    perform private.raise_error('invalid_input', 'Name one patient or one user.');
  end if;
  if not exists (
    select from public.patients where patients.id = person_asked_for.patient_id
    union all
    select from auth.users where users.id = person_asked_for.user_id
  ) then
    perform private.raise_error('not_found');
  end if;
  return private.records_of_person(array(
    select patients.id from public.patients
    where patients.id = person_asked_for.patient_id or patients.user_id = person_asked_for.user_id
  ));
end;
$$;

-- Rows that are about a user, not written by one: columns of that name say so.
create function private.rows_about_user(user_id uuid) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  address text;
  source regclass;
  entries jsonb;
  found_rows jsonb := '{}';
begin
  select lower(users.email) into address from auth.users where users.id = rows_about_user.user_id;
  for source in
    select pg_attribute.attrelid::regclass
    from pg_catalog.pg_attribute
    join pg_catalog.pg_class on pg_class.oid = pg_attribute.attrelid
    where pg_class.relnamespace = 'public'::regnamespace and pg_class.relkind = 'r'
      and pg_attribute.attname = 'user_id' and pg_class.oid <> 'public.patients'::regclass
    order by 1
  loop
    execute format('select jsonb_agg(to_jsonb(entry)) from %s as entry where user_id = $1', source)
    into entries using rows_about_user.user_id;
    if entries is not null then
      found_rows := found_rows || jsonb_build_object(replace(source::text, 'public.', ''), entries);
    end if;
  end loop;
  return found_rows || jsonb_build_object(
    'account', (
      select jsonb_build_object('id', users.id, 'email', users.email, 'phone', users.phone,
        'created_at', users.created_at, 'last_sign_in_at', users.last_sign_in_at,
        'user_metadata', users.raw_user_meta_data)
      from auth.users where users.id = rows_about_user.user_id
    ),
    'staff_invitations', (
      select coalesce(jsonb_agg(to_jsonb(invitation)), '[]')
      from public.staff_invitations as invitation where invitation.email = address
    ),
    'guardian_invitations_received', (
      select coalesce(jsonb_agg(to_jsonb(invitation)), '[]')
      from public.guardian_invitations as invitation where invitation.email = address
    )
  );
end;
$$;

-- Definer: reads every table, for whoever the API has let ask.
create function worker.export_person(
  patient_id uuid default null, user_id uuid default null, requested_by uuid default null
) returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  records uuid[] := private.person_asked_for(export_person.patient_id, export_person.user_id);
  about record;
  entries jsonb;
  person jsonb := jsonb_build_object('exported_at', now());
begin
  perform private.log_access('exported', patients.clinic_id, patients.id, 'patients',
    patients.id::text, actor_id => export_person.requested_by)
  from public.patients where patients.id = any (records);
  if export_person.user_id is not null then
    person := person || private.rows_about_user(export_person.user_id);
  end if;
  for about in select * from private.tables_about_patients() loop
    execute format('select coalesce(jsonb_agg(to_jsonb(entry)), ''[]'') from %s as entry where %s',
      about.source, about.condition)
    into entries using records;
    person := jsonb_set(person, array[replace(about.source::text, 'public.', '')],
      coalesce(person -> replace(about.source::text, 'public.', ''), '[]') || entries);
  end loop;
  return person;
end;
$$;

comment on function worker.export_person(uuid, uuid, uuid) is
  'Everything about one person, an array of rows for each table: of one patient of one clinic '
  '(patient_id), or of a user in all clinics (user_id), then with their account. Logged for each '
  'record, as asked for by requested_by.';

grant execute on function worker.export_person(uuid, uuid, uuid) to service_role;
