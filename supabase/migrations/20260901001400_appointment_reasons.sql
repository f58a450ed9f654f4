-- Reasons: why a patient comes, or why a visit was called off. Health data, so they have a table
-- of their own that row security can close to the front desk.
-- Access: the patient, guardians and the providers who treat the patient; the text through
--         read_reasons alone, which leaves a trace; the booking functions write.

create type public.reason_kind as enum (
  'visit',   -- what the visit is about
  'change'   -- why its status was changed
);

create table public.appointment_reasons (
  id bigint generated always as identity primary key,
  clinic_id uuid not null,
  appointment_id uuid not null,
  patient_id uuid not null,
  kind public.reason_kind not null,
  reason text not null
    constraint appointment_reasons_reason_is_short check (length(reason) <= 2000)
    constraint appointment_reasons_reason_is_not_blank check (btrim(reason) <> ''),
  written_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  constraint appointment_reasons_appointment_is_of_clinic
    foreign key (clinic_id, appointment_id) references public.appointments (clinic_id, id)
    on delete cascade,
  constraint appointment_reasons_patient_is_of_clinic
    foreign key (clinic_id, patient_id) references public.patients (clinic_id, id)
);

create index appointment_reasons_by_appointment
  on public.appointment_reasons (clinic_id, appointment_id);
create index appointment_reasons_by_patient on public.appointment_reasons (clinic_id, patient_id);
create index appointment_reasons_by_writer on public.appointment_reasons (written_by);

comment on table public.appointment_reasons is
  'Why patients come. Health data: read by the patient and those who treat them, no one else.';

alter table public.appointment_reasons enable row level security;

create policy "patients read their own reasons, providers their patients'"
  on public.appointment_reasons
  for select to authenticated using (
    patient_id = any (array(select private.my_patients()))
    or patient_id = any (array(select private.my_care()))
  );

grant select (id, clinic_id, appointment_id, patient_id, kind, written_by, created_at)
  on public.appointment_reasons to authenticated;

-- Keeps a reason if one was given. Raises invalid_input if it is too long.
create function private.keep_reason(
  visit public.appointments, kind public.reason_kind, reason text
) returns void
language plpgsql
set search_path = ''
as $$
begin
  if coalesce(btrim(keep_reason.reason), '') = '' then
    return;
  end if;
  if length(keep_reason.reason) > 2000 then
    perform private.raise_error('invalid_input', 'Give a reason of at most 2000 characters.');
  end if;
  insert into public.appointment_reasons
    (clinic_id, appointment_id, patient_id, kind, reason, written_by)
  values (visit.clinic_id, visit.id, visit.patient_id, keep_reason.kind,
    btrim(keep_reason.reason), auth.uid());
end;
$$;
