-- Takes away what a run has booked: everything later than what existed before.

set session_replication_role = replica;

truncate bench.movers, bench.constrained_visits, realtime.messages;

create temporary table gone as
select id from public.appointments where starts_at > current_date + interval '39 days';

delete from private.reservations where appointment_id in (select id from gone);
delete from public.notifications where appointment_id in (select id from gone);
delete from public.appointment_events where appointment_id in (select id from gone);
delete from public.appointments where id in (select id from gone);
delete from bench.plain_visits where starts_at > current_date + interval '39 days';
delete from public.plain_visits;
delete from private.requests;

drop table gone;
set session_replication_role = origin;
