-- Staff notices: what members are told of what patients do, and each provider's day in the morning.
-- Promises: message_with_the_commit; ids and times alone, whoever they are about is seen after
--           signing in.
-- Access: triggers queue; the service key plans agendas.

-- Whom a notice goes to. By default the provider of the visit and, where somebody has to act, the
-- front desk; preferences overrule, but providers are told of their own visits alone.
create function private.members_to_tell(
  kind public.notification_kind, clinic_id uuid, provider_id uuid
) returns table (user_id uuid)
language plpgsql
stable
rows 2
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select member.user_id
  from public.members as member
  left join public.providers as whose
    on whose.id = members_to_tell.provider_id and whose.user_id = member.user_id
  left join public.notification_preferences as preference
    on preference.clinic_id = member.clinic_id and preference.user_id = member.user_id
  where member.clinic_id = members_to_tell.clinic_id and member.active
    and (whose.id is not null or member.role <> 'provider' and members_to_tell.kind <> 'agenda')
    and coalesce(
      case members_to_tell.kind
        when 'staff_cancellation' then preference.late_cancellations
        when 'agenda' then preference.daily_agenda
        else preference.new_bookings
      end,
      case members_to_tell.kind
        when 'staff_request' then member.role = 'front_desk'
        when 'staff_cancellation' then whose.id is not null or member.role = 'front_desk'
        else whose.id is not null
      end);
end;
$$;

-- Whether the appointment comes from its patient: asked for by them, or offered to them from the
-- waiting list and not taken by the clinic itself.
create function private.comes_from_patient(
  before public.appointments, after public.appointments
) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return after.booked_via = 'patient' or before.status = 'held'
    and private.booking_path_of(after.clinic_id) not in ('staff', 'dashboard')
    and exists (
      select from public.waitlist_offers as offers where offers.appointment_id = after.id
    );
end;
$$;

-- What a patient's own change owes the clinic's members.
create function private.staff_messages_for(before public.appointments, after public.appointments)
returns private.owed_message[]
language plpgsql
stable
set search_path = ''
as $$
declare
  kind public.notification_kind := case
    when after.starts_at <= now() then null
    when after.status = 'booked' and (before.id is null or before.status = 'held')
      and private.comes_from_patient(before, after) then 'staff_booking'
    when after.status = 'pending' and (before.status = 'booked'
      or (before.id is null or before.status = 'held')
        and private.comes_from_patient(before, after)) then 'staff_request'
    when after.status = 'pending' and before.status = 'pending' and private.is_moved(before, after)
      and private.acting_as(after.clinic_id, after.patient_id) = 'patient' then 'staff_request'
    when after.status = 'cancelled' and before.status in ('booked', 'arrived')
      and after.cancelled_late then 'staff_cancellation'
  end;
begin
  if kind is null then
    return '{}';
  end if;
  return array(
    select (after.clinic_id, after.id, after.version, kind, null::uuid, told.user_id, null::int,
      'queued'::public.notification_status, now(), null::text)::private.owed_message
    from private.members_to_tell(kind, after.clinic_id, after.provider_id) as told
  );
end;
$$;

-- A provider's visits on a day, where each location's day is its own. A group session is one entry
-- with the number of seats that are taken.
create function private.agenda_of(provider_id uuid, day date) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'starts_at', planned.starts_at, 'ends_at', planned.ends_at, 'time_zone', place.time_zone,
      'service_name', service.name, 'location_name', place.name,
      'seats_taken', planned.seats_taken
    ) order by planned.starts_at, planned.id), '[]')
    from (
      select coalesce(visit.session_id, visit.id) as id, visit.starts_at, visit.ends_at,
        visit.location_id, visit.service_id,
        case when visit.session_id is not null then count(*) end as seats_taken
      from public.appointments as visit
      where visit.provider_id = agenda_of.provider_id
        and visit.starts_at between agenda_of.day::timestamptz - interval '1 day'
          and agenda_of.day::timestamptz + interval '3 days'
        and visit.status in ('booked', 'arrived')
      group by coalesce(visit.session_id, visit.id), visit.session_id, visit.starts_at,
        visit.ends_at, visit.location_id, visit.service_id
    ) as planned
    join public.locations as place on place.id = planned.location_id
    join public.services as service on service.id = planned.service_id
    where (planned.starts_at at time zone place.time_zone)::date = agenda_of.day
  );
end;
$$;

-- Queues the agendas of days that begin soon, due at 07:00 by the wall clock where the first visit
-- is; what is booked later is in them all the same, since they are written when they are sent.
-- Definer: the service key has no privilege to write the queue.
create function worker.plan_agendas(ahead_hours int default 12) returns int
language plpgsql
security definer
set search_path = ''
as $$
declare
  planned int;
begin
  if coalesce(plan_agendas.ahead_hours, 0) not between 1 and 24 then
    perform private.raise_error('invalid_input', 'Plan 1 to 24 hours ahead.');
  end if;
  insert into public.notifications (clinic_id, kind, recipient_user_id, provider_id, day, due_at)
  select distinct on (provider.id, shown.day, told.user_id)
    provider.clinic_id, 'agenda'::public.notification_kind, told.user_id, provider.id, shown.day,
    morning.begins
  from public.providers as provider
  join public.appointments as visit
    on visit.provider_id = provider.id and visit.status in ('booked', 'arrived')
    and visit.starts_at between now() - interval '1 day' and now() + interval '2 days'
  join public.locations as place on place.id = visit.location_id
  cross join lateral (
    select (visit.starts_at at time zone place.time_zone)::date as day
  ) as shown
  cross join lateral (
    select private.local_instant(shown.day, time '07:00', place.time_zone) as begins
  ) as morning
  cross join lateral private.members_to_tell('agenda', provider.clinic_id, provider.id) as told
  where provider.user_id is not null and provider.active
    and morning.begins between now() - interval '2 hours'
      and now() + make_interval(hours => plan_agendas.ahead_hours)
  order by provider.id, shown.day, told.user_id, visit.starts_at
  on conflict do nothing;
  get diagnostics planned = row_count;
  return planned;
end;
$$;

comment on function worker.plan_agendas(int) is
  'Queues the agendas that are due within the next hours; again: nothing more. Returns how many.';

grant execute on function worker.plan_agendas(int) to service_role;
