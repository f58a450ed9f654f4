-- What the visits keep busy.

set session_replication_role = replica;

insert into private.reservations (resource_id, during, appointment_id)
select resource_id, tstzrange(starts_at, starts_at + interval '30 minutes'), id
from bench.visits_to_add
cross join lateral (values (provider_id), (patient_id)) as kept (resource_id)
order by resource_id, starts_at;
