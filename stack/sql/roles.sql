-- The roles, schemas, extensions and privileges of a hosted Supabase project, so that what passes
-- here passes there. Run once by the superuser supabase_admin in a new cluster's `postgres` database.

create role postgres login nosuperuser createdb createrole replication bypassrls;
create role anon nologin inherit;
create role authenticated nologin inherit;
create role service_role nologin inherit bypassrls;
create role authenticator login noinherit;
create role supabase_auth_admin login noinherit nocreaterole;
create role supabase_storage_admin login noinherit;
create role supabase_realtime_admin nologin noinherit;
create role supabase_replication_admin login replication;
create role supabase_read_only_user login bypassrls;
create role dashboard_user nologin createdb createrole replication;
create role pgbouncer login;

do $$
declare
  login_role name;
begin
  foreach login_role in array array['supabase_admin', 'postgres', 'authenticator',
    'supabase_auth_admin', 'supabase_storage_admin', 'supabase_replication_admin',
    'supabase_read_only_user', 'pgbouncer']
  loop
    execute format('alter role %I password %L', login_role, 'postgres');
  end loop;
end;
$$;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
grant pg_read_all_data to supabase_read_only_user;
-- On a hosted project supautils lets postgres run `alter role authenticator set pgrst.*`. Admin
-- without inherit or set is the nearest thing plain PostgreSQL has.
grant authenticator to postgres with admin option, inherit false, set false;
grant set on parameter session_replication_role,
  pgrst.db_aggregates_enabled, pgrst.db_extra_search_path, pgrst.db_max_rows,
  pgrst.db_plan_enabled, pgrst.db_pre_request, pgrst.db_schemas, pgrst.db_tx_end,
  pgrst.jwt_aud, pgrst.jwt_role_claim_key, pgrst.jwt_secret, pgrst.openapi_mode,
  pgrst.server_timing_enabled
to postgres;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role supabase_auth_admin set search_path = 'auth';
alter role supabase_auth_admin set idle_in_transaction_session_timeout = '60s';
alter role supabase_admin set search_path = "$user", public, auth, extensions;
alter role postgres set search_path = "$user", public, extensions;

alter database postgres owner to postgres;
grant usage on schema public to postgres, anon, authenticated, service_role;
revoke create on schema public from public;

create schema extensions;
grant usage on schema extensions to anon, authenticated, service_role, dashboard_user;
grant all on schema extensions to postgres;
create extension pgcrypto schema extensions;
create extension "uuid-ossp" schema extensions;
create extension pg_stat_statements schema extensions;
grant all on all routines in schema extensions to postgres with grant option;
grant all on all tables in schema extensions to postgres with grant option;

-- Projects made since 2026-05-30 grant nothing on new tables of `public`, service_role included.
-- Plain PostgreSQL needs no statement for that: without default privileges nothing is granted.

create schema auth;
create schema storage;
create schema realtime;
create schema graphql_public;
grant usage on schema auth, storage, realtime to postgres, anon, authenticated, service_role,
  dashboard_user;
grant create, usage on schema auth to supabase_auth_admin;
grant create, usage on schema storage to supabase_storage_admin;
grant create, usage on schema realtime to supabase_realtime_admin;

create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;

-- PostgREST reloads its schema cache when these notify it.
create function extensions.pgrst_ddl_watch() returns event_trigger
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select from pg_catalog.pg_event_trigger_ddl_commands() as command
    where command.schema_name is distinct from 'pg_temp'
      and command.command_tag in (
        'CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO',
        'ALTER TABLE', 'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE VIEW', 'ALTER VIEW',
        'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW', 'CREATE FUNCTION',
        'ALTER FUNCTION', 'CREATE TRIGGER', 'CREATE TYPE', 'ALTER TYPE', 'CREATE RULE', 'COMMENT'
      )
  ) then
    notify pgrst, 'reload schema';
  end if;
end;
$$;

create function extensions.pgrst_drop_watch() returns event_trigger
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select from pg_catalog.pg_event_trigger_dropped_objects() as dropped
    where not dropped.is_temporary
      and dropped.object_type in ('schema', 'table', 'foreign table', 'view',
        'materialized view', 'function', 'trigger', 'type', 'rule')
  ) then
    notify pgrst, 'reload schema';
  end if;
end;
$$;

create event trigger pgrst_ddl_watch on ddl_command_end
  execute function extensions.pgrst_ddl_watch();
create event trigger pgrst_drop_watch on sql_drop
  execute function extensions.pgrst_drop_watch();
