"""The pains that other schedulers' trackers are full of: each is impossible here."""

from __future__ import annotations

from dataclasses import replace

from tests.people import (
    Connection,
    as_patient,
    as_user,
    at,
    book,
    call,
    every,
    insert,
    make_member,
    make_patient,
    make_practice,
    make_provider,
    make_service,
    make_user,
    one,
    refused,
)


def test_two_pending_requests_both_confirmed(db: Connection) -> None:
    practice = make_practice(db, needs_approval=True)
    rival = make_user(db)
    make_patient(db, practice.clinic, rival)
    wanted = {"service_id": practice.service, "starts_at": at(9)}
    with as_patient(db, practice.user):
        request = call(db, "public.book_appointment", **wanted)
        assert request["status"] == "pending"
    with as_patient(db, rival), refused(db, "slot_taken"):
        call(db, "public.book_appointment", **wanted)
    with as_user(db, make_member(db, practice.clinic, "front_desk")):
        approved = call(
            db,
            "public.change_appointment_status",
            appointment_id=request["id"],
            status="booked",
        )
    assert approved["status"] == "booked"
    assert one(db, "select count(*) from public.appointments")["count"] == 1


def test_hold_ignored_at_booking(db: Connection) -> None:
    practice = make_practice(db)
    rival = make_user(db)
    make_patient(db, practice.clinic, rival)
    wanted = {"service_id": practice.service, "starts_at": at(9)}
    with as_patient(db, practice.user):
        hold = call(db, "public.hold_slot", provider_id=practice.provider, **wanted)
    with as_patient(db, rival), refused(db, "slot_taken"):
        call(db, "public.book_appointment", **wanted)
    with as_patient(db, practice.user):
        visit = call(db, "public.book_appointment", hold_id=hold["id"], **wanted)
    assert (visit["id"], visit["status"]) == (hold["id"], "booked")


def test_rebooking_blocked_after_cancel(db: Connection) -> None:
    practice = make_practice(db)
    wanted = {"service_id": practice.service, "starts_at": at(9)}
    with as_patient(db, practice.user):
        for _ in range(3):
            visit = call(db, "public.book_appointment", **wanted)
            call(db, "public.cancel_appointment", appointment_id=visit["id"])
        call(db, "public.book_appointment", **wanted)


def test_buffer_bypassed_by_a_neighbouring_service(db: Connection) -> None:
    practice = make_practice(db, buffer_after_minutes=15)
    plain = make_service(db, practice.clinic)
    insert(
        db,
        "public.provider_services",
        clinic_id=practice.clinic,
        provider_id=practice.provider,
        service_id=plain,
    )
    neighbour = replace(practice, service=plain, patient=make_patient(db, practice.clinic))
    book(db, practice, at(9))
    with refused(db, "slot_taken"):
        book(db, neighbour, at(9.5))
    book(db, neighbour, at(9.75))
    # And the other way round: a visit may not keep a buffer in which somebody else is seen.
    with refused(db, "slot_taken"):
        book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(9.75 - 0.5))


def test_tampered_start_accepted(db: Connection) -> None:
    practice = make_practice(db, hours={"opens": "09:00", "closes": "12:00"})
    with as_patient(db, practice.user):
        for function in ("public.book_appointment", "public.hold_slot"):
            for starts_at in (at(9 + 1 / 60), at(8.75), at(11.75), at(9 + 1 / 3600)):
                with refused(db, "outside_availability"):
                    call(
                        db,
                        function,
                        service_id=practice.service,
                        starts_at=starts_at,
                        provider_id=practice.provider,
                    )
        visit = call(db, "public.book_appointment", service_id=practice.service, starts_at=at(9))
        with refused(db, "outside_availability"):
            call(
                db,
                "public.reschedule_appointment",
                appointment_id=visit["id"],
                starts_at=at(10 + 1 / 60),
            )


def test_any_provider_picks_a_busy_one(db: Connection) -> None:
    practice = make_practice(db)
    colleague = make_provider(db, practice.clinic, practice.location, (practice.service,))
    # The colleague, whose turn it would be, is busy; by another service at that.
    other = make_service(db, practice.clinic, duration_minutes=120)
    insert(
        db,
        "public.provider_services",
        clinic_id=practice.clinic,
        provider_id=colleague,
        service_id=other,
    )
    book(db, replace(practice, provider=practice.provider), at(15))
    patient = make_patient(db, practice.clinic)
    book(db, replace(practice, service=other, provider=colleague, patient=patient), at(8))
    wanted = {"service_id": practice.service, "starts_at": at(9)}
    with as_patient(db, practice.user):
        visit = call(db, "public.book_appointment", **wanted)
    assert visit["provider_id"] == practice.provider
    with refused(db, "slot_taken"):
        call(db, "public.book_appointment", patient_id=make_patient(db, practice.clinic), **wanted)


def test_expired_hold_blocks(db: Connection) -> None:
    practice = make_practice(db)
    rival = make_user(db)
    make_patient(db, practice.clinic, rival)
    wanted = {"service_id": practice.service, "starts_at": at(9)}
    with as_patient(db, practice.user):
        hold = call(db, "public.hold_slot", provider_id=practice.provider, **wanted)
    db.execute("update public.appointments set hold_expires_at = now()")
    with as_patient(db, rival):
        offered = one(
            db,
            "select starts_at from public.open_slots(%s, %s, %s)",
            practice.service,
            at(9),
            at(10),
        )
        assert offered["starts_at"] == at(9)
        call(db, "public.book_appointment", **wanted)
    with as_patient(db, practice.user), refused(db, "hold_expired"):
        call(db, "public.book_appointment", hold_id=hold["id"], **wanted)


def test_seats_split(db: Connection) -> None:
    practice = make_practice(db, capacity=8)
    other = make_user(db)
    make_patient(db, practice.clinic, other)
    planned = {"service_id": practice.service, "provider_id": practice.provider}
    session = insert(db, "public.group_sessions", starts_at=at(9), **planned)
    # Everybody sits in the one session: no second one, no visit beside it, no seat elsewhere.
    with refused(db, "slot_taken"):
        insert(db, "public.group_sessions", starts_at=at(9.25), **planned)
    with refused(db, "slot_taken"):
        book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(9))
    seats = []
    for user in (practice.user, other):
        with as_patient(db, user):
            seats.append(call(db, "public.join_session", session_id=session["id"]))
            with refused(db, "not_allowed"):
                call(
                    db,
                    "public.reschedule_appointment",
                    appointment_id=seats[-1]["id"],
                    starts_at=at(12),
                )
    db.execute("update public.group_sessions set starts_at = %s", [at(10)])
    moved = every(db, "select starts_at, session_id from public.appointments")
    assert moved == [{"starts_at": at(10), "session_id": session["id"]}] * 2


def test_series_half_made(db: Connection) -> None:
    practice = make_practice(db)
    in_the_way = book(
        db, replace(practice, patient=make_patient(db, practice.clinic)), at(9, days=9)
    )
    with as_patient(db, practice.user), refused(db, "slot_taken"):
        db.execute(
            "select public.book_series(%s, %s, 'FREQ=WEEKLY;COUNT=4')",
            [practice.service, at(9)],
        )
    assert every(db, "select id from public.appointments") == [{"id": in_the_way["id"]}]
    assert every(db, "select from public.appointment_series") == []
    assert one(db, "select count(*) from public.appointment_events") == {"count": 1}


def test_reschedule_loses_the_old_slot_on_failure(db: Connection) -> None:
    practice = make_practice(db, hours={"opens": "09:00", "closes": "12:00"})
    visit = book(db, practice, at(9))
    book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(10))
    ledger = "select * from private.reservations where appointment_id = %s order by id"
    kept = every(db, ledger, visit["id"])
    for starts_at, key in (
        (at(10), "slot_taken"),
        (at(15), "outside_availability"),
        (at(9, days=400), "too_far_ahead"),
        (at(9, days=-1), "too_soon"),
    ):
        with as_patient(db, practice.user), refused(db, key):
            call(
                db,
                "public.reschedule_appointment",
                appointment_id=visit["id"],
                starts_at=starts_at,
            )
    after = one(db, "select * from public.appointments where id = %s", visit["id"])
    assert after == visit
    assert every(db, ledger, visit["id"]) == kept
    # What succeeds keeps the identity, and gives the old time back.
    with as_patient(db, practice.user):
        moved = call(
            db, "public.reschedule_appointment", appointment_id=visit["id"], starts_at=at(11)
        )
    assert (moved["id"], moved["version"], moved["starts_at"]) == (visit["id"], 2, at(11))
    book(db, replace(practice, patient=make_patient(db, practice.clinic)), at(9))


def test_reschedule_of_a_cancelled_visit(db: Connection) -> None:
    practice = make_practice(db)
    visit = book(db, practice, at(9))
    with as_patient(db, practice.user):
        call(db, "public.cancel_appointment", appointment_id=visit["id"])
        with refused(db, "illegal_transition"):
            call(db, "public.reschedule_appointment", appointment_id=visit["id"], starts_at=at(11))
    with refused(db, "illegal_transition"):
        db.execute(
            "update public.appointments set starts_at = %s where id = %s", [at(11), visit["id"]]
        )
    after = one(db, "select * from public.appointments where id = %s", visit["id"])
    assert (after["starts_at"], after["status"]) == (at(9), "cancelled")
    assert every(db, "select from private.reservations") == []
