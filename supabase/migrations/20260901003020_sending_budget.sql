-- The sending budget: how fast all workers together may ask the mail provider.
-- Promises: one clock for any number of workers on any number of machines, so that they keep to the
--           provider's rate, and one that is told to wait makes all of them wait.
-- Access: the service key alone.

create table private.sending_budget (
  only_row boolean primary key default true constraint sending_budget_is_one_row check (only_row),
  free_at timestamptz not null default now(),
  asked_at timestamptz not null default now(),
  closed_since timestamptz,
  closed_because text constraint sending_budget_reason_is_short
    check (length(closed_because) <= 200),
  constraint sending_budget_closed_has_reason
    check ((closed_since is null) = (closed_because is null))
);

comment on table private.sending_budget is 'When the next request to the mail provider may start.';
comment on column private.sending_budget.asked_at is
  'What the clock said when it was last asked: should it be set back, what was to be waited then is '
  'waited from now on, and not until the clock has caught up.';

comment on column private.sending_budget.closed_since is
  'Since when the provider takes nobody''s mail; null: since the last one that it took, no worker was '
  'told to wait.';
comment on column private.sending_budget.closed_because is 'Its code, without personal data.';

alter table private.sending_budget enable row level security;

insert into private.sending_budget default values;

-- Reserves starts for up to `wanted` requests, evenly spaced, as far as they begin within the time;
-- none can when the provider is closed for longer. The row's lock makes workers take turns.
create function private.take_sending_budget(
  wanted int, per_second numeric, within_seconds numeric,
  out granted int, out first_in numeric
)
language plpgsql
set search_path = ''
as $$
declare
  starts timestamptz;
  last_asked_at timestamptz;
  this_moment timestamptz;
begin
  if coalesce(per_second, 0) <= 0 or per_second > 100000
    or coalesce(within_seconds, -1) not between 0 and 86400 then
    perform private.raise_error('invalid_input', 'Give a rate and a time.');
  end if;
  select budget.free_at, budget.asked_at into starts, last_asked_at
  from private.sending_budget as budget for update;
  -- Only now: the row may have been waited for.
  this_moment := clock_timestamp();
  if last_asked_at > this_moment + interval '1 minute' then
    starts := starts - (last_asked_at - this_moment);
  end if;
  starts := greatest(starts, this_moment);
  first_in := extract(epoch from starts - this_moment);
  granted := least(wanted, greatest(0, 1 + floor((within_seconds - first_in) * per_second)));
  if granted > 0 then
    update private.sending_budget set
      free_at = starts + make_interval(secs => (granted / per_second)::double precision),
      asked_at = this_moment
    where sending_budget.only_row;
  end if;
end;
$$;

-- Why no mail can be sent, once that has lasted for two minutes and was tried within the last two;
-- null: it can.
create function private.why_sending_is_closed() returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select budget.closed_because from private.sending_budget as budget
    where budget.closed_since < now() - interval '2 minutes'
      and budget.free_at > now() - interval '2 minutes'
  );
end;
$$;

-- The provider took a mail.
create function private.sending_works() returns void
language plpgsql
set search_path = ''
as $$
begin
  update private.sending_budget set closed_since = null, closed_because = null
  where sending_budget.closed_since is not null;
end;
$$;

-- Definer: the service key has no privilege on the budget.
create function worker.pause_sending(seconds numeric, reason text default null) returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  if coalesce(pause_sending.seconds, -1) not between 0 and 86400 then
    perform private.raise_error('invalid_input', 'Pause for 0 to 86400 seconds.');
  end if;
  update private.sending_budget set
    free_at = greatest(sending_budget.free_at,
      now() + make_interval(secs => pause_sending.seconds::double precision)),
    -- After some quiet this is another closure, not a part of the last.
    closed_since = case when sending_budget.free_at > now() - interval '2 minutes'
      then coalesce(sending_budget.closed_since, now()) else now() end,
    closed_because = left(coalesce(pause_sending.reason, 'unknown'), 200)
  where sending_budget.only_row;
end;
$$;

comment on function worker.pause_sending(numeric, text) is
  'No worker starts a request to the mail provider before that, as the provider asked. The reason is a '
  'code, without personal data; operators read it until a mail is taken again.';

grant execute on function worker.pause_sending(numeric, text) to service_role;
