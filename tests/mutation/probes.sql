-- Tries statements as other people and tells what became of them, leaving nothing behind.
create schema proof;

-- What this transaction has written so far: rows added, changed and removed, by table.
create function proof.written() returns jsonb language sql as $$
  select jsonb_object_agg(schemaname || '.' || relname,
    jsonb_build_array(n_tup_ins, n_tup_upd, n_tup_del))
  from pg_stat_xact_user_tables
  where schemaname in ('public', 'private', 'realtime', 'auth')
    and n_tup_ins + n_tup_upd + n_tup_del > 0
$$;

-- What was written since, and the advisory locks held.
create function proof.digest(before jsonb) returns text language sql as $$
  select concat_ws(' ', string_agg(format('%s +%s ~%s -%s', name,
      (counts ->> 0)::int - coalesce((before -> name ->> 0)::int, 0),
      (counts ->> 1)::int - coalesce((before -> name ->> 1)::int, 0),
      (counts ->> 2)::int - coalesce((before -> name ->> 2)::int, 0)), ' ' order by name),
    (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()))
  from jsonb_each(proof.written()) as one (name, counts)
  where counts is distinct from before -> name
$$;

-- The number of rows, or the error's code, key and constraint. `seen`: also what it did elsewhere.
create function proof.try(role text, claims text, statement text, seen boolean)
returns text language plpgsql as $$
declare
  n bigint;
  elsewhere text := '';
  before jsonb := case when seen then coalesce(proof.written(), '{}') end;
  violated text;
begin
  perform set_config('request.jwt.claims', claims, true);
  perform set_config('role', role, true);
  execute statement;
  get diagnostics n = row_count;
  if seen then
    perform set_config('role', 'none', true);
    set constraints all immediate;
    elsewhere := proof.digest(before);
  end if;
  raise exception using errcode = 'ZZ000', message = n || elsewhere;
exception when others then
  get stacked diagnostics violated = constraint_name;
  return case
    when sqlstate = 'ZZ000' then sqlerrm
    when sqlstate = '42501' and sqlerrm like '%row-level%' then 'policy'
    else concat_ws(' ', sqlstate, violated,
      case when sqlstate like 'PT%' or sqlstate = '42501' then sqlerrm end)
  end;
end;
$$;

create function proof.try_all(probes jsonb, seen boolean) returns text[] language sql as $$
  select array_agg(
    proof.try(given ->> 0, given ->> 1, given ->> 2, seen) order by position)
  from jsonb_array_elements(probes) with ordinality as one (given, position)
$$;

-- What is heard on a channel: Realtime sets the topic, and asks the policies for a row.
create function proof.heard(topic text) returns setof bigint language plpgsql as $$
begin
  perform set_config('realtime.topic', topic, true);
  return query select 1::bigint from realtime.messages limit 1;
end;
$$;

grant usage on schema proof to public;
grant execute on function proof.heard(text) to public;
