-- Any provider: who is booked when nobody is named. Turns are shared by weight; among equal turns
-- whoever was booked least recently, by name too, comes first. Why: docs/decisions/0011.
-- Promises: never a busy one; the next candidate when one is taken meanwhile.
-- Access: the booking functions.

create table private.provider_turns (
  service_id uuid not null,
  provider_id uuid not null,
  turns double precision not null,
  primary key (service_id, provider_id),
  constraint provider_turns_belong_to_an_offer
    foreign key (provider_id, service_id)
    references public.provider_services (provider_id, service_id) on delete cascade
-- Room on the page for new versions: a turn must not write to the index.
) with (fillfactor = 50);

create index provider_turns_by_provider on private.provider_turns (provider_id, service_id);

comment on table private.provider_turns is
  'How often a provider was chosen for a service when nobody was named, each time 1/weight.';

alter table private.provider_turns enable row level security;

-- A newcomer joins with as many turns as whoever has fewest, not with all of the past to catch up.
-- Definer: managers may not write turns.
create function private.join_turns() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into private.provider_turns (service_id, provider_id, turns)
  select new.service_id, new.provider_id, coalesce(min(peer.turns), 0)
  from private.provider_turns as peer where peer.service_id = new.service_id;
  return null;
end;
$$;

create trigger _500_join_turns after insert on public.provider_services
  for each row execute function private.join_turns();

-- Counts a turn. Whoever was away, or busy at the times people ask for, catches up by three turns at
-- most. A row that somebody is just counting on is left alone: fairness is not worth a wait, and a
-- transaction that books several providers could not wait without risking a deadlock.
create function private.count_turn(service_id uuid, provider_id uuid) returns void
language plpgsql
set search_path = ''
as $$
begin
  update private.provider_turns as turn set
    turns = greatest(turn.turns, (
      select max(peer.turns) - 3 from private.provider_turns as peer
      where peer.service_id = count_turn.service_id
    )) + 1.0 / greatest(offered.weight, 1)
  from public.provider_services as offered
  where turn.service_id = count_turn.service_id
    and turn.provider_id = (
      select free.provider_id from private.provider_turns as free
      where free.service_id = count_turn.service_id and free.provider_id = count_turn.provider_id
      for no key update skip locked
    )
    and offered.provider_id = turn.provider_id and offered.service_id = turn.service_id;
end;
$$;

-- Books whoever is free and has the next turn. Raises as book_first_free.
create function private.book_any_provider(service public.services, visit public.appointments)
returns public.appointments
language plpgsql
set search_path = ''
as $$
declare
  candidate record;
  places private.offer[];
  booked public.appointments;
  busy uuid[] := '{}';
  failure text;
  failure_hint text;
begin
  for candidate in
    select offered.provider_id, make_interval(
      mins => coalesce(offered.duration_minutes, service.duration_minutes)) as length
    from public.provider_services as offered
    join public.providers on providers.id = offered.provider_id and providers.active
    left join private.provider_turns as turn
      on turn.service_id = offered.service_id and turn.provider_id = offered.provider_id
    left join lateral (
      select appointments.created_at as at from public.appointments
      where appointments.provider_id = offered.provider_id
      order by appointments.created_at desc
      limit 1
    ) as last_booked on true
    where offered.service_id = service.id and offered.weight > 0
    order by coalesce(turn.turns, 0), last_booked.at nulls first, offered.provider_id
  loop
    if private.is_visibly_taken(service, candidate.provider_id,
      tstzrange(visit.starts_at, visit.starts_at + candidate.length), null) then
      busy := busy || candidate.provider_id;
      continue;
    end if;
    places := private.wanted_places(service, visit, candidate.provider_id);
    continue when places = '{}';
    begin
      booked := private.book_first_place(service, visit, places);
      perform private.count_turn(service.id, booked.provider_id);
      return booked;
    exception when sqlstate 'PT409' or sqlstate 'PT422' then
      get stacked diagnostics failure = message_text, failure_hint = pg_exception_hint;
      if failure not in ('slot_taken', 'limit_reached') then
        raise;
      end if;
    end;
  end loop;
  if failure is null and not private.is_offered_by_one(service, visit, busy) then
    perform private.raise_error('outside_availability');
  end if;
  perform private.raise_error(coalesce(failure, 'slot_taken'), failure_hint);
end;
$$;

-- Whether one of them would offer that visit if they were free.
create function private.is_offered_by_one(
  service public.services, visit public.appointments, provider_ids uuid[]
) returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
  provider_id uuid;
begin
  foreach provider_id in array provider_ids loop
    if private.wanted_places(service, visit, provider_id) <> '{}' then
      return true;
    end if;
  end loop;
  return false;
end;
$$;
