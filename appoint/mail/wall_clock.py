"""Says when an appointment is, as a clock on the wall of its place shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from appoint.mail.notification import Notification


def date_in_words(notification: Notification, dates: dict[str, Any]) -> str:
    """The local date, e.g. "Tuesday, 3 March 2026"."""
    return _date(_local(notification.starts_at, notification), dates)


def deadline_in_words(notification: Notification, dates: dict[str, Any]) -> str | None:
    """Until when to answer, e.g. "Tuesday, 3 March 2026, 9:30 am"; None if nothing is asked."""
    if notification.answer_by is None:
        return None
    local = _local(notification.answer_by, notification)
    return f"{_date(local, dates)}, {_time(local, dates)}"


def time_span_in_words(notification: Notification, dates: dict[str, Any]) -> str:
    """The local start and end, e.g. "9:30 am – 10:00 am"."""
    start = _local(notification.starts_at, notification)
    end = _local(notification.ends_at, notification)
    return f"{_time(start, dates)} – {_time(end, dates)}"


def zone_in_words(notification: Notification) -> str:
    """The zone in force at the start: its name and, as names are ambiguous, its offset."""
    start = _local(notification.starts_at, notification)
    offset = start.strftime("%z")
    return f"{notification.time_zone.key.replace('_', ' ')}, UTC{offset[:3]}:{offset[3:5]}"


def _local(instant: datetime, notification: Notification) -> datetime:
    return instant.astimezone(notification.time_zone)


def _date(local: datetime, dates: dict[str, Any]) -> str:
    pattern: str = dates["date"]
    return pattern.format(
        weekday=dates["weekdays"][local.weekday()],
        day=local.day,
        month=dates["months"][local.month - 1],
        year=local.year,
    )


def _time(local: datetime, dates: dict[str, Any]) -> str:
    if dates["clock"] == 24:
        return f"{local.hour:02}:{local.minute:02}"
    half = dates["halves"][local.hour // 12]
    return f"{(local.hour - 1) % 12 + 1}:{local.minute:02} {half}"
