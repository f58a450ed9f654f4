-- Views are for reading. PostgREST answers 500 to a write that PostgreSQL cannot carry through to a
-- table; with these triggers it is a plain want of privilege, and the dashboard's editor is told why.
-- Access: as the views.

create function private.refuse_view_write() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  perform private.raise_error('not_allowed', 'This list is for reading. Change the rows it shows.');
  return null;
end;
$$;

create trigger _100_refuse_write instead of insert or update or delete on public.needs_attention
  for each row execute function private.refuse_view_write();
create trigger _100_refuse_write instead of insert or update or delete on public.patient_attendance
  for each row execute function private.refuse_view_write();
create trigger _100_refuse_write instead of insert or update or delete on public.today_by_provider
  for each row execute function private.refuse_view_write();
create trigger _100_refuse_write instead of insert or update or delete on public.overdue
  for each row execute function private.refuse_view_write();
