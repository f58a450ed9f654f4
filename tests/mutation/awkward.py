"""Awkward values and rows for any table, by the types of its columns.

What they meet depends on constraints and triggers: each statement ends in a named violation, in an
error's key, or in changes that can be counted.
"""

from __future__ import annotations

from tests.people import Connection

ROWS = 3
# Visits differ more from each other: booked, held, offered, of a series, in a session, missed.
VISITS = 9
UNKNOWN = "00000000-0000-4000-8000-00000000dead"
VALUES: dict[str, tuple[str, ...]] = {
    "uuid": (f"'{UNKNOWN}'", "null", "gen_random_uuid()"),
    "text": (
        "''", "' '", "repeat('x', 3000)", "'Not This'", "'nobody@example.com'", "null", "'a'",
        "'https://calendar.example/x'", "'https://calendar.example/' || repeat('x', 3000)",
        "repeat('x', 70000)", "'cancelled'", "'UTC'", "'Europe/Vienna'",
    ),
    "integer": ("-1", "0", "1", "7", "100000000", "null", "200", "600"),
    "smallint": ("-1", "0", "1", "7", "32000", "null"),
    "bigint": ("-1", "0", "1", "null"),
    "numeric": ("-1", "0", "null"),
    "boolean": ("true", "false", "null"),
    "date": ("'infinity'", "'-infinity'", "'1800-01-01'", "'2001-01-01'", "'2090-01-01'", "null",
             "current_date"),
    "timestamp with time zone": (
        "'infinity'", "'-infinity'", "'2001-01-01'", "'2090-01-01'", "null", "now()",
        "now() + interval '15 days'", "now() + interval '15 days 20 minutes'",
    ),
    "time without time zone": ("'00:00'", "'24:00'", "'12:00'", "null"),
    "jsonb": ("null", "'{}'", "'[]'"),
    "bytea": ("null", "'\\x00'"),
    "integer[]": ("null", "'{}'", "'{1}'", "'{NULL}'", "'{99999}'", "'{10,20,30,40,50,60}'"),
    "smallint[]": ("null", "'{}'", "'{8}'", "'{1}'"),
    "text[]": ("null", "'{}'"),
    "tstzrange": ("'empty'", "'[2001-01-01,)'", "'(,2090-01-01]'", "null", "'[infinity,infinity]'",
                  "'[2001-01-01,2001-01-02)'"),
}  # fmt: skip

# What awkward values cannot do: a proper new visit, a seat, a call-off whose lateness is counted.
PROPER: dict[str, tuple[str, ...]] = {
    "public.provider_services": (
        "insert into public.provider_services (clinic_id, provider_id, service_id)"
        " select providers.clinic_id, providers.id, services.id"
        " from public.providers join public.services using (clinic_id)"
        " where not exists (select from public.provider_services as known"
        " where known.provider_id = providers.id and known.service_id = services.id)"
        " order by providers.id, services.id limit 1",
    ),
    "public.service_needs": tuple(
        "insert into public.service_needs (clinic_id, service_id, resource_id, kind, quantity)"
        f" select resources.clinic_id, services.id, resources.id, {kind}, {quantity}"
        " from public.resources join public.services using (clinic_id)"
        " order by services.id, resources.id limit 1"
        for kind, quantity in (
            ("resources.kind", 2),
            (
                "case resources.kind when 'room' then 'equipment' else 'room' end"
                "::public.resource_kind",
                1,
            ),
        )
    ),
    "public.outside_calendars": (
        "insert into public.outside_calendars (provider_id, url)"
        " select id, 'webcal://calendar.example/another' from public.providers order by id limit 1",
    ),
    "public.waitlist_offers": (
        "select public.offer_time(entry.id, slot.provider_id, slot.starts_at)"
        " from public.waitlist_entries as entry cross join lateral ("
        " select * from public.open_slots(entry.service_id, now(), now() + interval '30 days')"
        " limit 1) as slot where entry.status = 'waiting' order by entry.id limit 1",
    ),
    # Switched off and on again: what that gives is offered.
    "public.providers": (
        "do $$ begin update public.providers set active = false where true;"
        " update public.providers set active = true where true; end $$",
    ),
    "public.resources": (
        "do $$ begin update public.resources set active = false where true;"
        " update public.resources set active = true where true; end $$",
        # Switched off while a coming visit keeps it.
        "do $$ declare visit public.appointments; room uuid; begin"
        " select * into visit from public.appointments as coming where session_id is null"
        " and status = 'booked' and starts_at > now() and exists (select from public.resources"
        " where resources.location_id = coming.location_id) order by id limit 1;"
        " select id into room from public.resources"
        " where resources.location_id = visit.location_id order by id limit 1;"
        " insert into public.service_needs (clinic_id, service_id, kind, resource_id)"
        " select clinic_id, visit.service_id, kind, id from public.resources where id = room"
        " on conflict do nothing;"
        " update public.appointments set overbook_reason = 'moved',"
        " starts_at = visit.starts_at + interval '90 days' where id = visit.id;"
        " update public.resources set active = false where id = room; end $$",
    ),
    # Hours that went, and come again: what was marked for follow-up in between is settled.
    "public.weekly_hours": (
        "do $$ declare kept public.weekly_hours[] := array("
        " select row(hours.*)::public.weekly_hours from public.weekly_hours as hours);"
        " begin delete from public.weekly_hours where true;"
        " insert into public.weekly_hours select * from unnest(kept); end $$",
    ),
    "public.notifications": (
        "insert into public.notifications (clinic_id, kind, provider_id, day, recipient_user_id)"
        " select clinic_id, kind, provider_id, day + 1, recipient_user_id"
        " from public.notifications where kind = 'agenda' limit 1",
        "update public.notifications set told_at = now(),"
        f" told_by = '{UNKNOWN}' where status = 'dead'",
    ),
    "public.group_sessions": (
        "insert into public.group_sessions (service_id, provider_id, location_id, starts_at)"
        " select service_id, provider_id, location_id, starts_at + interval '90 days'"
        " from public.group_sessions order by id limit 1",
        # Left without hours, and then agreed to.
        "do $$ begin delete from public.weekly_hours where true;"
        " update public.group_sessions set overbook_reason = 'agreed' where starts_at > now();"
        " end $$",
    ),
    "public.guardian_invitations": (
        "insert into public.guardian_invitations (clinic_id, patient_id, email)"
        " select clinic_id, patient_id, 'another@people.example'"
        " from public.guardian_invitations order by id limit 1",
    ),
    "private.flow_requests": (
        "update private.flow_requests set status = 500, response = 'x'",
        "update private.flow_requests set status = 200, response = repeat('x', 70000)",
    ),
    "public.appointments": (
        "insert into public.appointments (service_id, provider_id, patient_id, starts_at)"
        " select service_id, provider_id, patient_id, starts_at + interval '30 days'"
        " from public.appointments where session_id is null and status = 'booked'"
        " and starts_at > now() order by starts_at limit 1",
        "select public.join_session(sessions.id, patients.id)"
        " from public.group_sessions as sessions"
        " join public.patients on patients.clinic_id = sessions.clinic_id and merged_into is null"
        " where sessions.seats_taken = 0 order by sessions.id, patients.id limit 1",
        "with gone as (update public.appointments set status = 'cancelled'"
        " where status = 'booked' and starts_at > now() returning cancelled_late)"
        " select from gone where cancelled_late",
        "update public.appointments set hold_expires_at = hold_expires_at + interval '1 hour'"
        " where status = 'held'",
        "update public.appointments set status = 'cancelled'"
        " where status = 'booked' and session_id is not null",
        "do $$ begin update public.appointments set status = 'cancelled'"
        " where status = 'booked' and session_id is not null;"
        " update public.notifications set status = 'skipped' where status = 'queued';"
        " delete from public.appointments where session_id is not null; end $$",
        "delete from public.appointments where status = 'booked' and session_id is not null",
        # A seat that was only held may go without a word to the patient.
        "do $$ declare seat uuid; begin"
        " insert into public.appointments (session_id, patient_id, status, hold_expires_at)"
        " select sessions.id, patients.id, 'held', now() + interval '10 minutes'"
        " from public.group_sessions as sessions"
        " join public.patients on patients.clinic_id = sessions.clinic_id and merged_into is null"
        " where sessions.seats_taken = 0 order by sessions.id, patients.id limit 1"
        " returning id into seat;"
        " delete from public.appointments where id = seat; end $$",
        "select public.merge_patients(kept.id, twice.id)"
        " from public.patients as twice join public.patients as kept"
        " on kept.clinic_id = twice.clinic_id and kept.id <> twice.id and kept.merged_into is null"
        " where twice.full_name = 'Entered Twice' order by kept.id limit 1",
    ),
}

COLUMNS = """
    select attname::text, format_type(atttypid, null), atttypid::regtype::text,
      (select array_agg(enumlabel::text order by enumsortorder) from pg_enum
       where enumtypid = atttypid),
      attgenerated <> '', attidentity <> '',
      coalesce((select bool_or(attnum = any (conkey)) from pg_constraint
                where conrelid = attrelid and contype in ('p', 'u', 'x')), false)
        or exists (select from pg_index where indrelid = attrelid and indisunique
                   and attnum = any (indkey))
    from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped
    order by attnum
"""

UNIQUE_SETS = """
    select distinct array(
      select attname::text from pg_attribute
      where attrelid = indrelid and attnum = any (indkey) order by attnum)
    from pg_index where indrelid = %s::regclass and (indisunique or indisexclusion)
    order by 1
"""
FRESH = {
    "uuid": "gen_random_uuid()",
    "text": "left(md5(random()::text), 8)",
    "bytea": "decode(md5(random()::text), 'hex')",
    "integer": "(random() * 1000000000)::int",
    "smallint": "(random() * 30000)::smallint",
    "bigint": "(random() * 1000000000)::bigint",
    "timestamp with time zone": "now() + random() * interval '300 days'",
    "date": "current_date + (random() * 300)::int",
    "tstzrange": "tstzrange(now(), now() + interval '1 s')",
}


def statements(connection: Connection, table: str) -> list[str]:
    """Every column of some rows changed, rows copied, removed, emptied."""
    columns = connection.execute(COLUMNS, [table]).fetchall()
    tried: list[str] = []
    rows = [
        f"ctid = (select ctid from {table} order by ctid offset {n} limit 1)"
        for n in range(VISITS if table == "public.appointments" else ROWS)
    ]
    rows.insert(ROWS, f"ctid = (select ctid from {table} order by ctid desc limit 1)")
    for name, type_name, cast, labels, is_generated, *_ in columns:
        if is_generated:
            continue
        of_enum = tuple(f"'{label}'" for label in labels or ())
        values = (*of_enum, "null") if of_enum else VALUES.get(type_name, ("null",))
        matters_everywhere = labels or name in {"hold_expires_at", "patient_id", "starts_at"}
        tried += [
            f'update {table} set "{name}" = {value}::{cast} where {row}'
            for row in rows[: None if matters_everywhere else ROWS + 1]
            for value in values
        ]
    tried += _together(table, columns)
    tried += _copies(connection, table, columns)
    tried += [f"delete from {table} where {row}" for row in rows]
    tried.append(f"truncate {table} cascade")
    tried += PROPER.get(table, ())
    return tried


# Several columns of a type at once, each a step from the one before: what pairs must not be.
STEPS = {
    "date": ("'2030-01-01'::date + {n} * 100", "'2030-01-01'::date - {n} * 100", "'infinity'"),
    "timestamp with time zone": (
        "now() + {n} * interval '9 hours'", "now() - {n} * interval '9 hours'", "'infinity'",
    ),
    "time without time zone": ("'12:00'::time + {n} * interval '1 hour'",
                               "'12:00'::time - {n} * interval '1 hour'", "'12:00'"),
    "uuid": ('"id"', "null"),
    "integer": ("{n}", "-{n}"),
}  # fmt: skip


def _together(table: str, columns: list[tuple]) -> list[str]:  # type: ignore[type-arg]
    tried = []
    for type_name, steps in STEPS.items():
        alike = [c[0] for c in columns if c[1] == type_name and c[0] not in ("id", "clinic_id")]
        times = [name for name in alike if name not in ("created_at", "updated_at")]
        for step in steps if len(times) > 1 or type_name == "uuid" else ():
            whole = ", ".join(f'"{name}" = {step.format(n=n)}' for n, name in enumerate(times))
            single = [f'"{name}" = {step}' for name in times] if type_name == "uuid" else []
            tried += [f"update {table} set {change}" for change in [whole, *single] if change]
        if type_name == "uuid":
            tried += [
                f'update {table} set "{name}" = \'{UNKNOWN}\' where "{name}" is not null'
                for name in alike
            ]
    return tried


def _copies(connection: Connection, table: str, columns: list[tuple]) -> list[str]:  # type: ignore[type-arg]
    """The first row again, alike in just one set of columns that must be unique, and in all."""
    writable = [column for column in columns if not column[4]]
    names = ", ".join(f'"{column[0]}"' for column in writable)
    copies = []
    unknown = [[f"unknown {column[0]}"] for column in writable if column[1] == "uuid"]
    alike_sets = [alike for (alike,) in connection.execute(UNIQUE_SETS, [table]).fetchall()]
    for alike in [*alike_sets, [], *unknown]:
        values = ", ".join(
            f"'{UNKNOWN}'::uuid"
            if f"unknown {column[0]}" in alike
            else FRESH[column[1]]
            if _is_fresh(column, alike)
            else f'"{column[0]}"'
            for column in writable
        )  # fmt: skip
        copies.append(
            f"insert into {table} ({names}) overriding system value"
            f" select {values} from {table} order by ctid limit 1"
        )
    return copies


def _is_fresh(column: tuple, alike: list[str]) -> bool:  # type: ignore[type-arg]
    """Whether the copy needs another value there: unlike the row, where rows must be unlike."""
    name, type_name, *_, is_unique = column
    if not is_unique or name in {*alike, "clinic_id"} or type_name not in FRESH:
        return False
    return name == "id" or not alike or not alike[0].startswith("unknown")
