"""Realtime's part of what a hosted project forbids and allows the role `postgres`, and what its
functions do silently.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from stack.config import StackConfig

TRIGGER_FUNCTION = """
    create function public.touch() returns trigger language plpgsql as
    $$ begin return new; end $$;
"""


@pytest.fixture
def dashboard(stack: StackConfig) -> Iterator[psycopg.Connection]:
    """A session as the dashboard's SQL editor has it; nothing it does stays."""
    with psycopg.connect(stack.db_url()) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def admin(stack: StackConfig) -> Iterator[psycopg.Connection]:
    """A superuser's session; nothing it does stays."""
    with psycopg.connect(stack.db_url("supabase_admin")) as connection:
        yield connection
        connection.rollback()


def warnings_of(connection: psycopg.Connection) -> list[str]:
    """The list that will hold the warnings of this session."""
    warnings: list[str] = []
    connection.add_notice_handler(lambda notice: warnings.append(notice.message_primary or ""))
    return warnings


def count(connection: psycopg.Connection, topic: str) -> int:
    rows = connection.execute("select count(*) from realtime.messages where topic = %s", (topic,))
    ((number,),) = rows.fetchall()
    assert isinstance(number, int)
    return number


@pytest.mark.parametrize(
    "statement",
    [
        "create function realtime.mine() returns int language sql as 'select 1'",
        "create table realtime.mine (id int)",
        "alter table realtime.messages disable row level security",
        "alter table realtime.messages add column mine text",
        "create index on realtime.messages (event)",
        "drop table realtime.messages",
        "alter function realtime.send(jsonb, text, text, boolean) security definer",
        "create or replace function realtime.topic() returns text language sql as 'select null'",
        "alter publication supabase_realtime_messages_publication rename to mine",
        "set role supabase_realtime_admin",
        "grant supabase_realtime_admin to postgres",
        "select realtime.maintain_partitions()",
    ],
)
def test_what_a_hosted_project_forbids_fails(dashboard: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        dashboard.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "create policy mine on realtime.messages for select to authenticated using (true)",
        "drop trigger mine on realtime.messages",
    ],
)
def test_what_a_migration_may_do_passes_with_the_admins_role(
    admin: psycopg.Connection, statement: str
) -> None:
    """On hosted projects supautils allows these; here migrations hold the role meanwhile."""
    admin.execute(TRIGGER_FUNCTION)
    admin.execute(
        "create trigger mine before insert on realtime.messages"
        " for each row execute function public.touch()"
    )
    admin.execute("grant supabase_realtime_admin to postgres")
    admin.execute("set local role postgres")
    admin.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "alter publication supabase_realtime add table public.mine",
        "select realtime.send('{}', 'e', 't')",
        "insert into realtime.messages (topic, extension) values ('t', 'broadcast')",
        "select realtime.topic()",
    ],
)
def test_what_a_hosted_project_allows_passes(dashboard: psycopg.Connection, statement: str) -> None:
    dashboard.execute("create table public.mine (id int primary key)")
    dashboard.execute(statement)


def test_a_signed_in_caller_without_a_policy_loses_the_message_with_a_warning_only(
    dashboard: psycopg.Connection,
) -> None:
    warnings = warnings_of(dashboard)
    dashboard.execute("set local role authenticated")
    dashboard.execute("select realtime.send('{}', 'e', 'limits:lost')")
    dashboard.execute("set local role postgres")
    assert count(dashboard, "limits:lost") == 0
    (warning,) = warnings
    assert warning.startswith("WarnSendingBroadcastMessage: ")
    assert "row-level security" in warning


def test_a_message_without_a_partition_is_lost_with_a_warning_only(
    admin: psycopg.Connection,
) -> None:
    warnings = warnings_of(admin)
    today = admin.execute(
        """
        select inhrelid::regclass::text from pg_inherits
        where inhparent = 'realtime.messages'::regclass
          and inhrelid::regclass::text like to_char(now() at time zone 'utc', '%YYYY_MM_DD')
        """
    ).fetchone()
    assert today is not None
    admin.execute(f"alter table realtime.messages detach partition {today[0]}")
    admin.execute("select realtime.send('{}', 'e', 'limits:no partition')")
    assert count(admin, "limits:no partition") == 0
    assert warnings[0].startswith("WarnSendingBroadcastMessage: no partition")


def test_a_message_gets_an_id_unless_it_has_one(dashboard: psycopg.Connection) -> None:
    dashboard.execute("select realtime.send('{\"id\": 7}', 'e', 'limits:own')")
    dashboard.execute("select realtime.send('{}', 'e', 'limits:given')")
    rows = dashboard.execute(
        "select topic, payload ->> 'id' = id::text, private from realtime.messages"
        " where topic like 'limits:%' order by topic"
    )
    assert rows.fetchall() == [("limits:given", True, True), ("limits:own", False, True)]


def test_sending_sets_the_topic_for_policies(dashboard: psycopg.Connection) -> None:
    dashboard.execute("select realtime.send('{}', 'e', 'limits:topic')")
    assert dashboard.execute("select realtime.topic()").fetchone() == ("limits:topic",)


def test_broadcasting_a_change_of_no_row_raises(dashboard: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="Failed to process the row"):
        dashboard.execute(
            "select realtime.broadcast_changes('t', 'e', 'TRUNCATE', 'c', 's',"
            " null::record, null::record)"
        )


def test_messages_have_partitions_from_yesterday_to_three_days_ahead(
    admin: psycopg.Connection,
) -> None:
    admin.execute("select realtime.maintain_partitions()")
    rows = admin.execute(
        """
        select to_char(day, 'YYYY_MM_DD'),
          to_regclass('realtime.messages_' || to_char(day, 'YYYY_MM_DD')) is not null
        from generate_series(-1, 3) as distance,
          lateral (select (now() at time zone 'utc')::date + distance) as dated (day)
        """
    )
    assert [exists for _, exists in rows.fetchall()] == [True] * 5


def test_partitions_wholly_older_than_72_hours_are_dropped(admin: psycopg.Connection) -> None:
    for name, day in (("2020_01_01", "2020-01-01"), ("2020_01_02", "2020-01-02")):
        admin.execute(
            f"create table realtime.messages_{name} partition of realtime.messages"
            f" for values from ('{day}') to ('{day} 23:59:59')"
        )
    admin.execute("select realtime.maintain_partitions()")
    assert admin.execute("select to_regclass('realtime.messages_2020_01_01')").fetchone() == (None,)
