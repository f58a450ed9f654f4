"""Reads iCalendar as it is found: what breaks the rules is left out and noted where it stood.

Calendar programs write years before the first, zones that only they know, and lines that are none.
That must hide neither the other events nor the event itself, as long as it says when it is.
"""

from __future__ import annotations

import re
import warnings

from icalendar import Calendar, ComponentFactory, TypesFactory
from icalendar.error import GloballyUniqueTZIDGuessed
from icalendar.parser import Contentline, Parameters
from icalendar.parser.ical import CalendarIcalParser

# What a zone's rules need. The library that follows them refuses the rest, parameters too.
ZONES = {"VTIMEZONE", "STANDARD", "DAYLIGHT"}
ZONE_RULES = {"TZID", "DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE"}
MAY_BE_EMPTY = {"EXDATE", "FREEBUSY"}


def calendars_of(content: bytes) -> list[Calendar]:
    """The calendars in there; each component's `errors` begin with the names of what was left out.

    Raises ValueError for what is no iCalendar.
    """
    parser = _Lenient(
        content.removeprefix(b"\xef\xbb\xbf"), ComponentFactory(), TypesFactory.instance()
    )
    with warnings.catch_warnings():
        # /vendor/Europe/Zurich is Europe/Zurich.
        warnings.simplefilter("ignore", GloballyUniqueTZIDGuessed)
        return [found for found in parser.parse() if isinstance(found, Calendar)]


class _Lenient(CalendarIcalParser):
    """Leaves out properties and zones that it cannot read, and goes on."""

    def parse_content_lines(self) -> None:
        for line in filter(None, self._content_lines_iterator):
            try:
                name, params, value = line.parts()
            except ValueError:
                self._leave_out(re.split("[:;]", line, maxsplit=1)[0])
                continue
            match name.upper():
                case "BEGIN":
                    self.handle_begin_component(value)
                case "END":
                    self.handle_end_component(value)
                case name:
                    self.handle_property(name, params, value, line)

    def handle_property(self, name: str, params: Parameters, vals: str, line: Contentline) -> None:
        if self.component is not None and self.component.name in ZONES:
            if name not in ZONE_RULES:
                return
            params = Parameters()
        if name in MAY_BE_EMPTY and not vals:
            return
        if name in self.datetime_names and "T" not in vals.upper():
            # A day has no zone; with one it would be read as its first moment.
            params.pop("TZID", None)
        try:
            super().handle_property(name, params, vals, line)
        except MemoryError:
            raise
        except Exception:
            # Libraries raise anything for nonsense.
            self._leave_out(name)

    def handle_property_parse_error(self, exception: Exception, *_: object) -> None:
        raise exception

    def handle_end_component(self, vals: str) -> None:
        is_zone = self.component is not None and self.component.name == "VTIMEZONE"
        try:
            super().handle_end_component(vals)
        except MemoryError:
            raise
        except Exception:
            # A zone that cannot be followed may still be known by its name.
            if not is_zone:
                raise

    def _leave_out(self, name: str) -> None:
        if self.component is None:
            raise ValueError("outside of any component")
        self.component.errors.append((name.upper(), "left out"))
