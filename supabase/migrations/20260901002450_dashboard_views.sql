-- Views for the table editor and for staff: the day, and what somebody has to look at.
-- Access: members see their clinic's, through the row security of the tables behind; the dashboard
--         sees all.

create view public.today_by_provider with (security_invoker = true) as
select
  appointments.clinic_id,
  providers.full_name as provider,
  locations.name as location,
  (appointments.starts_at at time zone locations.time_zone)::time as starts,
  (appointments.ends_at at time zone locations.time_zone)::time as ends,
  patients.full_name as patient,
  services.name as service,
  appointments.status,
  appointments.overbook_reason is not null as is_overbooked,
  appointments.starts_at,
  appointments.provider_id,
  appointments.id as appointment_id
from public.clinics
-- A day that began up to a day ago somewhere is not over; the index on clinic and start is used.
join public.appointments
  on appointments.clinic_id = clinics.id
  and appointments.starts_at between now() - interval '1 day' and now() + interval '1 day'
join public.locations on locations.id = appointments.location_id
join public.providers on providers.id = appointments.provider_id
join public.patients on patients.id = appointments.patient_id
join public.services on services.id = appointments.service_id
where (appointments.starts_at at time zone locations.time_zone)::date
    = (now() at time zone locations.time_zone)::date
  and (
    appointments.status in ('pending', 'booked', 'arrived', 'fulfilled', 'noshow')
    or (appointments.status = 'held' and appointments.hold_expires_at > now())
  )
  and (
    (select auth.uid()) is null
    or appointments.clinic_id in (
      select members.clinic_id from public.members
      where members.user_id = (select auth.uid()) and members.active
    )
  )
order by providers.full_name, appointments.starts_at;

comment on view public.today_by_provider is
  'Today''s visits, where each location''s day is its own; by provider and time.';
comment on column public.today_by_provider.starts is 'As the wall clock at the location shows it.';
comment on column public.today_by_provider.ends is 'As starts; buffers are not included.';
comment on column public.today_by_provider.is_overbooked is
  'True: staff put it there against the rules; the reason is in appointments.';

-- Coming visits of the caller's clinics, called off or not, whose last message found no address, unless
-- somebody told the patient otherwise. Once there is one, the message is queued again (tell_after_all).
-- What is far off is left for later.
-- Definer: row security of visits and messages decides who sees which, in the view.
create function private.visits_untold()
returns table (appointment_id uuid, notification_id uuid)
language sql
stable
security definer
rows 100
set search_path = ''
as $$
  select visit.id, latest.id
  from public.clinics
  join public.appointments as visit
    on visit.clinic_id = clinics.id
    and visit.starts_at between now() and now() + interval '30 days'
    and visit.status in ('held', 'pending', 'booked', 'cancelled')
  cross join lateral (
    select said.id, said.status, said.last_error, said.told_at
    from public.notifications as said
    where said.appointment_id = visit.id and said.recipient_id is not null
    order by said.appointment_version desc, said.id desc
    limit 1
  ) as latest
  where latest.status = 'skipped' and latest.last_error = 'no_address'
    and latest.told_at is null
    and ((select auth.uid()) is null or clinics.id = any (
      array(select private.my_clinics_as('owner', 'manager', 'front_desk'))));
$$;

grant execute on function private.visits_untold() to authenticated, service_role;

create view public.needs_attention with (security_invoker = true) as
select attention.*
from (
  select
    message.clinic_id,
    'message not sent' as what,
    format('A %s could not be sent (%s). Requeue it, or tell the patient otherwise (mark_told).',
      message.kind, coalesce(message.last_error, 'unknown')) as detail,
    message.updated_at as since,
    message.appointment_id,
    message.id as notification_id,
    null::uuid as session_id
  from private.ids_for_people() as stuck (id)
  join public.notifications as message on message.id = stuck.id
  where message.status in ('dead', 'bounced')
  union all
  select
    message.clinic_id, 'message keeps failing',
    case when message.attempts = 0
      then format('A %s waits: no mail can be sent at present (%s).', message.kind,
        message.last_error)
      else format('A %s failed %s times (%s); it is tried again.', message.kind, message.attempts,
        coalesce(message.last_error, 'unknown'))
    end,
    message.created_at, message.appointment_id, message.id, null
  from private.ids_for_people() as stuck (id)
  join public.notifications as message on message.id = stuck.id
  where message.status = 'queued'
  union all
  select
    message.clinic_id, 'patient cannot be told',
    format('There is no address to send the %s to. Enter an address, or tell the patient otherwise '
      '(mark_told).', message.kind),
    message.created_at, message.appointment_id, message.id, null
  from private.visits_untold() as untold
  join public.notifications as message on message.id = untold.notification_id
  union all
  select
    follow_up.clinic_id,
    case when follow_up.session_id is not null then 'session ' else '' end
      || case follow_up.kind
        when 'outside_hours' then 'outside the hours'
        when 'resource_gone' then 'without its room'
      end,
    format('%s Move the %s, cancel it, or give an overbook_reason.', case follow_up.kind
        when 'outside_hours' then 'The provider does not work at that time any more.'
        when 'resource_gone' then 'A room or piece of equipment that it keeps is switched off.'
      end, case when follow_up.session_id is null then 'visit' else 'session' end),
    follow_up.created_at, follow_up.appointment_id, null, follow_up.session_id
  from public.appointment_follow_ups as follow_up
  where follow_up.resolved_at is null
  union all
  select
    visit.clinic_id, 'waits for approval',
    case when visit.starts_at > now() then 'Set its status to booked, or to cancelled.'
      else 'Nobody answered this request in time.' end,
    visit.created_at, visit.id, null, null
  from public.clinics
  join public.appointments as visit
    on visit.clinic_id = clinics.id and visit.starts_at > now() - interval '60 days'
  where visit.status = 'pending'
  union all
  select
    visit.clinic_id, 'outcome unknown',
    'The visit is over and nobody said whether the patient came: fulfilled, or noshow.',
    visit.ends_at, visit.id, null, null
  from public.clinics
  join public.appointments as visit
    on visit.clinic_id = clinics.id
    and visit.starts_at between now() - interval '60 days' and now()
  where visit.status = 'booked' and visit.ends_at <= now() and visit.booked_via <> 'import'
  union all
  select
    visit.clinic_id, 'overbooked', 'Staff put this visit there against the rules.',
    visit.updated_at, visit.id, null, null
  from public.clinics
  join public.appointments as visit
    on visit.clinic_id = clinics.id and visit.starts_at > now()
  where visit.overbook_reason is not null and visit.status in ('held', 'pending', 'booked')
) as attention
where (select auth.uid()) is null
  or attention.clinic_id in (
    select members.clinic_id from public.members
    where members.user_id = (select auth.uid()) and members.active
  )
order by attention.since;

comment on view public.needs_attention is
  'What somebody in the clinic should look at, longest waiting first. Carries ids, no names.';
comment on column public.needs_attention.what is
  'message not sent, message keeps failing, patient cannot be told, outside the hours, without its room '
  '(both also of a session), waits for approval, outcome unknown, or overbooked; visits of the last 60 '
  'days and coming ones.';
comment on column public.needs_attention.detail is 'What can be done about it.';
comment on column public.needs_attention.since is 'Since when it waits.';
comment on column public.needs_attention.session_id is
  'The group session that it is about; null: it is about a visit, a seat or a message.';

grant select on public.today_by_provider, public.needs_attention to authenticated, service_role;
