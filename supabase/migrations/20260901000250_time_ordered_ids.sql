-- Ids in the order of time: for tables that grow with every visit. Random ids would touch other pages
-- of every index each time, the more the larger the table, and the write-ahead log holds each of them
-- whole after a checkpoint; these go to the end. Why: docs/decisions/0014-booking-speed.md.

-- 48 bits of milliseconds, then what gen_random_uuid gives: nobody guesses the other 74 bits. Tells
-- when something was made, which whoever may see the id may see anyway.
create function private.time_ordered_id() returns uuid
language plpgsql
volatile
set search_path = ''
as $$
begin
  return (lpad(to_hex((date_part('epoch', clock_timestamp()) * 1000)::bigint), 12, '0')
    || right(gen_random_uuid()::text, 23))::uuid;
end;
$$;
