-- Staff changes: new roles, suspension, removal, and a lost second factor.
-- Promises: only owners touch owners and managers; a clinic keeps an active owner; one clinic never
--           weakens the log-in of somebody who also works in another.
-- Access: owners change anyone, managers front desk and providers, everybody may leave.

-- The member, if the caller may change them. Raises not_found or not_allowed.
create function private.member_to_change(flow text, clinic_id uuid, member_id uuid)
returns public.members
language plpgsql
set search_path = ''
as $$
declare
  chosen public.members;
begin
  perform public.authorize_flow(member_to_change.flow, member_to_change.clinic_id);
  select * into chosen from public.members
  where members.clinic_id = member_to_change.clinic_id and members.id = member_to_change.member_id
  for no key update;
  if chosen.id is null then
    perform private.raise_error('not_found');
  end if;
  return chosen;
end;
$$;

-- Whether the caller stands above that role in the clinic.
create function private.is_above(clinic_id uuid, role public.member_role) returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return is_above.clinic_id in (select private.my_clinics_as('owner'))
    or (is_above.role in ('front_desk', 'provider')
      and is_above.clinic_id in (select private.my_clinics_as('manager')));
end;
$$;

-- Gives a member another role, suspends or readmits them; null leaves as it is.
-- Definer: managers have no privilege to update members, and their reach is checked here.
create function public.change_member(
  clinic_id uuid,
  member_id uuid,
  role public.member_role default null,
  active boolean default null
) returns public.members
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  chosen public.members :=
    private.member_to_change('change_member', change_member.clinic_id, change_member.member_id);
begin
  if not private.is_above(chosen.clinic_id, chosen.role)
    or not private.is_above(chosen.clinic_id, coalesce(change_member.role, chosen.role)) then
    perform private.raise_error('not_allowed', 'Owners change anyone, managers front desk and '
      'providers.');
  end if;
  update public.members set
    role = coalesce(change_member.role, members.role),
    active = coalesce(change_member.active, members.active)
  where members.id = chosen.id
  returning * into chosen;
  return chosen;
end;
$$;

-- Ends a membership; members may end their own.
-- Definer: as change_member.
create function public.remove_member(clinic_id uuid, member_id uuid) returns void
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  chosen public.members :=
    private.member_to_change('remove_member', remove_member.clinic_id, remove_member.member_id);
begin
  if chosen.user_id <> auth.uid() and not private.is_above(chosen.clinic_id, chosen.role) then
    perform private.raise_error('not_allowed', 'Owners remove anyone, managers front desk and '
      'providers, everybody may leave.');
  end if;
  delete from public.members where members.id = chosen.id;
end;
$$;

-- The user whose second factors the caller may have removed.
-- Definer: looks at memberships elsewhere, which the caller may not read.
create function public.second_factor_holder(clinic_id uuid, member_id uuid) returns uuid
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  chosen public.members := private.member_to_change(
    'reset_second_factor', second_factor_holder.clinic_id, second_factor_holder.member_id);
begin
  if chosen.user_id = auth.uid() or not private.is_above(chosen.clinic_id, chosen.role) then
    perform private.raise_error('not_allowed',
      'Owners reset anyone else, managers front desk and providers.');
  end if;
  if exists (
    select from public.members
    where members.user_id = chosen.user_id and members.clinic_id <> chosen.clinic_id
      and members.active and not private.is_above(members.clinic_id, members.role)
  ) then
    perform private.raise_error('not_allowed', 'This second factor cannot be reset from here.');
  end if;
  perform private.log_access('changed', chosen.clinic_id, null, 'members', chosen.id::text,
    array['second_factor']);
  return chosen.user_id;
end;
$$;

create trigger _950_log_access after insert or update on public.staff_invitations
  for each row execute function private.log_change('');

comment on function public.change_member(uuid, uuid, public.member_role, boolean) is
  'Gives a member another role, suspends (active false) or readmits them; takes effect at once.';
comment on function public.remove_member(uuid, uuid) is
  'Ends a membership. Members may leave; the last active owner may not.';
comment on function public.second_factor_holder(uuid, uuid) is
  'The user behind a member whose second factor the caller may reset; otherwise an error.';

grant execute on function
  public.change_member(uuid, uuid, public.member_role, boolean),
  public.remove_member(uuid, uuid),
  public.second_factor_holder(uuid, uuid)
to authenticated;
