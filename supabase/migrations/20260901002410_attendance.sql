-- Attendance: who came, who did not, and of whom nobody said; and when a clinic stops taking
-- bookings of people who keep missing theirs.
-- Promises: unknown is not a no-show; a mark that is taken back no longer counts.
-- Access: patients read their own, members their clinic's; the limits are the clinic's settings.

alter table public.clinics
  add column late_cancel_hours int not null default 24
    constraint clinics_late_cancel_hours_is_possible check (late_cancel_hours between 0 and 8760),
  add column missed_visits_window_days int not null default 365
    constraint clinics_missed_visits_window_is_possible
      check (missed_visits_window_days between 1 and 3650),
  add column max_missed_visits int
    constraint clinics_max_missed_visits_is_possible check (max_missed_visits between 1 and 1000);

comment on column public.clinics.late_cancel_hours is
  'A visit that its patient calls off fewer hours ahead counts as missed.';
comment on column public.clinics.missed_visits_window_days is
  'Visits missed longer ago do not count any more.';
comment on column public.clinics.max_missed_visits is
  'With so many missed visits a patient can no longer book alone, only through the clinic. '
  'Null: no limit.';

grant update (late_cancel_hours, missed_visits_window_days, max_missed_visits)
  on public.clinics to authenticated;

alter table public.appointments
  add column cancelled_late boolean not null default false;

comment on column public.appointments.cancelled_late is
  'Filled in: the patient called it off within the clinic''s late_cancel_hours. Staff may correct it.';

-- Whether a patient who calls the visit off now does so within the clinic's late_cancel_hours.
create function private.is_late_to_cancel(visit public.appointments) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return now() > visit.starts_at - (
    select make_interval(hours => clinics.late_cancel_hours)
    from public.clinics where clinics.id = visit.clinic_id
  );
end;
$$;

-- Marks a late cancellation when it happens; settings that change later do not judge anew.
-- Definer: patients may not read all of clinics.
create function private.mark_late_cancellation() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  new.cancelled_late := new.cancelled_late or (
    private.acting_as(new.clinic_id, new.patient_id) is not distinct from 'patient'
    and private.is_late_to_cancel(old)
  );
  return new;
end;
$$;

create trigger _150_mark_late_cancellation before update on public.appointments
  for each row when (new.status = 'cancelled' and old.status in ('booked', 'arrived'))
  execute function private.mark_late_cancellation();

-- Visits the patient missed within the clinic's window: no-shows and late cancellations. The mark
-- of a no-show that was taken back is gone, and with it the count.
create function private.missed_visits(patient_id uuid, window_days int) returns int
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select count(*) from public.appointments
    where appointments.patient_id = missed_visits.patient_id
      and appointments.starts_at > now() - make_interval(days => window_days)
      and (
        appointments.status = 'noshow'
        or (appointments.status = 'cancelled' and appointments.cancelled_late)
      )
  );
end;
$$;

-- Refuses a patient's own booking once the clinic's limit is reached. Raises limit_reached.
create function private.check_self_booking(clinic_id uuid, patient_id uuid) returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  most int;
  window_days int;
begin
  select clinics.max_missed_visits, clinics.missed_visits_window_days into most, window_days
  from public.clinics where clinics.id = check_self_booking.clinic_id;
  if most is null then
    return;
  end if;
  if private.missed_visits(check_self_booking.patient_id, window_days) >= most then
    perform private.raise_error('limit_reached',
      'Please call the clinic to arrange your next visit. We are glad to find a time with you.');
  end if;
end;
$$;

create type public.attendance_outcome as enum (
  'attended',  -- arrived, or the visit took place
  'missed',    -- marked as a no-show
  'unknown'    -- over, and nobody said; not a no-show
);

create view public.attendance with (security_invoker = true) as
select
  appointments.id as appointment_id,
  appointments.clinic_id,
  appointments.patient_id,
  appointments.provider_id,
  appointments.service_id,
  appointments.starts_at,
  appointments.ends_at,
  case
    when appointments.status in ('arrived', 'fulfilled') then 'attended'
    when appointments.status = 'noshow' then 'missed'
    else 'unknown'
  end::public.attendance_outcome as outcome
from public.appointments
where appointments.status in ('arrived', 'fulfilled', 'noshow')
  or (appointments.status = 'booked' and appointments.ends_at <= now());

comment on view public.attendance is
  'Whether patients came: attended, missed, or unknown while nobody marked a visit that is over.';

create view public.patient_attendance with (security_invoker = true) as
select
  counted.clinic_id,
  counted.patient_id,
  counted.attended,
  counted.no_shows,
  counted.late_cancellations,
  counted.unknown,
  coalesce(counted.no_shows + counted.late_cancellations >= clinics.max_missed_visits, false)
    as books_by_phone_only
from (
  select
    visits.clinic_id,
    visits.patient_id,
    count(*) filter (where visits.status in ('arrived', 'fulfilled')) as attended,
    count(*) filter (where visits.status = 'noshow') as no_shows,
    count(*) filter (where visits.status = 'cancelled' and visits.cancelled_late)
      as late_cancellations,
    count(*) filter (where visits.status = 'booked' and visits.ends_at <= now()) as unknown
  from public.appointments as visits
  join public.clinics as clinic on clinic.id = visits.clinic_id
  where visits.starts_at > now() - make_interval(days => clinic.missed_visits_window_days)
  group by visits.clinic_id, visits.patient_id
) as counted
join public.clinics on clinics.id = counted.clinic_id;

comment on view public.patient_attendance is
  'Per patient, within the clinic''s missed_visits_window_days: how often they came and did not.';
comment on column public.patient_attendance.books_by_phone_only is
  'True: the clinic''s max_missed_visits is reached, so only staff can book for this patient.';

grant select on public.attendance, public.patient_attendance to authenticated, service_role;
