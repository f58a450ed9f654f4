-- Housekeeping: removes what has done its work, a little at a time.
-- Access: the service key.

-- Removes at most so many of each: request ids that nobody repeats any more, bodies of messages that
-- are settled (after two days, of log-in mail after an hour), ids of delivery events, log-in mails of
-- more than a month, messages that were settled more than two years ago. Returns how much.
-- Definer: the service key has no privilege on these.
create function worker.tidy(most int default 1000) returns int
language plpgsql
security definer
set search_path = ''
as $$
declare
  removed int;
  total int := 0;
begin
  if coalesce(tidy.most, 0) not between 1 and 100000 then
    perform private.raise_error('invalid_input', 'Remove 1 to 100000 at once.');
  end if;
  -- Here, too, since the workers that read calendars may be the ones that are missing.
  perform private.mark_late_calendars();
  delete from private.requests where (requests.caller_id, requests.request_id) in (
    select old.caller_id, old.request_id from private.requests as old
    where old.created_at < now() - interval '2 days'
    limit tidy.most
  );
  get diagnostics removed = row_count;
  total := total + removed;
  delete from private.notification_payloads where notification_payloads.notification_id in (
    select old.notification_id
    from private.notification_payloads as old
    join public.notifications as message on message.id = old.notification_id
    -- Codes and links of a dead log-in mail have run out by then.
    where old.created_at < now() - interval '1 hour'
      and (message.kind = 'log_in' or old.created_at < now() - interval '2 days'
        and coalesce(old.trying_since, old.uncertain_since, '-infinity')
          < now() - interval '2 days')
      and message.status not in ('queued', 'sending')
    limit tidy.most
  );
  get diagnostics removed = row_count;
  total := total + removed;
  delete from private.delivery_events where delivery_events.event_id in (
    select old.event_id from private.delivery_events as old
    where old.received_at < now() - interval '30 days'
    limit tidy.most
  );
  get diagnostics removed = row_count;
  total := total + removed;
  delete from public.notifications where notifications.id in (
    select old.id from public.notifications as old
    where old.clinic_id is null and old.created_at < now() - interval '30 days'
    limit tidy.most
  );
  get diagnostics removed = row_count;
  total := total + removed;
  -- Clinic by clinic, along the index that people's lists use.
  delete from public.notifications where notifications.id in (
    select old.id
    from public.clinics
    cross join lateral (
      select aged.id from public.notifications as aged
      where aged.clinic_id = clinics.id and aged.created_at < now() - interval '2 years'
        and aged.status not in ('queued', 'sending')
      limit tidy.most
    ) as old
    limit tidy.most
  );
  get diagnostics removed = row_count;
  return total + removed;
end;
$$;

comment on function worker.tidy(int) is
  'Removes what has done its work, at most so much of each kind; returns how much. Call again until '
  'it is 0.';

grant execute on function worker.tidy(int) to service_role;
