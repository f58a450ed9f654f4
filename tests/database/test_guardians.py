"""Guardians reach what their patient reaches, from the first day to the last, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from tests.people import (
    Connection,
    Practice,
    Row,
    as_patient,
    as_service,
    as_user,
    at,
    book,
    denied,
    every,
    make_clinic,
    make_guardian,
    make_member,
    make_patient,
    make_practice,
    make_user,
    one,
    refused,
)

NOW = datetime.now(UTC)
INVITE = "select * from public.invite_guardian(%s, %s, %s)"
ACCEPT = "select * from public.accept_guardianship(%s)"
END = "select * from public.end_guardianship(%s)"
REGISTER = "select * from public.register_dependant(%s, %s, %s)"


@pytest.fixture
def practice(db: Connection) -> Practice:
    """A clinic that does not book publicly, with a visit and a reason of its patient."""
    practice = make_practice(db)
    with as_patient(db, practice.user):
        db.execute(
            "select public.book_appointment(%s, %s, reason => 'a reason')",
            [practice.service, at(9)],
        )
    db.execute("update public.clinics set books_publicly = false where id = %s", [practice.clinic])
    return practice


def reach(db: Connection, practice: Practice) -> dict[str, int]:
    """How much of the patient's the caller reads."""
    counts = {
        table: one(
            db,
            f"select count(*) as n from public.{table} where clinic_id = %s",  # type: ignore[arg-type]
            practice.clinic,
        )["n"]
        for table in ("appointments", "appointment_reasons", "guardians", "access_log", "services")
    }
    counts["records"] = len(every(db, "select * from public.my_records()"))
    return counts


def test_a_guardian_reads_what_the_patient_reads(db: Connection, practice: Practice) -> None:
    guardian = make_guardian(db, practice.clinic, practice.patient)
    with as_patient(db, practice.user):
        own = reach(db, practice)
    with as_user(db, guardian):
        assert reach(db, practice) == own
    assert all(own.values())


@pytest.mark.parametrize(
    "times",
    [
        {"starts_at": NOW - timedelta(days=9), "ends_at": NOW - timedelta(seconds=1)},
        {"starts_at": NOW + timedelta(hours=1)},
    ],
    ids=["former", "future"],
)
def test_who_is_not_a_guardian_now_reaches_nothing(
    db: Connection, practice: Practice, times: dict[str, datetime]
) -> None:
    guardian = make_guardian(db, practice.clinic, practice.patient, **times)
    visit = one(db, "select id from public.appointments")
    with as_user(db, guardian):
        # Their own row tells them since when and until when, nothing else is left.
        assert reach(db, practice) == {
            "appointments": 0,
            "appointment_reasons": 0,
            "guardians": 1,
            "access_log": 0,
            "services": 0,
            "records": 0,
        }
        for call, value in (
            ("select public.cancel_appointment(%s)", visit["id"]),
            ("select public.open_patient(%s)", practice.patient),
            ("select public.read_reasons(%s)", visit["id"]),
        ):
            with refused(db, "not_found"):
                db.execute(call, [value])  # type: ignore[arg-type]


def test_a_guardian_books_moves_and_cancels_for_the_patient(db: Connection) -> None:
    practice = make_practice(db)
    guardian = make_guardian(db, practice.clinic, practice.patient)
    with as_user(db, guardian):
        visit = one(
            db,
            "select * from public.book_appointment(%s, %s, patient_id => %s)",
            practice.service,
            at(9),
            practice.patient,
        )
        assert (visit["patient_id"], visit["booked_by"]) == (practice.patient, guardian)
        assert visit["booked_via"] == "patient"
        db.execute("select public.reschedule_appointment(%s, %s)", [visit["id"], at(11)])
        cancelled = one(db, "select * from public.cancel_appointment(%s)", visit["id"])
    assert cancelled["status"] == "cancelled"


def test_a_guardian_may_do_no_more_than_the_patient(db: Connection, practice: Practice) -> None:
    guardian = make_guardian(db, practice.clinic, practice.patient)
    visit = one(db, "select id from public.appointments")
    other = make_patient(db, practice.clinic)
    with as_user(db, guardian):
        with refused(db, "not_allowed"):
            db.execute(
                "select public.change_appointment_status(%s, 'arrived')",
                [visit["id"]],
            )
        with refused(db, "not_found"):
            db.execute("select public.open_patient(%s)", [other])
        with refused(db, "not_found"):
            db.execute(
                "select public.book_appointment(%s, %s, patient_id => %s)",
                [practice.service, at(12), other],
            )
        with denied(db):
            db.execute("update public.guardians set ends_at = null where true")


def test_a_guardian_corrects_the_record_but_not_where_its_mail_goes(
    db: Connection, practice: Practice
) -> None:
    guardian = make_guardian(db, practice.clinic, practice.patient)
    with as_user(db, guardian):
        assert db.execute("update public.patients set phone = '555' where true").rowcount == 1
        with refused(db, "not_allowed"):
            db.execute(
                "update public.patients set email = %s where true", [f"{guardian}@people.example"]
            )


def test_ending_takes_everything_at_once(db: Connection, practice: Practice) -> None:
    guardian = make_guardian(db, practice.clinic, practice.patient)
    row = one(db, "select id from public.guardians")
    with as_patient(db, practice.user):
        db.execute(END, [row["id"]])
    with as_user(db, guardian):
        assert reach(db, practice)["appointments"] == 0


def test_who_ends_a_guardianship(db: Connection, practice: Practice) -> None:
    make_guardian(db, practice.clinic, practice.patient)
    mine = one(db, "select * from public.guardians")
    other_guardian = make_guardian(db, practice.clinic, practice.patient)
    with as_user(db, make_user(db)), refused(db, "not_found"):
        db.execute(END, [mine["id"]])
    with as_user(db, other_guardian), refused(db, "not_allowed"):
        db.execute(END, [mine["id"]])
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        ended = one(
            db, "select * from public.end_guardianship(%s, %s)", mine["id"], NOW + timedelta(days=9)
        )
    assert ended["ends_at"] == NOW + timedelta(days=9)
    with as_user(db, mine["user_id"]):
        with refused(db, "not_allowed"):
            db.execute(
                "select public.end_guardianship(%s, %s)", [mine["id"], NOW + timedelta(days=99)]
            )
        with refused(db, "invalid_time"):
            db.execute(
                "select public.end_guardianship(%s, %s)", [mine["id"], NOW - timedelta(days=1)]
            )
        db.execute(END, [mine["id"]])


def invited(db: Connection, patient: UUID, guardian: UUID, ends_at: datetime | None = None) -> UUID:
    invitation: UUID = one(db, INVITE, patient, f"{guardian}@People.example", ends_at)["id"]
    return invitation


def test_only_the_invited_accepts_and_only_once(db: Connection, practice: Practice) -> None:
    guardian = make_user(db)
    with as_patient(db, practice.user):
        invitation = invited(db, practice.patient, guardian, NOW + timedelta(days=30))
    with as_user(db, make_user(db)), refused(db, "not_found"):
        db.execute(ACCEPT, [invitation])
    with as_user(db, guardian):
        assert len(every(db, "select from public.guardian_invitations")) == 1
        accepted = one(db, ACCEPT, invitation)
        assert accepted["patient_id"] == practice.patient
        assert accepted["ends_at"] == NOW + timedelta(days=30)
        with refused(db, "not_found"):
            db.execute(ACCEPT, [invitation])
        assert reach(db, practice)["appointments"] == 1


def test_an_unconfirmed_address_or_a_revoked_invitation_is_worth_nothing(
    db: Connection, practice: Practice
) -> None:
    guardian = make_user(db)
    with as_patient(db, practice.user):
        invitation = invited(db, practice.patient, guardian)
    db.execute("update auth.users set email_confirmed_at = null where id = %s", [guardian])
    with as_user(db, guardian), refused(db, "not_found"):
        db.execute(ACCEPT, [invitation])
    db.execute("update auth.users set email_confirmed_at = now() where id = %s", [guardian])
    with as_patient(db, practice.user):
        db.execute("select public.revoke_guardian_invitation(%s)", [invitation])
    with as_user(db, guardian), refused(db, "not_found"):
        db.execute(ACCEPT, [invitation])


def test_a_second_acceptance_takes_the_new_end(db: Connection, practice: Practice) -> None:
    guardian = make_guardian(db, practice.clinic, practice.patient)
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        invitation = invited(db, practice.patient, guardian, NOW + timedelta(days=3))
    with as_user(db, guardian):
        db.execute(ACCEPT, [invitation])
    (row,) = every(db, "select ends_at from public.guardians")
    assert row["ends_at"] == NOW + timedelta(days=3)


def test_who_may_invite(db: Connection, practice: Practice) -> None:
    guardian = make_guardian(db, practice.clinic, practice.patient)
    stranger = make_user(db)
    there = make_practice(db)
    for user, key in (
        (stranger, "not_found"),
        (make_member(db, there.clinic, "owner"), "not_found"),
        (guardian, "not_allowed"),
    ):
        with as_user(db, user), refused(db, key):
            db.execute(INVITE, [practice.patient, "x@people.example", None])
    child = make_patient(db, practice.clinic)
    parent = make_guardian(db, practice.clinic, child)
    with as_user(db, parent):
        assert invited(db, child, stranger)


def end_of(db: Connection, patient: UUID, user: UUID) -> datetime | None:
    """When that user stops acting for the patient."""
    row = one(
        db,
        "select ends_at from public.guardians where patient_id = %s and user_id = %s",
        patient,
        user,
    )
    ends_at: datetime | None = row["ends_at"]
    return ends_at


@pytest.mark.parametrize("asked", [None, NOW + timedelta(days=99)], ids=["for ever", "longer"])
def test_a_guardian_gives_nobody_more_time_than_they_have(
    db: Connection, practice: Practice, asked: datetime | None
) -> None:
    child, end = make_patient(db, practice.clinic), NOW + timedelta(days=9)
    parent = make_guardian(db, practice.clinic, child, ends_at=end)
    second, third = make_user(db), make_user(db)
    with as_user(db, parent):
        invitation = invited(db, child, second, asked)
        sooner = invited(db, child, third, NOW + timedelta(days=3))
    assert one(
        db, "select ends_at from public.guardian_invitations where id = %s", sooner
    )["ends_at"] == NOW + timedelta(days=3)  # fmt: skip
    with as_user(db, second):
        assert one(db, ACCEPT, invitation)["ends_at"] == end


def test_a_guardian_cannot_prolong_themselves(db: Connection, practice: Practice) -> None:
    child, end = make_patient(db, practice.clinic), NOW + timedelta(days=9)
    parent = make_guardian(db, practice.clinic, child, ends_at=end)
    for_ever = make_guardian(db, practice.clinic, child)
    with as_user(db, parent), refused(db, "not_allowed"):
        invited(db, child, parent)
    with as_user(db, for_ever):
        invitation = invited(db, child, parent)
    db.execute("update public.guardians set ends_at = %s where user_id = %s", [end, for_ever])
    with as_user(db, parent):
        db.execute(ACCEPT, [invitation])
    assert end_of(db, child, parent) == end


@pytest.mark.parametrize("way", ["over", "log-in", "left", "deleted"])
def test_an_invitation_is_void_once_its_sender_may_invite_no_more(
    db: Connection, practice: Practice, way: str
) -> None:
    child = make_patient(db, practice.clinic)
    sender = (
        make_member(db, practice.clinic, "front_desk")
        if way == "left"
        else make_guardian(db, practice.clinic, child)
    )
    second = make_user(db)
    with as_user(db, sender):
        invitation = invited(db, child, second)
    if way == "over":
        db.execute("update public.guardians set ends_at = now() where user_id = %s", [sender])
    elif way == "log-in":
        db.execute("update public.patients set user_id = %s where id = %s", [make_user(db), child])
    elif way == "left":
        db.execute("update public.members set active = false where user_id = %s", [sender])
    else:
        db.execute("delete from auth.users where id = %s", [sender])
    with as_user(db, second), refused(db, "not_found"):
        db.execute(ACCEPT, [invitation])
    assert claimed(db) == []


def test_guardians_only_shorten_and_only_the_clinic_revives(
    db: Connection, practice: Practice
) -> None:
    child, end = make_patient(db, practice.clinic), NOW + timedelta(days=9)
    parent = make_guardian(db, practice.clinic, child)
    second = make_guardian(db, practice.clinic, child, ends_at=end)
    row = one(db, "select id from public.guardians where user_id = %s", second)
    until = "select public.end_guardianship(%s, %s)"
    with as_user(db, parent):
        with refused(db, "not_allowed"):
            db.execute(until, [row["id"], end + timedelta(seconds=1)])
        db.execute(until, [row["id"], end - timedelta(days=1)])
        db.execute(END, [row["id"]])
    over = end_of(db, child, second)
    for user in (parent, second):
        with as_user(db, user), refused(db, "not_allowed"):
            db.execute(until, [row["id"], end])
    assert end_of(db, child, second) == over
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        db.execute(until, [row["id"], end])
    assert end_of(db, child, second) == end


def test_a_patient_prolongs_but_does_not_revive(db: Connection, practice: Practice) -> None:
    guardian = make_guardian(db, practice.clinic, practice.patient, ends_at=NOW + timedelta(days=1))
    row = one(db, "select id from public.guardians")
    until = "select public.end_guardianship(%s, %s)"
    with as_patient(db, practice.user):
        db.execute(until, [row["id"], NOW + timedelta(days=2)])
        assert end_of(db, practice.patient, guardian) == NOW + timedelta(days=2)
        db.execute(END, [row["id"]])
        with refused(db, "not_allowed"):
            db.execute(until, [row["id"], NOW + timedelta(days=2)])


@pytest.mark.parametrize("email", ["", None, "nobody", "two words@people.example"])
def test_an_invitation_needs_an_address(
    db: Connection, practice: Practice, email: str | None
) -> None:
    with as_patient(db, practice.user), refused(db, "invalid_input"):
        db.execute(INVITE, [practice.patient, email, None])


@pytest.mark.parametrize("ends_at", [NOW - timedelta(seconds=1), "infinity"])
def test_an_end_lies_in_the_future(
    db: Connection, practice: Practice, ends_at: datetime | str
) -> None:
    with as_patient(db, practice.user), refused(db, "invalid_time"):
        db.execute(INVITE, [practice.patient, "x@people.example", ends_at])


def test_invitations_are_limited(db: Connection, practice: Practice) -> None:
    with as_patient(db, practice.user):
        for n in range(10):
            db.execute(INVITE, [practice.patient, f"{n}@people.example", None])
        db.execute(INVITE, [practice.patient, "3@people.example", NOW + timedelta(days=2)])
        with refused(db, "limit_reached"):
            db.execute(INVITE, [practice.patient, "more@people.example", None])


def test_a_parent_adds_a_child_and_books_for_it(db: Connection) -> None:
    practice = make_practice(db)
    parent = make_user(db)
    born = datetime.now(UTC).date().replace(day=1) - timedelta(days=365 * 5)
    with as_user(db, parent):
        child = one(db, REGISTER, practice.clinic, " Chris Child ", born)
        assert (child["full_name"], child["user_id"], child["email"]) == ("Chris Child", None, None)
        visit = one(
            db,
            "select * from public.book_appointment(%s, %s, patient_id => %s)",
            practice.service,
            at(9),
            child["id"],
        )
    guardian = one(db, "select * from public.guardians")
    assert guardian["user_id"] == parent
    assert guardian["ends_at"].date() == born.replace(year=born.year + 18)
    message = one(db, "select status::text, recipient_id from public.notifications")
    assert message == {"status": "queued", "recipient_id": child["id"]}
    assert visit["patient_id"] == child["id"]
    with as_service(db):
        claimed = one(db, "select * from worker.claim_notifications()")
    assert claimed["recipient_address"] == f"{parent}@people.example"
    assert (claimed["recipient_name"], claimed["patient_name"]) == (None, child["full_name"])


def test_mail_for_a_child_does_not_reach_a_former_guardian(db: Connection) -> None:
    practice = make_practice(db)
    child = make_patient(db, practice.clinic)
    db.execute("update public.patients set email = null where id = %s", [child])
    make_guardian(db, practice.clinic, child)
    book(db, practice, at(9), patient_id=child)
    db.execute("update public.guardians set ends_at = now() where true")
    with as_service(db):
        assert every(db, "select * from worker.claim_notifications()") == []
    assert one(db, "select last_error from public.notifications")["last_error"] == "no_address"


@pytest.mark.parametrize(
    ("name", "born"),
    [
        ("Chris", None),
        ("", "2020-01-01"),
        (" ", "2020-01-01"),
        ("x" * 201, "2020-01-01"),
        ("Chris", "1980-01-01"),
        ("Chris", "0001-01-01"),
        ("Chris", "infinity"),
        ("Chris", "2999-01-01"),
    ],
)
def test_only_a_possible_child_is_added(db: Connection, name: str, born: str | None) -> None:
    clinic = make_clinic(db)
    with as_user(db, make_user(db)), refused(db, "invalid_input"):
        db.execute(REGISTER, [clinic, name, born])


def test_children_are_limited_and_need_a_clinic_one_sees(db: Connection) -> None:
    clinic, hidden = make_clinic(db), make_clinic(db, books_publicly=False)
    with as_user(db, make_user(db)):
        for n in range(12):
            db.execute(REGISTER, [clinic, f"Child {n}", "2020-01-01"])
        with refused(db, "limit_reached"):
            db.execute(REGISTER, [clinic, "One more", "2020-01-01"])
        with refused(db, "not_found"):
            db.execute(REGISTER, [hidden, "Child", "2020-01-01"])


def test_a_guardian_of_one_patient_is_a_stranger_to_the_rest_of_the_clinic(
    db: Connection, practice: Practice
) -> None:
    guardian = make_guardian(db, practice.clinic, make_patient(db, practice.clinic))
    with as_user(db, guardian):
        assert every(db, "select from public.appointments") == []
        assert len(every(db, "select from public.patients")) == 1
        assert len(every(db, "select * from public.my_records()")) == 1


def test_a_guardianship_cannot_cross_clinics(db: Connection, practice: Practice) -> None:
    there = make_practice(db)
    with pytest.raises(psycopg.errors.ForeignKeyViolation), db.transaction():
        make_guardian(db, there.clinic, practice.patient)


def claimed(db: Connection) -> list[Row]:
    """What a worker is handed of invitations; other messages are of no concern here."""
    with as_service(db):
        messages = every(db, "select * from worker.claim_notifications(100)")
    return [message for message in messages if message["kind"] == "guardian_invitation"]


def invite(db: Connection, practice: Practice, address: str = "new@people.example") -> Row:
    with as_patient(db, practice.user):
        return one(db, INVITE, practice.patient, address, None)


def test_an_invitation_is_mailed_once_in_the_patients_language(
    db: Connection, practice: Practice
) -> None:
    db.execute("update public.patients set locale = 'fr' where id = %s", [practice.patient])
    first = invite(db, practice)
    assert invite(db, practice)["id"] == first["id"], "asked again, it is the same"
    (message,) = claimed(db)
    assert message["notification_id"] == first["id"]
    assert message["recipient_address"] == "new@people.example"
    assert message["content"] == {"language": "fr"}
    assert message["recipient_name"] is None
    assert message["clinic_name"] == "Test Clinic"


@pytest.mark.parametrize("way", ["revoked", "accepted", "over", "erased"])
def test_an_invitation_that_no_longer_holds_is_not_mailed(
    db: Connection, practice: Practice, way: str
) -> None:
    user = make_user(db)
    invitation = invite(db, practice, f"{user}@people.example")
    if way == "revoked":
        with as_patient(db, practice.user):
            db.execute("select public.revoke_guardian_invitation(%s)", [invitation["id"]])
    elif way == "accepted":
        with as_user(db, user):
            db.execute(ACCEPT, [invitation["id"]])
    elif way == "over":
        db.execute(
            "update public.guardian_invitations set ends_at = now() where id = %s",
            [invitation["id"]],
        )
    else:
        with as_service(db):
            db.execute("select worker.erase_person(patient_id => %s)", [practice.patient])
    assert claimed(db) == []
    message = one(
        db, "select status::text, last_error from public.notifications where id = %s",
        invitation["id"],
    )  # fmt: skip
    assert message == {"status": "skipped", "last_error": "over"}


def test_nobody_floods_strangers_with_invitations(db: Connection, practice: Practice) -> None:
    with as_patient(db, practice.user):
        for number in range(20):
            invitation = one(db, INVITE, practice.patient, f"p{number}@people.example", None)
            db.execute("select public.revoke_guardian_invitation(%s)", [invitation["id"]])
        with refused(db, "limit_reached"):
            db.execute(INVITE, [practice.patient, "one.more@people.example", None])
