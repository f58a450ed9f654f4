-- The schemas say who calls: `public` is for browsers, under row security; `worker` holds what the
-- service key alone may execute; `private` is never exposed over HTTP.

create schema worker;
create schema private;

comment on schema worker is 'Called by workers and the API with the service key; nobody else may.';
comment on schema private is 'The clinic''s inner rules. Never exposed over HTTP.';

grant usage on schema worker to service_role;
-- Row security policies for signed-in people call functions of `private`; each has its own grant.
grant usage on schema private to authenticated;

-- Lets one exclusion constraint compare a resource's id and a time range.
create extension if not exists btree_gist schema extensions;
