-- Public holidays: closes a clinic on days that `appoint import holidays` looks up.
-- Access: the service key alone.

-- Definer: writes for every clinic; the service key is the clinic owners' own.
create function worker.import_holidays(clinic text, rows jsonb)
returns table (day date, outcome text, visits_outside int)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  known_clinic uuid := (
    select clinics.id from public.clinics
    where clinics.slug = clinic or clinics.id::text = lower(clinic));
  added date[];
begin
  perform private.check_import(rows);
  if known_clinic is null then
    perform private.raise_error('not_found', 'There is no clinic with this id or address.');
  end if;
  with written as (
    insert into public.availability_exceptions (clinic_id, kind, starts_on, reason, external_id)
    select known_clinic, 'closed', holiday.day, left(string_agg(holiday.name, ', '), 200),
      'holiday:' || holiday.day
    from jsonb_to_recordset(rows) as holiday (day date, name text)
    group by holiday.day
    on conflict on constraint availability_exceptions_external_id_is_unique do nothing
    returning starts_on
  )
  select coalesce(array_agg(written.starts_on), '{}') into added from written;
  return query
  select asked.day,
    case when asked.day = any (added) then 'added' else 'already_there' end,
    (
      select count(*)::int
      from public.appointment_follow_ups as note
      left join public.appointments as visit on visit.id = note.appointment_id
      left join public.group_sessions as session on session.id = note.session_id
      join public.locations as place
        on place.id = coalesce(visit.location_id, session.location_id)
      where note.clinic_id = known_clinic and note.resolved_at is null
        and note.kind = 'outside_hours'
        and (coalesce(visit.starts_at, session.starts_at) at time zone place.time_zone)::date
          = asked.day
    )
  from (select distinct holiday.day from jsonb_to_recordset(rows) as holiday (day date)) as asked
  order by asked.day;
exception
  when invalid_datetime_format or datetime_field_overflow then
    perform private.raise_error('invalid_time', 'Give days like 2027-12-25.');
end;
$$;

comment on function worker.import_holidays(text, jsonb) is
  'Closes the clinic (id or slug) on these whole days: rows {day, name}. A day that was imported '
  'before stays as it is. visits_outside: visits and group sessions of that day that wait for a '
  'follow-up.';

grant execute on function worker.import_holidays(text, jsonb) to service_role;
