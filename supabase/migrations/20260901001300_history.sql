-- History: every change of an appointment, who made it and when.
-- Promises: complete_history; nobody, staff and dashboard included, alters, removes or adds an
--           event. Whoever gets past the triggers leaves a broken chain, which verify_history finds.
-- Access: members read their clinic's; triggers alone write. Why it is chained like this:
--         docs/decisions/0013-sealed-history.md.

create type public.appointment_event_kind as enum (
  'created',
  'changed',         -- time, place, provider, service or a note
  'status_changed',
  'removed'          -- the row was deleted
);

create table public.appointment_events (
  id bigint generated always as identity primary key,
  clinic_id uuid not null references public.clinics (id),
  appointment_id uuid not null,
  version int not null,
  kind public.appointment_event_kind not null,
  actor_id uuid,
  actor_role text not null,
  happened_at timestamptz not null default clock_timestamp(),
  before jsonb,
  after jsonb,
  transaction_id xid8 not null default pg_current_xact_id(),
  prev_hash bytea,
  hash bytea not null
);

create index appointment_events_by_appointment on public.appointment_events (appointment_id, id);
-- In the order in which events are sealed.
create index appointment_events_by_clinic on public.appointment_events (clinic_id, transaction_id);

comment on table public.appointment_events is
  'Append-only history of appointments. Carries ids, times and states, never names or reasons.';
comment on column public.appointment_events.appointment_id is
  'Not a foreign key: the history of a removed appointment stays.';
comment on column public.appointment_events.actor_id is
  'The signed-in user; null: the clinic''s programs or plain SQL.';
comment on column public.appointment_events.actor_role is
  'The role of the token, e.g. authenticated; for plain SQL the database user.';
comment on column public.appointment_events.before is
  'The fields that changed, as they were; null for a new appointment.';
comment on column public.appointment_events.after is
  'The fields that changed, as they became; null for a removed appointment.';
comment on column public.appointment_events.transaction_id is
  'The transaction that wrote it: says when no earlier event can still appear.';
comment on column public.appointment_events.prev_hash is
  'The hash of the appointment''s event before; null for the first.';
comment on column public.appointment_events.hash is
  'SHA-256 over prev_hash and everything the event says.';

-- What history keeps of an appointment: no free text, since people write anything into it.
create function private.history_fields(visit public.appointments) returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return to_jsonb(visit) - array['overbook_reason', 'external_id', 'updated_at', 'version']
    || jsonb_build_object('is_overbooked', visit.overbook_reason is not null);
end;
$$;

create function private.actor_role() returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(nullif(auth.role(), ''), session_user::text);
end;
$$;

-- For follow_new.
create function private.record_created(visit public.appointments) returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into public.appointment_events
    (clinic_id, appointment_id, version, kind, actor_id, actor_role, after)
  values (visit.clinic_id, visit.id, visit.version, 'created', auth.uid(), private.actor_role(),
    private.history_fields(visit));
end;
$$;

-- For follow_changed.
create function private.record_changed(before public.appointments, after public.appointments)
returns void
language plpgsql
set search_path = ''
as $$
declare
  old_fields jsonb := private.history_fields(before);
  new_fields jsonb := private.history_fields(after);
  kind public.appointment_event_kind := case
    when after.status <> before.status then 'status_changed' else 'changed' end;
begin
  insert into public.appointment_events
    (clinic_id, appointment_id, version, kind, actor_id, actor_role, before, after)
  select after.clinic_id, after.id, after.version, kind, auth.uid(), private.actor_role(),
    coalesce(jsonb_object_agg(field.key, old_fields -> field.key), '{}'),
    coalesce(jsonb_object_agg(field.key, field.value), '{}')
  from jsonb_each(new_fields) as field
  where old_fields -> field.key <> field.value;
end;
$$;

-- Definer: whoever removes the appointment, the event is written.
create function private.record_removed() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into public.appointment_events
    (clinic_id, appointment_id, version, kind, actor_id, actor_role, before)
  select removed.clinic_id, removed.id, removed.version + 1, 'removed', auth.uid(),
    private.actor_role(), private.history_fields(removed)
  from removed;
  return null;
end;
$$;

-- What an event says, in one number that changes with any of it. Instants count as seconds: as text
-- they would depend on the session's time zone.
create function private.event_hash(event public.appointment_events) returns bytea
language plpgsql
stable
set search_path = ''
as $$
begin
  return sha256(convert_to(
    jsonb_build_array(
      encode(event.prev_hash, 'hex'), event.clinic_id, event.appointment_id, event.version,
      event.kind, event.actor_id, event.actor_role, extract(epoch from event.happened_at),
      event.before, event.after
    )::text, 'UTF8'));
end;
$$;

-- Links an event to the one before. Whoever changes the appointment has its row locked, so the last
-- event is committed or this transaction's own, and no two changes ever take the same place.
create function private.chain_event() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if pg_trigger_depth() < 2 then
    perform private.raise_error('not_allowed', 'History grows by itself, when appointments change.');
  end if;
  if new.kind <> 'created' then
    new.prev_hash := (
      select earlier.hash from public.appointment_events as earlier
      where earlier.appointment_id = new.appointment_id
      order by earlier.id desc
      limit 1
    );
  end if;
  new.hash := private.event_hash(new);
  return new;
end;
$$;

create function private.refuse_rewriting_history() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  perform private.raise_error('not_allowed', 'History can only grow.');
  return null;
end;
$$;

create trigger _600_record_delete after delete on public.appointments
  referencing old table as removed
  for each statement execute function private.record_removed();

create trigger _100_chain before insert on public.appointment_events
  for each row execute function private.chain_event();
create trigger _100_refuse_change before update or delete on public.appointment_events
  for each row execute function private.refuse_rewriting_history();
create trigger _100_refuse_truncate before truncate on public.appointment_events
  for each statement execute function private.refuse_rewriting_history();

alter table public.appointment_events enable row level security;

create policy "members read their clinic's history" on public.appointment_events
  for select to authenticated using (clinic_id = any (array(select private.my_clinics())));

grant select on public.appointment_events to authenticated, service_role;
