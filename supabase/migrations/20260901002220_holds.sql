-- Holds: a slot kept for minutes while somebody fills in a form. A hold is an appointment in the
-- ledger like any other; confirming it changes its row, and once over it is in nobody's way.
-- Promises: never_overlaps; one person keeps no more than the clinic allows.
-- Access: signed-in people and the service key, as for bookings; the sweep is for workers.

-- Definer: nobody may insert appointments directly; who may ask for whom is checked here.
create function public.hold_slot(
  service_id uuid,
  provider_id uuid,
  starts_at timestamptz,
  patient_id uuid default null,
  request_id uuid default null,
  location_id uuid default null
) returns public.appointments
language plpgsql
security definer
set search_path = ''
as $$
declare
  service public.services;
  visit public.appointments;
  earlier_id uuid;
begin
  if not private.is_trusted() then
    perform private.require_user();
  end if;
  service := private.service_to_book(hold_slot.service_id, hold_slot.provider_id);
  visit.id := private.time_ordered_id();
  visit.clinic_id := service.clinic_id;
  visit.patient_id := private.patient_to_book(service.clinic_id, hold_slot.patient_id);
  earlier_id := private.earlier_result(
    hold_slot.request_id,
    jsonb_build_array('hold_slot', service.id, hold_slot.starts_at at time zone 'UTC',
      hold_slot.provider_id, visit.patient_id, hold_slot.location_id),
    visit.id
  );
  if earlier_id is not null then
    return private.repeated_answer(earlier_id);
  end if;
  perform private.check_bookable_time(service, hold_slot.starts_at);
  visit.starts_at := hold_slot.starts_at;
  visit.location_id := hold_slot.location_id;
  visit.status := 'held';
  visit.booked_by := auth.uid();
  visit.booked_via := private.booking_path_of(service.clinic_id);
  visit.request_id := hold_slot.request_id;
  perform private.check_person_limits(visit);
  return private.book_first_free(service, visit, hold_slot.provider_id);
end;
$$;

-- Makes the hold a booking: the same row, one version later. What else is given has to be what is
-- held. Raises not_found for other people's holds, hold_expired, illegal_transition for one that was
-- used before, and invalid_input.
create function private.confirm_hold(
  hold_id uuid,
  service_id uuid,
  starts_at timestamptz,
  provider_id uuid,
  patient_id uuid,
  request_id uuid,
  reason text
) returns public.appointments
language plpgsql
set search_path = ''
as $$
declare
  hold public.appointments;
begin
  -- The row is locked only if there is something left to confirm.
  select * into hold from public.appointments where appointments.id = confirm_hold.hold_id;
  if hold.id is null or private.acting_as(hold.clinic_id, hold.patient_id) is null then
    perform private.raise_error('not_found', 'There is no such hold.');
  end if;
  if private.earlier_result(
    confirm_hold.request_id,
    jsonb_build_array('book_appointment', hold.id, confirm_hold.service_id,
      confirm_hold.starts_at at time zone 'UTC', confirm_hold.provider_id,
      confirm_hold.patient_id, confirm_hold.reason),
    hold.id
  ) is not null then
    return private.repeated_answer(hold.id);
  end if;
  if hold.hold_expires_at <= now() then
    perform private.raise_error('hold_expired');
  end if;
  select * into hold from public.appointments where appointments.id = hold.id for no key update;
  if hold.status is distinct from 'held' then
    perform private.raise_error('illegal_transition', 'This hold has been used or given back.');
  end if;
  if (coalesce(confirm_hold.service_id, hold.service_id),
      coalesce(confirm_hold.starts_at, hold.starts_at),
      coalesce(confirm_hold.provider_id, hold.provider_id),
      coalesce(confirm_hold.patient_id, hold.patient_id))
    is distinct from (hold.service_id, hold.starts_at, hold.provider_id, hold.patient_id) then
    perform private.raise_error('invalid_input', 'This is not what is held.');
  end if;
  if hold.starts_at <= now() then
    perform private.raise_error('too_soon');
  end if;
  update public.appointments as held set
    status = case
      when private.booking_path_of(hold.clinic_id) = 'patient' and services.needs_approval
        then 'pending'
      else 'booked'
    end::public.appointment_status,
    request_id = coalesce(confirm_hold.request_id, held.request_id)
  from public.services
  where held.id = hold.id and services.id = held.service_id
  returning held.* into hold;
  perform private.keep_reason(hold, 'visit', confirm_hold.reason);
  return hold;
end;
$$;

-- Locks schedules first and rows after, and waits for no row, as whoever books over an expired hold.
-- Definer: the service key has no privilege to write appointments.
create function worker.expire_holds(batch int default 100) returns int
language plpgsql
security definer
set search_path = ''
as $$
declare
  holds_over uuid[];
begin
  if coalesce(expire_holds.batch, 0) not between 1 and 1000 then
    perform private.raise_error('invalid_input', 'Expire 1 to 1000 holds at once.');
  end if;
  holds_over := array(
    select distinct kept.appointment_id from private.reservations as kept
    where kept.expires_at <= now()
    limit expire_holds.batch
  );
  if holds_over = '{}' then
    return 0;
  end if;
  perform private.lock_schedules(private.stretches_kept_by(holds_over), 'give_back');
  return private.end_holds(holds_over);
end;
$$;

comment on function public.hold_slot(uuid, uuid, timestamptz, uuid, uuid, uuid) is
  'Keeps an offered time for the clinic''s hold_minutes; book_appointment with its id as hold_id '
  'confirms it, cancel_appointment gives it back. No provider: any who is free, fairly chosen. A '
  'location: there or not at all. No patient: the caller. The same request_id again returns the '
  'same hold.';
comment on function worker.expire_holds(int) is
  'Ends up to `batch` holds that are over, so that screens show their times as free; how many.';

grant execute on function public.hold_slot(uuid, uuid, timestamptz, uuid, uuid, uuid)
  to authenticated, service_role;
grant execute on function worker.expire_holds(int) to service_role;
