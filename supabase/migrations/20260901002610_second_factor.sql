-- Second factor: a clinic may want one of its staff; private.my_clinics asks for it.
-- Access: everybody reads their own memberships, also those that want another log-in first.

-- Whoever turns it on without a second factor of their own would lock themselves out.
-- Definer: asks private functions for members who may change the setting.
create function private.check_second_factor_of_caller() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if not private.is_trusted() and not private.has_second_factor() then
    perform private.raise_error('not_allowed', 'Sign in with your own second factor first.');
  end if;
  return new;
end;
$$;

create trigger _200_check_second_factor before update on public.clinics
  for each row when (new.staff_needs_second_factor and not old.staff_needs_second_factor)
  execute function private.check_second_factor_of_caller();

create type public.membership as (
  clinic_id uuid,
  clinic_name text,
  role public.member_role,
  needs_second_factor boolean
);

comment on type public.membership is
  'Where somebody works. needs_second_factor: nothing of the clinic is reached until they signed in '
  'with one.';

-- Definer: a clinic that wants a second factor is not readable without.
create function public.my_memberships() returns setof public.membership
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return query
  select clinics.id, clinics.name, members.role,
    clinics.staff_needs_second_factor and not private.has_second_factor()
  from public.members join public.clinics on clinics.id = members.clinic_id
  where members.user_id = auth.uid() and members.active
  order by clinics.name, clinics.id;
end;
$$;

comment on function public.my_memberships() is 'The clinics the caller works in, and as what.';

grant execute on function public.my_memberships() to authenticated;
