-- Series: visits booked together by a recurrence rule.
-- Promises: all or nothing means it; in the other mode every occurrence is either booked or
--           answered with times near it. Every schedule is locked, in order, before the first
--           reservation.
-- Access: patients read their own, members their clinic's; book_series alone writes.

create type public.series_mode as enum (
  'all_or_nothing',  -- one occurrence that cannot be booked refuses the series
  'free_ones'        -- what is free is booked; for the rest, times near it are named
);

create table public.appointment_series (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  service_id uuid not null,
  provider_id uuid,
  patient_id uuid not null,
  starts_at timestamptz not null
    constraint appointment_series_starts_at_is_a_time check (isfinite(starts_at)),
  rule text not null
    constraint appointment_series_rule_is_short check (length(rule) between 1 and 200),
  time_zone text not null
    constraint appointment_series_time_zone_is_known references private.time_zones (name),
  mode public.series_mode not null,
  booked_by uuid references auth.users (id) on delete set null,
  request_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint appointment_series_in_clinic unique (clinic_id, id),
  constraint appointment_series_service_is_of_clinic
    foreign key (clinic_id, service_id) references public.services (clinic_id, id),
  constraint appointment_series_provider_is_of_clinic
    foreign key (clinic_id, provider_id) references public.providers (clinic_id, id),
  constraint appointment_series_patient_is_of_clinic
    foreign key (clinic_id, patient_id) references public.patients (clinic_id, id)
);

create index appointment_series_by_clinic on public.appointment_series (clinic_id, starts_at);
create index appointment_series_by_patient on public.appointment_series (patient_id);
create index appointment_series_by_service on public.appointment_series (service_id);
create index appointment_series_by_provider on public.appointment_series (provider_id);
create index appointment_series_by_booker on public.appointment_series (booked_by);

comment on table public.appointment_series is
  'What series were booked by. The visits are appointments with this series_id, each moved and '
  'cancelled on its own; a row added here by hand books nothing.';
comment on column public.appointment_series.provider_id is
  'Whom the patient asked for; null: anybody, the same one as far as possible.';
comment on column public.appointment_series.starts_at is
  'The earliest time of the series; every visit has its wall-clock time.';
comment on column public.appointment_series.rule is
  'The recurrence rule: a part of RFC 5545''s RRULE, e.g. FREQ=WEEKLY;BYDAY=MO,TH;COUNT=10.';
comment on column public.appointment_series.time_zone is
  'The zone whose wall clock the series keeps: that of the place of its first visit.';
comment on column public.appointment_series.request_id is
  'The caller''s own id of the request; the same again returns the same series.';

create trigger _100_set_updated_at before update on public.appointment_series
  for each row execute function private.set_updated_at();

-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table public.appointments add constraint appointments_series_is_of_clinic
  foreign key (clinic_id, series_id) references public.appointment_series (clinic_id, id);
-- squawk-ignore require-concurrent-index-creation
create index appointments_by_series on public.appointments (series_id)
  where series_id is not null;

create table private.series_visits (
  series_id uuid not null,
  occurrence_at timestamptz not null,
  appointment_id uuid,
  error text,
  alternatives timestamptz[] not null default '{}',
  primary key (series_id, occurrence_at),
  constraint series_visits_series_exists
    foreign key (series_id) references public.appointment_series (id) on delete cascade,
  constraint series_visits_appointment_exists
    foreign key (appointment_id) references public.appointments (id) on delete set null
);

create index series_visits_by_appointment on private.series_visits (appointment_id);

comment on table private.series_visits is
  'The answer that book_series gave, so that a repeated request gets the same.';
comment on column private.series_visits.error is 'Why it was not booked; null: it was.';

alter table public.appointment_series enable row level security;
alter table private.series_visits enable row level security;

create policy "patients read their own series, members their clinic's" on public.appointment_series
  for select to authenticated using (
    patient_id = any (array(select private.my_patients()))
    or clinic_id = any (array(select private.my_clinics()))
  );

grant select on public.appointment_series to authenticated, service_role;

-- Everything that a visit of that kind could come to reserve, its patient excepted: what a booking
-- of several visits locks before the first.
create function private.resources_in_reach(service public.services, provider_id uuid)
returns setof uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  places private.place[] := array(
    select place
    from private.places_of(service, resources_in_reach.provider_id, null) as place
  );
begin
  return query
  select place.provider_id from unnest(places) as place
  union
  select needs.resource_id from public.service_needs as needs
  where needs.service_id = service.id and needs.resource_id is not null
  union
  select resources.id
  from unnest(places) as place
  join public.resources on resources.location_id = place.location_id and resources.active
  join public.service_needs as needs
    on needs.service_id = service.id and needs.kind = resources.kind
    and needs.resource_id is null;
end;
$$;

-- Locks what several visits booked at once may touch, before the first of them: hours, then schedules.
-- Services stand for their limits, which are counted one by one.
create function private.lock_for_several(stretches private.stretch[], service_ids uuid[])
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform private.keep_hours_of(
    array(select stretch.resource_id from unnest(stretches) as stretch));
  perform private.lock_schedules(stretches || private.whole_schedules(service_ids), 'move');
end;
$$;

-- The zone whose clock counts for a visit: that of a place where it is offered at that time, else
-- of any place where it is given, else of the clinic.
create function private.zone_of_visit(
  service public.services, provider_id uuid, starts_at timestamptz
) returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(
    (
      select locations.time_zone
      from private.places_of(service, zone_of_visit.provider_id, null) as place
      join public.locations on locations.id = place.location_id
      left join private.offered_places(
        service, zone_of_visit.provider_id, zone_of_visit.starts_at) as offered
        on offered.location_id = place.location_id
      order by offered.location_id is null, locations.created_at, locations.id
      limit 1
    ),
    (select clinics.time_zone from public.clinics where clinics.id = service.clinic_id)
  );
end;
$$;

-- Up to three times that could be booked instead, nearest first: of that day; if these are not enough,
-- then of the day before and the two after it.
create function private.alternatives(
  service public.services,
  provider_id uuid,
  patient_id uuid,
  wanted_at timestamptz,
  time_zone text
) returns timestamptz[]
language plpgsql
stable
set search_path = ''
as $$
declare
  day date := (wanted_at at time zone alternatives.time_zone)::date;
  midnights timestamptz[] := array(
    select private.local_instant(day + days, time '00:00', alternatives.time_zone)
    from unnest('{-1,0,1,3}'::int[]) as days
  );
  near timestamptz[];
begin
  near := private.times_free_for(
    service, provider_id, patient_id, wanted_at, midnights[2], midnights[3]);
  if cardinality(near) < 3 then
    near := near || array(
      select around.starts_at
      from unnest(private.times_free_for(
        service, provider_id, patient_id, wanted_at, midnights[1], midnights[4])) with ordinality
        as around (starts_at, place)
      where not around.starts_at = any (near)
      order by around.place
    );
  end if;
  return near[:3];
end;
$$;

-- The three open slots nearest to the time wanted at which the patient is free, too.
create function private.times_free_for(
  service public.services,
  provider_id uuid,
  patient_id uuid,
  wanted_at timestamptz,
  from_time timestamptz,
  to_time timestamptz
) returns timestamptz[]
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select slot.starts_at
    from public.open_slots(service.id, times_free_for.from_time, times_free_for.to_time,
      times_free_for.provider_id, null, 5000) as slot
    where not exists (
      select from private.reservations as kept
      where kept.resource_id = times_free_for.patient_id
        and kept.during && tstzrange(slot.starts_at, slot.ends_at)
        and (kept.expires_at is null or kept.expires_at > now())
    )
    group by slot.starts_at
    order by abs(extract(epoch from slot.starts_at - wanted_at)), slot.starts_at
    limit 3
  );
end;
$$;

-- Books one visit of a series: with the provider named; else with the one whom the patient sees
-- already, else with anybody.
create function private.book_occurrence(
  service public.services, visit public.appointments, provider_id uuid, usual_provider_id uuid
) returns public.appointments
language plpgsql
set search_path = ''
as $$
begin
  if book_occurrence.provider_id is null and usual_provider_id is not null then
    begin
      return private.book_first_free(service, visit, usual_provider_id);
    exception when sqlstate 'PT409' or sqlstate 'PT422' then
      null;  -- Somebody else may be free.
    end;
  end if;
  return private.book_first_free(service, visit, book_occurrence.provider_id);
end;
$$;

-- Books what can be booked of a series and notes the rest. The schedules are locked by the caller.
create function private.fill_series(
  series public.appointment_series,
  service public.services,
  visit public.appointments,
  times timestamptz[],
  reason text
) returns void
language plpgsql
set search_path = ''
as $$
declare
  booked public.appointments;
  usual_provider_id uuid;
  occurrence_at timestamptz;
  key text;
  what text;
begin
  foreach occurrence_at in array times loop
    begin
      perform private.check_bookable_time(service, occurrence_at);
      perform private.check_person_limits(visit);
      visit.id := private.time_ordered_id();
      visit.starts_at := occurrence_at;
      booked := private.book_occurrence(service, visit, series.provider_id, usual_provider_id);
      perform private.keep_reason(booked, 'visit', fill_series.reason);
      usual_provider_id := coalesce(usual_provider_id, booked.provider_id);
      insert into private.series_visits (series_id, occurrence_at, appointment_id)
      values (series.id, occurrence_at, booked.id);
    exception when sqlstate 'PT409' or sqlstate 'PT422' then
      get stacked diagnostics key = message_text, what = pg_exception_hint;
      if series.mode = 'all_or_nothing' then
        perform private.raise_error(key, format('%s: %s', to_char(
          occurrence_at at time zone series.time_zone, 'YYYY-MM-DD HH24:MI'), what));
      end if;
      insert into private.series_visits (series_id, occurrence_at, error)
      values (series.id, occurrence_at, key);
    end;
  end loop;
  -- Only now: what is booked above is no alternative.
  update private.series_visits set alternatives = private.alternatives(
    service, series.provider_id, series.patient_id, series_visits.occurrence_at, series.time_zone)
  where series_visits.series_id = series.id and series_visits.error is not null;
end;
$$;

create type public.series_outcome as enum ('booked', 'conflict');

create type public.series_visit as (
  occurrence_at timestamptz,
  outcome public.series_outcome,
  appointment_id uuid,
  alternatives timestamptz[],
  error text,
  series_id uuid
);

comment on type public.series_visit is
  'What became of one occurrence. Conflict: the error says why, alternatives which times near it '
  'could be booked instead.';

-- Definer: nobody may insert appointments directly; who may ask for whom is checked here.
create function public.book_series(
  service_id uuid,
  starts_at timestamptz,
  rule text,
  provider_id uuid default null,
  patient_id uuid default null,
  mode public.series_mode default 'all_or_nothing',
  request_id uuid default null,
  reason text default null
) returns setof public.series_visit
language plpgsql
security definer
set search_path = ''
as $$
declare
  service public.services;
  series public.appointment_series;
  visit public.appointments;
  times timestamptz[];
  earlier_id uuid;
  touched uuid[];
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  service := private.service_to_book(book_series.service_id, book_series.provider_id);
  series.patient_id := private.patient_to_book(service.clinic_id, book_series.patient_id);
  series.id := gen_random_uuid();
  earlier_id := private.earlier_result(
    book_series.request_id,
    jsonb_build_array('book_series', service.id, book_series.starts_at at time zone 'UTC',
      book_series.rule, book_series.provider_id, series.patient_id, book_series.mode,
      book_series.reason),
    series.id
  );
  if earlier_id is null then
    if book_series.mode is null then
      perform private.raise_error('invalid_input', 'Choose all_or_nothing or free_ones.');
    end if;
    if book_series.starts_at is null or not isfinite(book_series.starts_at) then
      perform private.raise_error('invalid_time', 'Give the time at which the series starts.');
    end if;
    series.time_zone :=
      private.zone_of_visit(service, book_series.provider_id, book_series.starts_at);
    times := private.occurrences(book_series.starts_at, book_series.rule, series.time_zone);
    visit.clinic_id := service.clinic_id;
    visit.patient_id := series.patient_id;
    visit.series_id := series.id;
    visit.booked_by := auth.uid();
    visit.request_id := book_series.request_id;
    visit.booked_via := private.booking_path_of(service.clinic_id);
    visit.status := case
      when service.needs_approval and visit.booked_via = 'patient' then 'pending' else 'booked'
    end;
    perform private.check_person_limits(visit,
      case when book_series.mode = 'all_or_nothing' then cardinality(times) else 1 end);
    insert into public.appointment_series (id, clinic_id, service_id, provider_id, patient_id,
      starts_at, rule, time_zone, mode, booked_by, request_id)
    values (series.id, service.clinic_id, service.id, book_series.provider_id, series.patient_id,
      book_series.starts_at, book_series.rule, series.time_zone, book_series.mode, auth.uid(),
      book_series.request_id)
    returning * into series;
    touched := array(select private.resources_in_reach(service, series.provider_id));
    perform private.lock_for_several(array(
      select (reached.id, tstzrange(
        occurrence - make_interval(mins => service.buffer_before_minutes),
        occurrence
          + make_interval(mins => service.duration_minutes + service.buffer_after_minutes)
      ))::private.stretch
      from unnest(touched || series.patient_id) as reached (id)
      cross join unnest(times) as occurrence
    ), array[service.id]);
    perform private.fill_series(series, service, visit, times, book_series.reason);
  end if;

  return query
  select answer.occurrence_at,
    case when answer.error is null then 'booked' else 'conflict' end::public.series_outcome,
    answer.appointment_id, answer.alternatives, answer.error, answer.series_id
  from private.series_visits as answer
  where answer.series_id = coalesce(earlier_id, series.id)
  order by answer.occurrence_at;
end;
$$;

-- Definer: nobody may update appointments directly; check_transition decides who may do what.
create function public.cancel_series(
  series_id uuid,
  from_time timestamptz default now(),
  reason text default null
) returns setof public.appointments
language plpgsql
security definer
set search_path = ''
as $$
declare
  series public.appointment_series;
  visit public.appointments;
  ids uuid[];
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  select * into series from public.appointment_series
  where appointment_series.id = cancel_series.series_id;
  if series.id is null or private.acting_as(series.clinic_id, series.patient_id) is null then
    perform private.raise_error('not_found', 'There is no such series.');
  end if;
  if cancel_series.from_time is null or not isfinite(cancel_series.from_time) then
    perform private.raise_error('invalid_time', 'Give the time from which to cancel.');
  end if;
  -- Rows in order of their ids: two who cancel the same series wait in one direction.
  ids := array(
    select appointments.id from public.appointments
    where appointments.series_id = series.id
      and appointments.starts_at >= greatest(cancel_series.from_time, now())
      and appointments.status in ('held', 'pending', 'booked')
    order by appointments.id
    for no key update
  );
  update public.appointments set status = 'cancelled' where appointments.id = any (ids);
  for visit in
    select * from public.appointments where appointments.id = any (ids)
    order by appointments.starts_at
  loop
    perform private.keep_reason(visit, 'change', cancel_series.reason);
    return next visit;
  end loop;
end;
$$;

comment on function public.book_series(
  uuid, timestamptz, text, uuid, uuid, public.series_mode, uuid, text) is
  'Books a visit for each occurrence of the rule, at most 100 in ten years, at the same wall-clock '
  'time. The same request_id again returns the same answer.';
comment on function public.cancel_series(uuid, timestamptz, text) is
  'Calls off the coming visits of a series, from that time on; returns them.';

grant execute on function
  public.book_series(uuid, timestamptz, text, uuid, uuid, public.series_mode, uuid, text),
  public.cancel_series(uuid, timestamptz, text)
to authenticated, service_role;
