-- Supabase Realtime's part of the database: messages sent from SQL and the row security that decides
-- who may read or write a private channel. Run once by supabase_admin, after roles.sql and auth.sql.
-- Like a hosted project, everything belongs to supabase_realtime_admin, which nobody can become.

-- A message outlives its sending by 72 hours, for replay; the Realtime server makes the daily
-- partitions and drops old ones. Row security has no policy until a project writes one.
create table realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp without time zone not null default now(),
  inserted_at timestamp without time zone not null default now(),
  id uuid not null default gen_random_uuid(),
  binary_payload bytea,
  constraint messages_pkey primary key (id, inserted_at),
  constraint messages_payload_exclusive check (payload is null or binary_payload is null)
) partition by range (inserted_at);

create index messages_inserted_at_topic_index
  on realtime.messages (inserted_at desc, topic)
  where extension = 'broadcast' and private is true;

alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;
grant all on realtime.messages to postgres;

-- Makes the partitions of yesterday to three days ahead and drops those wholly older than 72 hours.
create function realtime.maintain_partitions() returns void
language plpgsql
set search_path = ''
as $$
declare
  today date := (now() at time zone 'utc')::date;
  day date;
  old name;
begin
  for day in select generate_series(today - 1, today + 3, interval '1 day')::date loop
    if to_regclass(format('realtime.messages_%s', to_char(day, 'YYYY_MM_DD'))) is null then
      execute format(
        'create table realtime.messages_%s partition of realtime.messages '
        'for values from (%L) to (%L)', to_char(day, 'YYYY_MM_DD'), day, day + 1);
      execute format('alter table realtime.messages_%s owner to supabase_realtime_admin',
        to_char(day, 'YYYY_MM_DD'));
    end if;
  end loop;

  for old in
    select child.relname
    from pg_catalog.pg_inherits as link
    join pg_catalog.pg_class as child on child.oid = link.inhrelid
    where link.inhparent = 'realtime.messages'::regclass
      and child.relname ~ '^messages_\d{4}_\d{2}_\d{2}$'
      and to_date(right(child.relname, 10), 'YYYY_MM_DD') < today - 3
  loop
    execute format('drop table realtime.%I', old);
  end loop;
end;
$$;

-- The topic of the message being sent or the channel being joined, for policies.
create function realtime.topic() returns text
language sql stable
as $$
  select nullif(current_setting('realtime.topic', true), '')::text;
$$;

-- Broadcasts when the transaction commits. Runs as the caller, so row security applies, and turns
-- every error into a warning: a lost message never fails the caller's work.
create function realtime.send(payload jsonb, event text, topic text, private boolean default true)
returns void
language plpgsql
as $$
declare
  message_id uuid := gen_random_uuid();
begin
  begin
    if not payload ? 'id' then
      payload := jsonb_set(payload, '{id}', to_jsonb(message_id));
    end if;
    perform set_config('realtime.topic', topic, true);
    insert into realtime.messages (id, payload, event, topic, private, extension)
    values (message_id, payload, event, topic, private, 'broadcast');
  exception when others then
    raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
  end;
end;
$$;

-- `send` for bytes; clients of protocol version 1.0.0 cannot receive them.
create function realtime.send_binary(
  payload bytea, event text, topic text, private boolean default true
) returns void
language plpgsql
as $$
begin
  begin
    perform set_config('realtime.topic', topic, true);
    insert into realtime.messages (binary_payload, event, topic, private, extension)
    values (payload, event, topic, private, 'broadcast');
  exception when others then
    raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
  end;
end;
$$;

-- Broadcasts a row change from a row trigger, privately. Raises on misuse.
create function realtime.broadcast_changes(
  topic_name text, event_name text, operation text, table_name text, table_schema text,
  new record, old record, level text default 'ROW'
) returns void
language plpgsql
as $$
begin
  if level = 'STATEMENT' then
    raise exception 'function can only be triggered for each row, not for each statement';
  end if;
  if operation not in ('INSERT', 'UPDATE', 'DELETE') then
    raise exception 'Unexpected operation type: %', operation;
  end if;
  perform realtime.send(
    jsonb_build_object('old_record', old, 'record', new, 'operation', operation,
      'table', table_name, 'schema', table_schema),
    event_name, topic_name);
exception when others then
  raise exception 'Failed to process the row: %', sqlerrm;
end;
$$;

-- What the server needs to turn a write-ahead log record into a postgres_changes event.

-- A column's logged text as JSON, the way to_jsonb would show the column.
create function realtime.cast(val text, type_ regtype) returns jsonb
language plpgsql stable
as $$
declare
  result jsonb;
begin
  if val is null then
    return 'null';
  elsif type_ = 'bytea'::regtype then
    return to_jsonb(val);
  end if;
  execute format('select to_jsonb(%L::%s)', val, realtime.type_name(type_)) into result;
  return result;
end;
$$;

-- The type's name without a length: `character` alone would mean character(1).
create function realtime.type_name(type_ regtype) returns text
language sql stable
as $$
  select format('%I.%I', nspname, typname)
  from pg_catalog.pg_type join pg_catalog.pg_namespace on pg_namespace.oid = typnamespace
  where pg_type.oid = type_;
$$;

-- Whether a value passes one subscription filter. Raises when operand and type do not fit.
create function realtime.passes_filter(
  type_ regtype, val text, operator text, operand text, negate boolean
) returns boolean
language plpgsql stable
as $$
declare
  typed text := format('%L::%s', val, realtime.type_name(type_));
  symbol text := case operator
    when 'eq' then '=' when 'neq' then '<>' when 'lt' then '<' when 'lte' then '<='
    when 'gt' then '>' when 'gte' then '>=' when 'like' then 'like' when 'ilike' then 'ilike'
    when 'match' then '~' when 'imatch' then '~*' when 'isdistinct' then 'is distinct from'
  end;
  result boolean;
begin
  if operator = 'in' then
    if cardinality(operand::text[]) > 100 then
      raise exception 'too many values for `in` filter. Maximum 100';
    end if;
    execute format('select %s = any (%L::%s[])', typed, operand, realtime.type_name(type_))
      into result;
  elsif operator = 'is' then
    if operand not in ('null', 'true', 'false', 'unknown') then
      raise exception 'invalid value for is filter: must be null, true, false, or unknown';
    end if;
    execute format('select %s is %s', typed, operand) into result;
  else
    execute format('select %s %s %L::%s', typed, symbol, operand, realtime.type_name(type_))
      into result;
  end if;
  return case when negate then not result else result end;
end;
$$;

-- Whether a person (role and claims) sees the row with this primary key, now, through its policies.
-- A policy that fails hides the row.
create function realtime.is_visible(
  entity regclass, key_names text[], key_values text[], role_name text, claims text
) returns boolean
language plpgsql volatile
as $$
declare
  conditions text;
  visible boolean;
begin
  select string_agg(format('%I = %L', name, val), ' and ') into conditions
  from unnest(key_names, key_values) as key (name, val);
  perform set_config('role', role_name, true), set_config('request.jwt.claims', claims, true);
  execute format('select exists (select from %s where %s)', entity, conditions) into visible;
  perform set_config('role', 'none', true);
  return visible;
exception when others then
  perform set_config('role', 'none', true);
  return false;
end;
$$;

do $$
declare
  routine regprocedure;
begin
  execute 'alter table realtime.messages owner to supabase_realtime_admin';
  for routine in
    select oid::regprocedure from pg_catalog.pg_proc where pronamespace = 'realtime'::regnamespace
  loop
    execute format('alter function %s owner to supabase_realtime_admin', routine);
  end loop;
end;
$$;

-- The functions a project calls; the rest stay the server's.
revoke execute on all functions in schema realtime from public;
grant execute on function
  realtime.topic(),
  realtime.send(jsonb, text, text, boolean),
  realtime.send_binary(bytea, text, text, boolean),
  realtime.broadcast_changes(text, text, text, text, text, record, record, text)
to public;

-- The server's own publication: what was committed to realtime.messages, under the parent's name.
create publication supabase_realtime_messages_publication
  for table realtime.messages with (publish = 'insert', publish_via_partition_root = true);

-- A database without a running server loses nothing on its first days.
select realtime.maintain_partitions();
