-- Flows of the API: what it does that a browser must not, who may ask for it, and how often.
-- Promises: a request with an Idempotency-Key is carried out once, whichever copy of the API gets
--           it and however often it restarts; nobody asks more often than the flow allows.
-- Access: people ask authorize_flow with their own token; the rest is for the service key alone.

create table private.flows (
  flow text primary key
    constraint flows_flow_is_snake_case check (flow ~ '^[a-z]+(_[a-z]+)*$'),
  roles public.member_role[],
  needs_own_factor boolean not null,
  most int not null constraint flows_most_is_possible check (most between 1 and 10000),
  per_seconds int not null
    constraint flows_per_seconds_is_possible check (per_seconds between 1 and 86400)
);

comment on table private.flows is 'What the API does for people, and the rules that all of it has.';
comment on column private.flows.roles is
  'Members of the clinic who may ask; null: everybody signed in, no clinic is asked about.';
comment on column private.flows.needs_own_factor is
  'True: who has a second factor must have signed in with it, since a stolen password could do harm.';
comment on column private.flows.most is 'How often one person may ask in per_seconds.';

insert into private.flows (flow, roles, needs_own_factor, most, per_seconds) values
  ('onboard_clinic', null, false, 20, 86400),
  ('change_clinic', '{owner, manager}', false, 120, 3600),
  ('invite_staff', '{owner, manager}', false, 200, 3600),
  ('resend_invitation', '{owner, manager}', false, 60, 3600),
  ('change_member', '{owner, manager}', false, 240, 3600),
  ('remove_member', '{owner, manager, front_desk, provider}', false, 120, 3600),
  ('reset_second_factor', '{owner, manager}', true, 20, 3600),
  ('import_records', '{owner, manager}', false, 60, 3600),
  ('read_import', '{owner, manager}', false, 7200, 3600),
  ('read_rejects', '{owner, manager}', false, 60, 3600),
  ('export_patient', '{owner, manager}', true, 60, 3600),
  ('erase_patient', '{owner, manager}', true, 60, 3600),
  ('export_self', null, true, 20, 3600),
  ('erase_self', null, true, 10, 3600);

create table private.flow_requests (
  user_id uuid not null references auth.users (id) on delete cascade,
  key text not null
    constraint flow_requests_key_is_bounded check (length(key) between 8 and 128),
  fingerprint text not null
    constraint flow_requests_fingerprint_is_sha256 check (fingerprint ~ '^[0-9a-f]{64}$'),
  status int constraint flow_requests_status_is_success check (status between 200 and 299),
  response text constraint flow_requests_response_is_short check (length(response) <= 65536),
  leased_until timestamptz not null,
  created_at timestamptz not null default now(),
  constraint flow_requests_pkey primary key (user_id, key),
  constraint flow_requests_answered_whole check ((status is null) = (response is null))
);

create index flow_requests_by_age on private.flow_requests (created_at);

comment on table private.flow_requests is
  'Requests with an Idempotency-Key and what they were answered, for a day.';
comment on column private.flow_requests.fingerprint is 'SHA-256 of method, address and body.';
comment on column private.flow_requests.status is 'Null: still being carried out.';
comment on column private.flow_requests.leased_until is
  'Whoever carries it out has until then; afterwards another may.';

create table private.flow_counts (
  user_id uuid not null references auth.users (id) on delete cascade,
  flow text not null references private.flows (flow),
  window_starts_at timestamptz not null,
  requests int not null,
  constraint flow_counts_pkey primary key (user_id, flow)
);

create index flow_counts_by_flow on private.flow_counts (flow);

comment on table private.flow_counts is 'How often a person asked since the window began.';

alter table private.flows enable row level security;
alter table private.flow_requests enable row level security;
alter table private.flow_counts enable row level security;

-- Whether the caller may ask for the flow in that clinic; the flow's own function may still refuse.
-- Raises not_signed_in, not_found or not_allowed.
-- Definer: callers have no privilege on the table of flows.
create function public.authorize_flow(flow text, clinic_id uuid default null) returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  asked private.flows;
begin
  perform private.require_user();
  -- A token outlives a user who was deleted or banned.
  if not exists (
    select from auth.users
    where users.id = auth.uid() and (users.banned_until is null or users.banned_until <= now())
  ) then
    perform private.raise_error('not_signed_in');
  end if;
  select * into asked from private.flows where flows.flow = authorize_flow.flow;
  if asked.flow is null then
    perform private.raise_error('not_found');
  end if;
  if asked.roles is not null then
    if authorize_flow.clinic_id is null
      or not authorize_flow.clinic_id in (select private.my_clinics()) then
      perform private.raise_error('not_found');
    end if;
    if not authorize_flow.clinic_id in (select private.my_clinics_as(variadic asked.roles)) then
      perform private.raise_error('not_allowed');
    end if;
  end if;
  if asked.needs_own_factor and not private.has_second_factor() and exists (
    select from auth.mfa_factors
    where mfa_factors.user_id = auth.uid() and mfa_factors.status = 'verified'
  ) then
    perform private.raise_error('not_allowed', 'Sign in with your second factor first.');
  end if;
end;
$$;

-- Counts a request; returns the seconds to wait, 0: go on.
create function private.count_request(user_id uuid, flow text) returns int
language plpgsql
set search_path = ''
as $$
#variable_conflict use_column
declare
  rule private.flows;
  counted private.flow_counts;
begin
  select * into strict rule from private.flows where flows.flow = count_request.flow;
  insert into private.flow_counts as known (user_id, flow, window_starts_at, requests)
  values (count_request.user_id, count_request.flow, now(), 1)
  on conflict on constraint flow_counts_pkey do update set
    window_starts_at = case
      when known.window_starts_at + make_interval(secs => rule.per_seconds) <= now() then now()
      else known.window_starts_at
    end,
    requests = case
      when known.window_starts_at + make_interval(secs => rule.per_seconds) <= now() then 1
      else known.requests + 1
    end
  returning * into counted;
  if counted.requests <= rule.most then
    return 0;
  end if;
  return greatest(1, ceil(extract(epoch from
    counted.window_starts_at + make_interval(secs => rule.per_seconds) - now())));
end;
$$;

-- Forgets some of the requests that are older than a day.
create function private.forget_old_requests() returns void
language sql
set search_path = ''
as $$
  delete from private.flow_requests
  where (flow_requests.user_id, flow_requests.key) in (
    select old.user_id, old.key from private.flow_requests as old
    where old.created_at < now() - interval '1 day'
    order by old.created_at
    limit 50
    for update skip locked
  );
$$;

-- Opens a request: unless its key shows that it came before, counts it.
-- Definer: the service key has no privilege on private tables.
create function worker.begin_request(
  user_id uuid,
  flow text,
  key text default null,
  fingerprint text default null,
  lease_seconds int default 60
) returns table (outcome text, retry_after_seconds int, status int, response text)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  known private.flow_requests;
  lease_ends timestamptz := now() + make_interval(secs => begin_request.lease_seconds);
begin
  select * into known from private.flow_requests
  where flow_requests.user_id = begin_request.user_id and flow_requests.key = begin_request.key
  for update;
  outcome := case
    when known.key is null then 'proceed'
    when known.fingerprint <> begin_request.fingerprint then 'mismatch'
    when known.status is not null then 'replay'
    when known.leased_until > now() then 'in_progress'
    else 'proceed'
  end;
  if outcome = 'proceed' then
    retry_after_seconds := private.count_request(begin_request.user_id, begin_request.flow);
    if retry_after_seconds > 0 then
      outcome := 'too_many';
    elsif begin_request.key is not null then
      perform private.forget_old_requests();
      insert into private.flow_requests as known_one (user_id, key, fingerprint, leased_until)
      values (begin_request.user_id, begin_request.key, begin_request.fingerprint, lease_ends)
      on conflict on constraint flow_requests_pkey do update set leased_until = lease_ends
        where known_one.leased_until <= now();
      if not found then  -- another one was quicker
        outcome := 'in_progress';
      end if;
    end if;
  elsif outcome = 'replay' then
    status := known.status;
    response := known.response;
  end if;
  return next;
exception
  when foreign_key_violation then  -- the user was deleted this moment
    perform private.raise_error('not_signed_in');
end;
$$;

-- Closes a request with a key: with an answer it is remembered, without one it may be tried again.
-- Definer: as begin_request.
create function worker.finish_request(
  user_id uuid, key text, status int default null, response text default null
) returns void
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
begin
  if finish_request.status is null then
    delete from private.flow_requests
    where flow_requests.user_id = finish_request.user_id and flow_requests.key = finish_request.key
      and flow_requests.status is null;
  else
    update private.flow_requests
    set status = finish_request.status, response = finish_request.response
    where flow_requests.user_id = finish_request.user_id and flow_requests.key = finish_request.key
      and flow_requests.status is null;
  end if;
end;
$$;

comment on function public.authorize_flow(text, uuid) is
  'Passes if the caller may ask the API for that flow in that clinic; otherwise an error.';
comment on function worker.begin_request(uuid, text, text, text, int) is
  'One row: proceed, replay (with the answer given before), in_progress, mismatch (the key came '
  'before with another request) or too_many (with the seconds to wait).';
comment on function worker.finish_request(uuid, text, int, text) is
  'Remembers what a request with a key was answered for a day; without status it is forgotten.';

grant execute on function public.authorize_flow(text, uuid) to authenticated;
grant execute on function
  worker.begin_request(uuid, text, text, text, int),
  worker.finish_request(uuid, text, int, text)
to service_role;
