-- Staff lists: who works in a clinic, with what colleagues may know of each other.
-- Access: members their clinic's; addresses and second factors for owners and managers alone.

-- Definer: addresses and factors are Auth's; whose clinic it is, and the caller's role, is checked.
create function public.clinic_staff(clinic_id uuid)
returns table (
  member_id uuid,
  user_id uuid,
  role public.member_role,
  active boolean,
  member_since timestamptz,
  provider_id uuid,
  provider_name text,
  email text,
  has_second_factor boolean,
  last_sign_in_at timestamptz,
  may_change boolean
)
language plpgsql
stable
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  is_manager boolean;
begin
  perform private.require_user();
  if clinic_staff.clinic_id is null
    or not clinic_staff.clinic_id in (select private.my_clinics()) then
    perform private.raise_error('not_found');
  end if;
  is_manager := clinic_staff.clinic_id in (select private.my_clinics_as('owner', 'manager'));
  return query
  select member.id, member.user_id, member.role, member.active, member.created_at,
    provider.id, provider.full_name,
    case when is_manager or member.user_id = auth.uid() then users.email::text end,
    case when is_manager then exists (
      select from auth.mfa_factors as factor
      where factor.user_id = member.user_id and factor.status = 'verified'
    ) end,
    case when is_manager then users.last_sign_in_at end,
    private.is_above(member.clinic_id, member.role)
  from public.members as member
  join auth.users on users.id = member.user_id
  left join public.providers as provider
    on provider.clinic_id = member.clinic_id and provider.user_id = member.user_id
  where member.clinic_id = clinic_staff.clinic_id
  order by member.active desc, member.role, member.created_at, member.id;
end;
$$;

comment on function public.clinic_staff(uuid) is
  'Who works in the clinic, or did. Addresses, second factors and log-ins only for its owners and '
  'managers; may_change: whether the caller may change the member.';

grant execute on function public.clinic_staff(uuid) to authenticated;
