-- Errors: one stable key each, for programs; a sentence each, for people.
-- Promises: SQLSTATE `PTnnn` makes PostgREST answer with HTTP status nnn; message is the key; hint
--           is the sentence; details stay empty, since they could tell about others.

create table private.error_keys (
  key text primary key
    constraint error_keys_key_is_snake_case check (key ~ '^[a-z]+(_[a-z]+)*$'),
  http_status smallint not null
    constraint error_keys_http_status_is_an_error check (http_status between 400 and 599),
  hint text not null
);

comment on table private.error_keys is
  'Every error the clinic''s rules can raise. docs/errors.md and appoint/errors.py say the same.';

alter table private.error_keys enable row level security;

insert into private.error_keys (key, http_status, hint) values
  ('not_signed_in', 401, 'Sign in first.'),
  ('not_allowed', 403, 'You are not allowed to do this.'),
  ('not_found', 404, 'There is no such thing here, or you may not see it.'),
  ('slot_taken', 409, 'This time has just been taken. Choose another time.'),
  ('patient_already_booked', 409, 'The patient already has an appointment at this time.'),
  ('stale_version', 409, 'Someone changed this appointment meanwhile. Look at it again.'),
  ('illegal_transition', 409, 'The appointment''s status does not allow this.'),
  ('request_id_reused', 409, 'This request id was used before, for a different request.'),
  ('last_owner', 409, 'A clinic needs at least one active owner.'),
  ('slug_in_use', 409, 'Another clinic has this address already. Choose another one.'),
  ('visits_outside_hours', 409, 'Booked visits would be left outside of the hours.'),
  ('hold_expired', 410, 'The time was kept for you, but not long enough. Choose a time again.'),
  ('link_expired', 410, 'This link is over. Please sign in, or call the clinic.'),
  ('outside_availability', 422, 'This is not one of the times offered. Choose another time.'),
  ('too_soon', 422, 'This time is over or too near. Choose a later time.'),
  ('too_far_ahead', 422, 'This time cannot be booked yet. Choose an earlier time.'),
  ('too_late_to_cancel', 422, 'It is too late to do this online. Please call the clinic.'),
  ('limit_reached', 422, 'This is more than can be done at once.'),
  ('invalid_time', 422, 'This is not a usable time.'),
  ('invalid_input', 422, 'Something is missing or does not fit.'),
  ('new_patients_only', 422, 'This kind of visit is for people who have not been here before.'),
  ('not_durable', 503, 'Nothing was booked: the database is not set to keep what it confirms.');

-- Raises the error of that key; another hint than the usual one may say more, never about others.
-- Definer: callers have no privilege on the table of keys.
create function private.raise_error(key text, hint text default null) returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  known private.error_keys;
begin
  select * into strict known from private.error_keys where error_keys.key = raise_error.key;
  -- Whoever tries what is not theirs leaves a line in PostgreSQL's log, which outlives the transaction.
  if known.http_status in (401, 403, 404) then
    raise log 'refused: % to %', known.key, coalesce(auth.uid()::text, auth.role(), session_user);
  end if;
  raise exception using
    errcode = 'PT' || known.http_status,
    message = known.key,
    hint = coalesce(raise_error.hint, known.hint);
end;
$$;
