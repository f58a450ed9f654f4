"""Structured logs: one JSON object a line on standard error, for people and machines alike.

A record carries an `action`, ids and durations; never names, contacts, reasons or secrets. For the
same reason an exception is logged as its type and place, not its message, which could quote data.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

# Set for the length of one request, so that every line written meanwhile can be found together.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

FRAMES_SHOWN = 6
QUIET_LIBRARIES = ("httpx", "httpcore", "websockets", "asyncio", "resend", "hpack")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}


class JsonFormatter(logging.Formatter):
    """Formats `logger.info("mail_sent", extra={"notification_id": …})` as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "action": record.getMessage(),
            "logger": record.name,
        }
        if current := request_id.get():
            line["request_id"] = current
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _places(record.exc_info[2])
        return json.dumps(line, default=str, ensure_ascii=False)


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-FRAMES_SHOWN:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]


def set_up_logs(level: str = "INFO") -> None:
    """Send every log record of this process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for library in QUIET_LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)
    # It logs whole messages; what matters of its state is logged by whoever uses it.
    logging.getLogger("realtime").setLevel(logging.CRITICAL)
