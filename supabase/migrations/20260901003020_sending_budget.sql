-- The sending budget: how fast all workers together may ask the mail provider.
-- Promises: one clock for any number of workers on any number of machines, so that they keep to the
--           provider's rate, and one that is told to wait makes all of them wait.
-- Access: the service key alone.

create table private.sending_budget (
  only_row boolean primary key default true constraint sending_budget_is_one_row check (only_row),
  free_at timestamptz not null default now(),
  asked_at timestamptz not null default now()
);

comment on table private.sending_budget is 'When the next request to the mail provider may start.';
comment on column private.sending_budget.asked_at is
  'What the clock said when it was last asked: should it be set back, what was to be waited then is '
  'waited from now on, and not until the clock has caught up.';

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

-- Definer: the service key has no privilege on the budget.
create function worker.pause_sending(seconds numeric) returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  if coalesce(pause_sending.seconds, -1) not between 0 and 86400 then
    perform private.raise_error('invalid_input', 'Pause for 0 to 86400 seconds.');
  end if;
  update private.sending_budget set free_at = greatest(
    sending_budget.free_at, now() + make_interval(secs => pause_sending.seconds::double precision))
  where sending_budget.only_row;
end;
$$;

comment on function worker.pause_sending(numeric) is
  'No worker starts a request to the mail provider before that, as the provider asked.';

grant execute on function worker.pause_sending(numeric) to service_role;
