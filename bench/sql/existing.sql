-- Visits that exist already: the first 10,000 are 200 each of 50 providers in the coming 31 days, the
-- next 90,000 as many of the other 450, and all beyond lie in the past. So what is looked at stays
-- the same while the tables grow. Triggers rest; the ledger is filled beside.
-- :first, :last number the visits to add.

create unlogged table bench.visits_to_add as
select
  private.time_ordered_id() as id,
  bench.provider(case
    when number < 10000 then number % 50
    when number < 100000 then 50 + number % 450
    else number % 500
  end) as provider_id,
  bench.patient(number % 10000) as patient_id,
  (case
    when number < 10000 then current_date + 1 + (number / 50 / 7)::int + time '08:00'
      + (number / 50 % 7)::int * interval '75 minutes'
    when number < 100000 then current_date + 1 + ((number - 10000) / 450 / 7)::int
      + time '08:40'
      + ((number - 10000) / 450 % 7)::int * interval '75 minutes'
    else current_date - 1 - ((number - 100000) / 500 / 18)::int + time '08:00'
      + ((number - 100000) / 500 % 18)::int * interval '30 minutes'
  end) at time zone 'Europe/Vienna' as starts_at
from generate_series(%(first)s::bigint, %(last)s::bigint) as number;
