-- Default deny: whatever later migrations make, nobody may touch until a grant says so. PostgreSQL
-- gives every new function to PUBLIC, and older Supabase projects give everything new in `public`
-- to the API roles; both are taken back here for all that `postgres` will create.

alter default privileges revoke execute on functions from public;

alter default privileges in schema public revoke all on tables
  from anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences
  from anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions
  from anon, authenticated, service_role;
