-- Planned reminders: what no change of a visit has queued, since something else changed. Somebody has
-- an address now, or the clinic reminds at other times.
-- Promises: each coming visit has one reminder for each of its clinic's offsets that is still ahead.
-- Access: the service key.

-- Queues the reminders that are due within the next hours and missing, and drops those that their
-- clinic does not want any more. At most so many at once, and no further ahead than it is asked again:
-- what is planned late is planned as things are then.
-- Definer: the service key has no privilege to write the queue.
create function worker.plan_reminders(ahead_hours int default 24, most int default 1000) returns int
language plpgsql
security definer
set search_path = ''
as $$
declare
  last_moment timestamptz := now() + make_interval(hours => plan_reminders.ahead_hours);
  dropped int;
  planned int;
begin
  if coalesce(plan_reminders.ahead_hours, 0) not between 1 and 8760
    or coalesce(plan_reminders.most, 0) not between 1 and 100000 then
    perform private.raise_error('invalid_input', 'Plan 1 to 8760 hours ahead, 1 to 100000 at once.');
  end if;
  update public.notifications as message set status = 'skipped', last_error = 'offset_dropped'
  where message.status = 'queued' and message.id in (
    select waiting.notification_id
    from private.notification_queue as waiting
    join public.notifications as reminder
      on reminder.id = waiting.notification_id and reminder.kind = 'reminder'
    join public.clinics on clinics.id = reminder.clinic_id
    where waiting.status = 'queued' and waiting.batch_id is null and waiting.priority = 2
      and waiting.ready_at > now() and waiting.ready_at <= last_moment
      and not reminder.reminder_minutes = any (clinics.reminder_offsets_minutes)
    limit plan_reminders.most
  );
  get diagnostics dropped = row_count;

  insert into public.notifications as known (clinic_id, appointment_id, appointment_version, kind,
    recipient_id, reminder_minutes, due_at)
  select visit.clinic_id, visit.id, agreed.version, 'reminder', visit.patient_id, wanted.minutes,
    visit.starts_at - make_interval(mins => wanted.minutes)
  from public.clinics as clinic
  cross join lateral (
    select distinct unnest(clinic.reminder_offsets_minutes) as minutes
  ) as wanted
  join public.appointments as visit
    on visit.clinic_id = clinic.id and visit.status = 'booked' and visit.booked_via <> 'import'
    and visit.starts_at > now() + make_interval(mins => wanted.minutes)
    and visit.starts_at <= last_moment + make_interval(mins => wanted.minutes)
  join public.patients as patient on patient.id = visit.patient_id
  -- Of which version the last agreed time is: notes make versions, too.
  cross join lateral (
    select coalesce(max(said.appointment_version), visit.version) as version
    from public.notifications as said
    where said.appointment_id = visit.id and said.recipient_id is not null
      and said.kind in ('confirmation', 'change', 'reminder')
  ) as agreed
  where private.address_of(patient) is not null
    and not exists (
      select from public.notifications as queued
      where queued.appointment_id = visit.id and queued.kind = 'reminder'
        and queued.appointment_version = agreed.version
        and queued.reminder_minutes = wanted.minutes
        and not (queued.status = 'skipped' and queued.last_error = 'offset_dropped')
    )
  limit plan_reminders.most
  on conflict (appointment_id, appointment_version, kind, recipient_id, recipient_user_id, channel,
    reminder_minutes) where appointment_id is not null
  do update set status = 'queued', last_error = null, due_at = excluded.due_at
  where known.status = 'skipped' and known.last_error = 'offset_dropped';
  get diagnostics planned = row_count;
  return greatest(dropped, planned);
end;
$$;

comment on function worker.plan_reminders(int, int) is
  'Queues the reminders of the next hours that are missing and drops those that are not wanted any '
  'more; again: nothing more. Returns how many, of the more frequent of the two: at `most`, call '
  'again.';

grant execute on function worker.plan_reminders(int, int) to service_role;
