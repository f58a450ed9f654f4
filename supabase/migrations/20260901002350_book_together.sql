-- Booking together: a family at once, or visits one after another; all of them or none.
-- Promises: every schedule is locked, in order, before the first reservation.
-- Access: signed-in people and the service key; each patient must be one the caller may act for.

create table private.joint_visits (
  joint_id uuid not null,
  number int not null,
  appointment_id uuid not null,
  primary key (joint_id, number),
  constraint joint_visits_appointment_exists
    foreign key (appointment_id) references public.appointments (id) on delete cascade
);

create index joint_visits_by_appointment on private.joint_visits (appointment_id);

comment on table private.joint_visits is
  'What was booked together under a request id, so that the request can be repeated.';

alter table private.joint_visits enable row level security;

-- One of the visits asked for. `after`: the visit, by number, at whose end it starts; null: it has
-- a start of its own.
create type private.wanted_visit as (
  number int,
  service public.services,
  provider_id uuid,
  patient_id uuid,
  starts_at timestamptz,
  reason text,
  after int
);

-- One visit as it was written. Raises invalid_input for anything that is not understood, else
-- not_found or not_allowed.
create function private.read_visit(entry jsonb, number int) returns private.wanted_visit
language plpgsql
stable
set search_path = ''
as $$
declare
  wanted private.wanted_visit;
  service_id uuid;
begin
  if jsonb_typeof(entry) <> 'object'
    or entry - '{service_id,starts_at,provider_id,patient_id,reason}'::text[] <> '{}'
    or entry ->> 'service_id' is null
    or jsonb_typeof(coalesce(entry -> 'reason', 'null')) not in ('string', 'null')
    or (entry ->> 'starts_at') !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}' then
    perform private.raise_error('invalid_input', 'Give a service_id and, where wanted, starts_at, '
      'provider_id, patient_id and reason.');
  end if;
  begin
    service_id := entry ->> 'service_id';
    wanted.provider_id := entry ->> 'provider_id';
    wanted.patient_id := entry ->> 'patient_id';
    wanted.starts_at := entry ->> 'starts_at';
  exception when data_exception then
    perform private.raise_error('invalid_input', 'An id or a time cannot be read.');
  end;
  wanted.number := read_visit.number;
  wanted.reason := entry ->> 'reason';
  wanted.service := private.service_to_book(service_id, wanted.provider_id);
  wanted.patient_id :=
    private.patient_to_book((wanted.service).clinic_id, wanted.patient_id);
  return wanted;
end;
$$;

-- Repeats an error that concerns one of several visits, and says which.
create function private.raise_for_visit(number int, key text, hint text) returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  perform private.raise_error(raise_for_visit.key,
    format('Visit %s: %s', raise_for_visit.number, raise_for_visit.hint));
end;
$$;

-- All visits as they were written, with the one that each follows.
create function private.read_visits(visits jsonb) returns private.wanted_visit[]
language plpgsql
stable
set search_path = ''
as $$
declare
  found_visits private.wanted_visit[] := '{}';
  wanted private.wanted_visit;
  entry jsonb;
  number int := 0;
  key text;
  what text;
begin
  if visits is null or jsonb_typeof(visits) <> 'array' or visits = '[]' then
    perform private.raise_error('invalid_input', 'Give a list of visits.');
  end if;
  if jsonb_array_length(visits) > 10 then
    perform private.raise_error('limit_reached', 'Book at most 10 visits at once.');
  end if;
  for entry in select * from jsonb_array_elements(visits) loop
    number := number + 1;
    begin
      wanted := private.read_visit(entry, number);
      if wanted.starts_at is null then
        wanted.after := (
          select max(before.number) from unnest(found_visits) as before
          where before.patient_id = wanted.patient_id
        );
        if wanted.after is null then
          perform private.raise_error('invalid_time', 'Give its start, or an earlier visit of the '
            'same patient that it follows.');
        end if;
      end if;
    exception when sqlstate 'PT403' or sqlstate 'PT404' or sqlstate 'PT422' then
      get stacked diagnostics key = message_text, what = pg_exception_hint;
      perform private.raise_for_visit(number, key, what);
    end;
    found_visits := found_visits || wanted;
  end loop;
  return found_visits;
end;
$$;

-- The first start that is free for a visit right after another one: at its end, or as little later
-- as the offered starts and the buffers between the two ask for. Raises slot_taken.
create function private.start_after(wanted private.wanted_visit, before public.appointments)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
declare
  starts_at timestamptz;
begin
  select slot.starts_at into starts_at
  from public.open_slots(
    (wanted.service).id, before.ends_at,
    before.ends_at + make_interval(mins => before.buffer_after_minutes
      + (wanted.service).buffer_before_minutes + (wanted.service).slot_interval_minutes),
    wanted.provider_id, null, 1
  ) as slot;
  if starts_at is null then
    perform private.raise_error('slot_taken',
      'Nothing is free right after the visit before. Choose other times.');
  end if;
  return starts_at;
end;
$$;

-- Books one of the visits. The schedules are locked by the caller.
create function private.book_wanted(
  wanted private.wanted_visit, before public.appointments, request_id uuid
) returns public.appointments
language plpgsql
set search_path = ''
as $$
declare
  service public.services := wanted.service;
  visit public.appointments;
  key text;
  what text;
begin
  visit := private.visit_of(wanted, request_id);
  if wanted.after is not null then
    visit.starts_at := private.start_after(wanted, before);
  end if;
  perform private.check_bookable_time(service, visit.starts_at);
  -- Looked at first, since a patient who comes twice is another error than a provider who is busy.
  if exists (
    select from private.reservations as kept
    where kept.resource_id = visit.patient_id
      and kept.during && tstzrange(
        visit.starts_at, visit.starts_at + make_interval(mins => service.duration_minutes))
      and (kept.expires_at is null or kept.expires_at > now())
  ) then
    perform private.raise_error('patient_already_booked');
  end if;
  visit := private.book_first_free(service, visit, wanted.provider_id);
  perform private.keep_reason(visit, 'visit', wanted.reason);
  return visit;
exception when sqlstate 'PT409' or sqlstate 'PT422' then
  get stacked diagnostics key = message_text, what = pg_exception_hint;
  perform private.raise_for_visit(wanted.number, key, what);
  return null;
end;
$$;

-- The appointment that a wanted visit is to become.
create function private.visit_of(wanted private.wanted_visit, request_id uuid)
returns public.appointments
language plpgsql
stable
set search_path = ''
as $$
declare
  visit public.appointments;
begin
  visit.id := private.time_ordered_id();
  visit.clinic_id := (wanted.service).clinic_id;
  visit.patient_id := wanted.patient_id;
  visit.starts_at := wanted.starts_at;
  visit.booked_by := auth.uid();
  visit.request_id := visit_of.request_id;
  visit.booked_via := private.booking_path_of((wanted.service).clinic_id);
  visit.status := case
    when (wanted.service).needs_approval and visit.booked_via = 'patient' then 'pending'
    else 'booked'
  end;
  return visit;
end;
$$;

-- The visit to book next: its start is known, and it leaves the fewest choices, so that whoever can
-- go to anybody does not take the one provider whom another needs. `done` are numbers.
create function private.next_to_book(visits private.wanted_visit[], done int[])
returns private.wanted_visit
language plpgsql
stable
set search_path = ''
as $$
declare
  next_visit private.wanted_visit;
begin
  select wanted.* into next_visit
  from unnest(visits) as wanted
  where not wanted.number = any (done)
    and (wanted.after is null or wanted.after = any (done))
  order by
    wanted.provider_id is null,
    (select count(*) from public.provider_services as offered
      where offered.service_id = (wanted.service).id),
    wanted.number
  limit 1;
  return next_visit;
end;
$$;

-- Definer: nobody may insert appointments directly; who may ask for whom is checked here.
create function public.book_together(visits jsonb, request_id uuid default null)
returns setof public.appointments
language plpgsql
security definer
set search_path = ''
as $$
declare
  wanted_visits private.wanted_visit[];
  wanted private.wanted_visit;
  joint_id uuid := gen_random_uuid();
  earlier_id uuid;
  done int[] := '{}';
  booked public.appointments[];
  touched private.stretch[];
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  wanted_visits := private.read_visits(book_together.visits);
  earlier_id := private.earlier_result(
    book_together.request_id, jsonb_build_array('book_together', book_together.visits), joint_id);
  if earlier_id is not null then
    return query
    select appointments.*
    from private.joint_visits
    join public.appointments on appointments.id = joint_visits.appointment_id
    where joint_visits.joint_id = earlier_id
    order by joint_visits.number;
    return;
  end if;

  perform private.check_person_limits(
    private.visit_of(first_visit.wanted, null), first_visit.visits::int)
  from (
    select distinct on (each_visit.patient_id) each_visit::private.wanted_visit as wanted,
      count(*) over (partition by each_visit.patient_id) as visits
    from unnest(wanted_visits) as each_visit
    order by each_visit.patient_id, each_visit.number
  ) as first_visit;
  -- A visit right after another one starts some time later on the day, or in the night after it.
  touched := array(
    select (in_reach.id, tstzrange(
      min(each_visit.starts_at) over () - interval '1 hour',
      max(each_visit.starts_at) over () + interval '1 day'))::private.stretch
    from unnest(wanted_visits) as each_visit
    cross join lateral (
      select private.resources_in_reach(each_visit.service, each_visit.provider_id)
      union all
      select each_visit.patient_id
    ) as in_reach (id)
  );
  perform private.lock_for_several(touched, array(
    select (each_visit.service).id from unnest(wanted_visits) as each_visit));
  while cardinality(done) < cardinality(wanted_visits) loop
    wanted := private.next_to_book(wanted_visits, done);
    booked[wanted.number] :=
      private.book_wanted(wanted, booked[wanted.after], book_together.request_id);
    done := done || wanted.number;
  end loop;
  if book_together.request_id is not null then
    insert into private.joint_visits (joint_id, number, appointment_id)
    select joint_id, number, (booked[number]).id from generate_subscripts(booked, 1) as number;
  end if;
  return query select * from unnest(booked);
end;
$$;

comment on function public.book_together(jsonb, uuid) is
  'Books up to 10 visits, all or none: [{service_id, starts_at, provider_id, patient_id, reason}]. '
  'No start: right after the visit before of the same patient. Returns them in the order given; '
  'the same request_id again returns the same appointments.';

grant execute on function public.book_together(jsonb, uuid) to authenticated, service_role;
