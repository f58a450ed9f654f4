-- Members: which user has which role in which clinic, and how a user becomes one.
-- Promises: a clinic never loses its last active owner; only owners make owners and managers; an
--           invitation ends after 14 days, and with the right of whoever sent it.
-- Access: members read their colleagues; owners change roles; everyone else goes through
--         invite_member and accept_invitation.

create table public.members (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  user_id uuid not null references auth.users (id) on delete cascade,
  role public.member_role not null,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint members_once_per_clinic unique (clinic_id, user_id),
  constraint members_in_clinic unique (clinic_id, id)
);

create index members_by_user on public.members (user_id);

create type public.invitation_status as enum (
  'pending',   -- waits for the person to accept
  'accepted',  -- became a member
  'revoked'    -- taken back
);

create table public.staff_invitations (
  id uuid primary key default gen_random_uuid(),
  clinic_id uuid not null references public.clinics (id),
  email text not null
    constraint staff_invitations_email_is_plausible check (email ~ '^[^@\s]+@[^@\s]+$')
    constraint staff_invitations_email_is_lower_case check (email = lower(email))
    constraint staff_invitations_email_is_short check (length(email) <= 320),
  role public.member_role not null,
  status public.invitation_status not null default 'pending',
  invited_by uuid references auth.users (id) on delete set null,
  expires_at timestamptz not null default now() + interval '14 days',
  accepted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint staff_invitations_accepted_at_matches_status
    check ((status = 'accepted') = (accepted_at is not null))
);

create unique index staff_invitations_one_pending on public.staff_invitations (clinic_id, email)
  where status = 'pending';
create index staff_invitations_by_inviter on public.staff_invitations (invited_by);

comment on table public.members is 'Users who work in a clinic, with one role each.';
comment on column public.members.active is
  'False: keeps the history of who worked here, grants nothing.';
comment on table public.staff_invitations is
  'Offers of membership to an e-mail address; who signs in with that address may accept.';
comment on column public.staff_invitations.expires_at is
  'Until when it can be accepted; inviting again renews it.';
comment on column public.staff_invitations.invited_by is
  'Who invited last; the invitation is worth nothing once they could not send it any more.';

-- Refuses a change that would leave a clinic without an active owner. The clinic's row lock makes
-- two owners who leave at once take turns.
-- Definer: whoever makes the change, all owners must be counted.
create function private.keep_an_owner() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform from public.clinics where clinics.id = old.clinic_id for no key update;
  if not exists (
    select from public.members
    where members.clinic_id = old.clinic_id and members.role = 'owner' and members.active
  ) then
    perform private.raise_error('last_owner');
  end if;
  return null;
end;
$$;

create trigger _100_set_updated_at before update on public.members
  for each row execute function private.set_updated_at();
create trigger _500_keep_an_owner after update on public.members
  for each row
  when (old.role = 'owner' and old.active and (new.role <> 'owner' or not new.active
    or new.clinic_id <> old.clinic_id))
  execute function private.keep_an_owner();
create trigger _500_keep_an_owner_on_delete after delete on public.members
  for each row when (old.role = 'owner' and old.active)
  execute function private.keep_an_owner();
create trigger _100_set_updated_at before update on public.staff_invitations
  for each row execute function private.set_updated_at();

alter table public.members enable row level security;
alter table public.staff_invitations enable row level security;

create policy "members read their colleagues" on public.members
  for select to authenticated using (
    clinic_id = any (array(select private.my_clinics())) or user_id = (select auth.uid())
  );
create policy "owners change members" on public.members
  for update to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner'))))
  with check (clinic_id = any (array(select private.my_clinics_as('owner'))));
create policy "owners remove members" on public.members
  for delete to authenticated
  using (clinic_id = any (array(select private.my_clinics_as('owner'))));

create policy "managers and the invited read invitations" on public.staff_invitations
  for select to authenticated using (
    clinic_id = any (array(select private.my_clinics_as('owner', 'manager')))
    or email = lower((select auth.email()))
  );
create policy "managers revoke invitations" on public.staff_invitations
  for update to authenticated
  using (
    status = 'pending'
    and clinic_id = any (array(select private.my_clinics_as('owner', 'manager')))
  )
  with check (status = 'revoked');

grant select, delete on public.members to authenticated;
grant update (role, active) on public.members to authenticated;
grant select on public.staff_invitations to authenticated;
grant update (status) on public.staff_invitations to authenticated;
grant select, insert, update, delete on public.members to service_role;
grant select on public.staff_invitations to service_role;

-- Whether a member with that role decides who has the other.
create function private.outranks(role public.member_role, other public.member_role) returns boolean
language sql
immutable
set search_path = ''
as $$
  select role = 'owner' or (role = 'manager' and other in ('front_desk', 'provider'));
$$;

-- Invites an address into the clinic; asked again, the pending invitation takes the new role and a
-- new term.
-- Definer: invitations are written here alone, after the caller's role is checked.
create function public.invite_member(clinic_id uuid, email text, role public.member_role)
returns public.staff_invitations
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  invitation public.staff_invitations;
  address text := lower(btrim(invite_member.email));
begin
  perform private.require_user();
  if invite_member.clinic_id is null or invite_member.role is null
    or address is null or address !~ '^[^@\s]+@[^@\s]+$' or length(address) > 320 then
    perform private.raise_error('invalid_input', 'Give a clinic, an e-mail address and a role.');
  end if;
  if not invite_member.clinic_id in (select private.my_clinics()) then
    perform private.raise_error('not_found');
  end if;
  if not invite_member.clinic_id in (select private.my_clinics_as('owner'))
    and (invite_member.role in ('owner', 'manager')
      or not invite_member.clinic_id in (select private.my_clinics_as('manager'))) then
    perform private.raise_error('not_allowed', 'Owners invite anyone, managers invite front desk '
      'and providers, others invite nobody.');
  end if;
  if exists (
    select from public.members join auth.users on users.id = members.user_id
    where members.clinic_id = invite_member.clinic_id and members.active
      and lower(users.email) = address
  ) then
    perform private.raise_error('invalid_input', 'This person already works in the clinic.');
  end if;

  insert into public.staff_invitations (clinic_id, email, role, invited_by)
  values (invite_member.clinic_id, address, invite_member.role, auth.uid())
  on conflict (clinic_id, email) where status = 'pending'
    do update set role = excluded.role, invited_by = excluded.invited_by,
      expires_at = excluded.expires_at
  returning * into invitation;
  return invitation;
end;
$$;

-- Makes the signed-in user the member they were invited to be.
-- Definer: nobody may insert members directly.
create function public.accept_invitation(invitation_id uuid) returns public.members
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  invitation public.staff_invitations;
  accepted public.members;
begin
  perform private.require_user();
  select * into invitation from public.staff_invitations
  where staff_invitations.id = accept_invitation.invitation_id
    and staff_invitations.status = 'pending' and staff_invitations.expires_at > now()
    and staff_invitations.email = (
      select lower(users.email) from auth.users
      where users.id = auth.uid() and users.email_confirmed_at is not null
    )
    and exists (
      select from public.members as inviter
      where inviter.clinic_id = staff_invitations.clinic_id
        and inviter.user_id = staff_invitations.invited_by and inviter.active
        and private.outranks(inviter.role, staff_invitations.role)
    )
  for no key update;
  if invitation.id is null then
    perform private.raise_error('not_found');
  end if;

  update public.staff_invitations set status = 'accepted', accepted_at = now()
  where staff_invitations.id = invitation.id;
  insert into public.members (clinic_id, user_id, role)
  values (invitation.clinic_id, auth.uid(), invitation.role)
  on conflict (clinic_id, user_id) do update set role = excluded.role, active = true
  returning * into accepted;
  return accepted;
end;
$$;

comment on function public.invite_member(uuid, text, public.member_role) is
  'Invites an e-mail address into the clinic, for 14 days. Owners invite anyone, managers front desk '
  'and providers. Asked again, the pending invitation takes the new role and a new term.';
comment on function public.accept_invitation(uuid) is
  'Makes the signed-in user, whose confirmed address was invited, a member of the clinic, as long as '
  'whoever invited them could still do so.';

grant execute on function public.invite_member(uuid, text, public.member_role) to authenticated;
grant execute on function public.accept_invitation(uuid) to authenticated;
