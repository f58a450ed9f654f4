-- Confirming a visit while signed in: what the link in a mail does, for those who look at the visit.
-- Access: the patient, guardians, and members, whom a patient told by telephone.

-- Definer: nobody may write confirmations directly; who may say so is checked here.
create function public.confirm_visit(appointment_id uuid, expected_version int default null)
returns public.visit_confirmations
language plpgsql
security definer
set search_path = ''
as $$
declare
  visit public.appointments := private.appointment_to_change(
    confirm_visit.appointment_id, confirm_visit.expected_version);
  confirmation public.visit_confirmations;
begin
  if visit.status <> 'booked' or visit.starts_at <= now() then
    perform private.raise_error('illegal_transition', 'Only a coming visit that is booked can be '
      'confirmed.');
  end if;
  insert into public.visit_confirmations (clinic_id, appointment_id, appointment_version)
  values (visit.clinic_id, visit.id, visit.version)
  on conflict do nothing;
  select * into strict confirmation from public.visit_confirmations as said
  where said.appointment_id = visit.id and said.appointment_version = visit.version;
  return confirmation;
end;
$$;

comment on function public.confirm_visit(uuid, int) is
  'Says that the patient will come, to the visit as it is now. Again: the same confirmation.';

grant execute on function public.confirm_visit(uuid, int) to authenticated, service_role;
