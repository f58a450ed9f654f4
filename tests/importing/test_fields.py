"""The shape of single fields."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appoint.importing import fields
from appoint.importing.us_time_zones import time_zone_of

AN_ID = "2d85c411-b7bb-3133-8903-276c2e31f452"


@pytest.mark.parametrize(
    ("check", "value", "reason"),
    [
        (fields.uuid, "", "missing_value"),
        (fields.uuid, "7", "bad_id"),
        (fields.uuid, AN_ID.replace("-", ""), "bad_id"),
        (fields.uuid, f"{{{AN_ID}}}", "bad_id"),
        (fields.uuid, AN_ID.replace("2", "２"), "bad_id"),
        (fields.text, "", "missing_value"),
        (fields.text, "x" * (fields.LONGEST_VALUE + 1), "value_too_long"),
        (fields.optional_text, "x" * (fields.LONGEST_VALUE + 1), "value_too_long"),
        (fields.calendar_date, "", "missing_value"),
        (fields.calendar_date, "2023-02-29", "bad_date"),
        (fields.calendar_date, "20230228", "bad_date"),
        (fields.calendar_date, "28.02.2023", "bad_date"),
        (fields.calendar_date, "1677448800", "bad_date"),
        (fields.calendar_date, "infinity", "bad_date"),
        (fields.instant, "", "missing_value"),
        (fields.instant, "2023-02-28", "bad_time"),
        (fields.instant, "2023-02-28T10:00:00", "bad_time"),
        (fields.instant, "2023-02-30T10:00:00Z", "bad_time"),
        (fields.instant, "2023-02-28T25:00:00Z", "bad_time"),
        (fields.instant, "1677448800", "bad_time"),
        (fields.instant, "now", "bad_time"),
    ],
)
def test_a_field_of_the_wrong_shape_has_a_reason_and_is_not_repeated(
    check: Callable[[str], object], value: str, reason: str
) -> None:
    with pytest.raises(fields.BadField) as bad:
        check(value)
    assert bad.value.reason == reason
    assert str(bad.value) == reason


def test_good_fields_come_out_in_one_form() -> None:
    assert fields.uuid(AN_ID.upper()) == AN_ID
    assert fields.text("Dvořák") == "Dvořák"
    assert fields.optional_text("") is None
    assert fields.calendar_date("1996-02-29") == "1996-02-29"
    assert fields.instant("2023-01-27T16:17:47Z") == "2023-01-27T16:17:47+00:00"
    assert fields.instant("2023-01-27T16:17:47-05:00") == "2023-01-27T16:17:47-05:00"


@pytest.mark.parametrize(
    ("state", "zone"),
    [
        ("MA", "America/New_York"),
        ("az", "America/Phoenix"),
        (" HI ", "Pacific/Honolulu"),
        ("ZZ", "Europe/Vienna"),
        ("", "Europe/Vienna"),
    ],
)
def test_a_state_names_its_time_zone_and_everything_else_the_given_one(
    state: str, zone: str
) -> None:
    assert time_zone_of(state, "Europe/Vienna") == zone
