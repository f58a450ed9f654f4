"""Reads the catalogue: default deny holds, and what is open is on a short list."""

from __future__ import annotations

import re
from typing import Any

import pglast
import pytest

from tests.people import Connection, every

OURS = "('public', 'worker', 'private')"

ANON_MAY_EXECUTE = {"public.open_sessions", "public.open_slots"}
AUTHENTICATED_MAY_EXECUTE = ANON_MAY_EXECUTE | {
    "public.accept_invitation",
    "public.accept_offer",
    "public.add_exception",
    "public.add_outside_calendar",
    "public.authorize_flow",
    "public.block_time",
    "public.book_appointment",
    "public.book_series",
    "public.book_together",
    "public.cancel_appointment",
    "public.cancel_series",
    "public.change_appointment_status",
    "public.change_clinic",
    "public.change_member",
    "public.clinic_numbers",
    "public.clinic_staff",
    "public.confirm_visit",
    "public.create_clinic",
    "public.create_feed",
    "public.decline_offer",
    "public.find_patients",
    "public.hold_slot",
    "public.explain_slot",
    "public.invite_member",
    "public.join_session",
    "public.join_waitlist",
    "public.leave_waitlist",
    "public.mark_told",
    "public.offer_time",
    "public.register_patient",
    "public.remove_exception",
    "public.remove_member",
    "public.remove_outside_calendar",
    "public.requeue_dead_notifications",
    "public.requeue_notification",
    "public.reschedule_appointment",
    "public.revoke_feed",
    "public.rooms_in_use",
    "public.second_factor_holder",
    "public.set_weekly_hours",
    "public.unblock_time",
    "public.verify_history",
    "public.accept_guardianship",
    "public.claim_patient_records",
    "public.end_guardianship",
    "public.find_duplicates",
    "public.invite_guardian",
    "public.merge_patients",
    "public.my_memberships",
    "public.my_records",
    "public.open_patient",
    "public.read_reasons",
    "public.register_dependant",
    "public.revoke_guardian_invitation",
    "public.unmerge_patients",
    # For policies: schema private is not exposed over HTTP.
    "public.working_hours",
    "private.birth_year_of",
    "private.ids_for_people",
    "private.check_may_count",
    "private.open_minutes",
    "private.may_listen",
    "private.my_clinics",
    "private.my_clinics_as",
    "private.my_care",
    "private.my_clinics_as_patient",
    "private.my_patients",
    "private.my_patients_and_duplicates",
    "private.overdue_ids",
    "private.visits_untold",
}
SERVICE_MAY_EXECUTE = {
    "private.ids_for_people",
    "private.overdue_ids",
    "private.visits_untold",
    "public.accept_offer",
    "public.add_exception",
    "public.add_outside_calendar",
    "public.block_time",
    "public.book_appointment",
    "public.book_series",
    "public.book_together",
    "public.cancel_appointment",
    "public.cancel_series",
    "public.change_appointment_status",
    "public.clinic_numbers",
    "public.confirm_visit",
    "public.decline_offer",
    "public.explain_slot",
    "public.hold_slot",
    "public.join_session",
    "public.join_waitlist",
    "public.leave_waitlist",
    "public.mark_told",
    "public.offer_time",
    "public.open_sessions",
    "public.open_slots",
    "public.remove_exception",
    "public.remove_outside_calendar",
    "public.requeue_dead_notifications",
    "public.requeue_notification",
    "public.reschedule_appointment",
    "public.revoke_feed",
    "public.rooms_in_use",
    "public.set_weekly_hours",
    "public.unblock_time",
    "public.verify_history",
    "public.working_hours",
    "private.check_may_count",
    "private.open_minutes",
    "worker.action_for_token",
    "worker.begin_request",
    "worker.begin_sending",
    "worker.claim_import",
    "worker.claim_notifications",
    "worker.claim_outside_calendars",
    "worker.complete_notification",
    "worker.complete_notifications",
    "worker.create_import",
    "worker.erase_with_log_in",
    "worker.expire_holds",
    "worker.expire_offers",
    "worker.fail_notification",
    "worker.fail_notifications",
    "worker.fail_outside_calendar",
    "worker.feed_version",
    "worker.finish_import",
    "worker.finish_request",
    "worker.import_appointments",
    "worker.import_batch",
    "worker.import_clinics",
    "worker.import_holidays",
    "worker.import_patients",
    "worker.import_providers",
    "worker.keep_busy_blocks",
    "worker.log_ins_to_delete",
    "worker.offer_freed_slots",
    "worker.pause_sending",
    "worker.plan_agendas",
    "worker.plan_reminders",
    "worker.queue_depth",
    "worker.queue_log_in_mail",
    "worker.read_feed",
    "worker.read_import",
    "worker.record_delivery_event",
    "worker.requeue_notification",
    "worker.seal_history",
    "public.open_patient",
    "worker.erase_person",
    "worker.export_person",
    "worker.prune_access_log",
    "worker.slots_for_action",
    "worker.store_busy_blocks",
    "worker.subscription_for_token",
    "worker.tidy",
    "worker.unsubscribe",
    "worker.use_action",
    "worker.voucher_key",
}
ANON_MAY_READ = {"clinics", "locations", "provider_services", "providers", "services"}
# Tables whose rows only functions write, whatever the caller's role.
NOT_WRITTEN_OVER_HTTP = {
    "appointment_events",
    "appointment_reasons",
    "appointment_series",
    "appointments",
    "busy_blocks",
    "calendar_feeds",
    "history_seals",
    "import_files",
    "import_jobs",
    "import_rejects",
    "notifications",
    "outside_calendars",
    "visit_confirmations",
    "waitlist_entries",
    "waitlist_entry_providers",
    "waitlist_offers",
    "access_log",
    "guardian_invitations",
    "guardians",
}

FUNCTIONS = f"""
    select nspname || '.' || proname as name, coalesce(proconfig, '{{}}') as settings,
      prosrc as source,
      has_function_privilege('anon', pg_proc.oid, 'execute') as anon,
      has_function_privilege('authenticated', pg_proc.oid, 'execute') as authenticated,
      has_function_privilege('service_role', pg_proc.oid, 'execute') as service_role
    from pg_proc
    join pg_namespace on pg_namespace.oid = pronamespace
    where nspname in {OURS}
"""


def functions(db: Connection) -> list[dict[str, Any]]:
    found = every(db, FUNCTIONS)
    assert len(found) > 50
    return found


@pytest.mark.parametrize(
    ("role", "may_execute"),
    [
        ("anon", ANON_MAY_EXECUTE),
        ("authenticated", AUTHENTICATED_MAY_EXECUTE),
        ("service_role", SERVICE_MAY_EXECUTE),
    ],
)
def test_each_role_executes_what_is_listed_and_nothing_else(
    db: Connection, role: str, may_execute: set[str]
) -> None:
    assert {function["name"] for function in functions(db) if function[role]} == may_execute


def test_every_function_has_an_empty_search_path(db: Connection) -> None:
    careless = [f["name"] for f in functions(db) if 'search_path=""' not in f["settings"]]
    assert careless == []


def test_every_table_has_row_security(db: Connection) -> None:
    tables = every(
        db,
        "select nspname || '.' || relname as name, relrowsecurity as is_secured"
        f" from pg_class join pg_namespace on pg_namespace.oid = relnamespace"
        f" where nspname in {OURS} and relkind in ('r', 'p')",
    )
    assert len(tables) >= 20
    assert [table["name"] for table in tables if not table["is_secured"]] == []


def test_every_policy_is_for_one_operation_and_a_named_role(db: Connection) -> None:
    policies = every(
        db, f"select * from pg_policies where schemaname in {OURS} or schemaname = 'realtime'"
    )
    assert len(policies) > 30
    for policy in policies:
        assert policy["cmd"] != "ALL", policy["policyname"]
        assert set(policy["roles"]) <= {"anon", "authenticated"}, policy["policyname"]
        assert "public" not in policy["roles"], policy["policyname"]
    operations = [
        (policy["tablename"], policy["cmd"], role)
        for policy in policies
        for role in policy["roles"]
    ]
    assert len(operations) == len(set(operations))


GRANTS = """
    select relname as table, lower(privilege_type) as privilege, grantee::regrole::text as role
    from pg_class
    join pg_namespace on pg_namespace.oid = relnamespace
    cross join lateral aclexplode(relacl)
    where nspname = %s and relkind in ('r', 'p', 'v', 'S')
    union
    select relname, lower(privilege_type), grantee::regrole::text
    from pg_attribute
    join pg_class on pg_class.oid = attrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    cross join lateral aclexplode(attacl)
    where nspname = %s
"""


def grants(db: Connection, schema: str, role: str) -> set[tuple[str, str]]:
    return {
        (row["table"], row["privilege"])
        for row in every(db, GRANTS, schema, schema)
        if row["role"] == role
    }


def test_visitors_read_the_shop_window_and_write_nothing(db: Connection) -> None:
    assert grants(db, "public", "anon") == {(table, "select") for table in ANON_MAY_READ}


@pytest.mark.parametrize("role", ["authenticated", "service_role"])
def test_what_functions_write_nobody_writes_directly(db: Connection, role: str) -> None:
    written = {table for table, privilege in grants(db, "public", role) if privilege != "select"}
    assert written & NOT_WRITTEN_OVER_HTTP == set()
    assert "truncate" not in {privilege for _, privilege in grants(db, "public", role)}


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "-"])
def test_nobody_has_a_grant_in_the_private_schema(db: Connection, role: str) -> None:
    assert grants(db, "private", role) == set()


@pytest.mark.parametrize(
    ("schema", "roles"), [("worker", {"service_role"}), ("private", {"authenticated"})]
)
def test_who_enters_the_schemas_behind_public(db: Connection, schema: str, roles: set[str]) -> None:
    may = every(
        db,
        "select role, has_schema_privilege(role, %s, 'usage') as may"
        " from unnest(array['anon', 'authenticated', 'service_role']) as role",
        schema,
    )
    assert {row["role"] for row in may if row["may"]} == roles


def test_what_a_later_migration_makes_is_closed_until_granted(db: Connection) -> None:
    db.execute("create function public.later() returns int language sql as 'select 1'")
    db.execute("create table public.later_table (id int)")
    (later,) = (f for f in functions(db) if f["name"] == "public.later")
    for role in ("anon", "authenticated", "service_role"):
        assert later[role] is False
        assert "later_table" not in {table for table, _ in grants(db, "public", role)}


# pglast's PL/pgSQL parser knows no types of other schemas, so the statements are cut out; tables
# are always written with their schema, which tells `update x.y` from `do update` and `for update`.
WRITES = re.compile(r"\b(?:update|delete\s+from)\s+[a-z_]+\.[a-z_]+\b", re.IGNORECASE)
TOKENS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|[();]")
INTO = re.compile(r"\binto\s+[a-z_, ]+$", re.IGNORECASE)


def writes(source: str) -> list[Any]:
    """The parsed UPDATE and DELETE statements in a function's body."""
    return [
        pglast.parse_sql(INTO.sub("", whole_statement(source, found.start()).strip()))[0].stmt
        for found in WRITES.finditer(source)
    ]


def whole_statement(source: str, start: int) -> str:
    """The statement that starts there: up to its semicolon, or the end of the WITH it stands in."""
    depth = 0
    for token in TOKENS.finditer(source, start):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if token[0] == ";" or depth < 0:
            return source[start : token.start()]
    return source[start:]


def test_no_function_changes_a_whole_table(db: Connection) -> None:
    """A hosted project's safeupdate refuses UPDATE and DELETE without WHERE, in functions too."""
    seen = 0
    for function in functions(db):
        for statement in writes(function["source"]):
            seen += 1
            assert statement.whereClause is not None, function["name"]
    assert seen > 8


def test_managed_schemas_receive_policies_and_nothing_else(db: Connection) -> None:
    """On a hosted project `postgres` owns nothing in auth and realtime but may add policies."""
    strangers = every(
        db,
        "select relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace"
        " where nspname in ('auth', 'realtime', 'storage') and relowner = 'postgres'::regrole"
        " union all select proname from pg_proc"
        " join pg_namespace on pg_namespace.oid = pronamespace"
        " where nspname in ('auth', 'realtime', 'storage') and proowner = 'postgres'::regrole"
        " union all select tgname from pg_trigger join pg_class on pg_class.oid = tgrelid"
        " join pg_namespace on pg_namespace.oid = relnamespace"
        " where nspname in ('auth', 'realtime', 'storage') and not tgisinternal",
    )
    assert strangers == []


def test_the_lint_above_would_see_a_statement_without_where() -> None:
    careless = "begin update public.members set active = false returning id into x; return; end"
    (statement,) = writes(careless)
    assert statement.whereClause is None


def test_the_lint_above_reads_statements_inside_with() -> None:
    within = (
        "with gone as (delete from public.members where members.role in ('x', ';)') returning id),"
        " kept as (update public.clinics set name = 'x')"
        " select count(*) into counted from gone;"
    )
    deleted, updated = writes(within)
    assert deleted.whereClause is not None
    assert updated.whereClause is None
