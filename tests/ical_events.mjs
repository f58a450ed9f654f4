// Reads calendars, a JSON list on standard input, with ical.js and prints the events of each.
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

ICAL.design.strict = true;
function seconds(property) {
  const time = property.getFirstValue();
  const tzid = property.getParameter("tzid");
  if (tzid && !ICAL.TimezoneService.has(tzid)) throw new Error(`no VTIMEZONE of ${tzid}`);
  const inZone = time.clone();
  if (tzid) inZone.zone = ICAL.TimezoneService.get(tzid);
  return inZone.toUnixTime();
}

function eventsOf(text) {
  const calendar = new ICAL.Component(ICAL.parse(text));
  if (calendar.getAllSubcomponents().length === 0) throw new Error("no component");
  ICAL.TimezoneService.reset();
  for (const zone of calendar.getAllSubcomponents("vtimezone")) {
    ICAL.TimezoneService.register(zone);
  }
  return calendar.getAllSubcomponents("vevent").map((event) => ({
    uid: event.getFirstPropertyValue("uid"),
    sequence: event.getFirstPropertyValue("sequence") ?? 0,
    status: event.getFirstPropertyValue("status") ?? "",
    summary: event.getFirstPropertyValue("summary") ?? "",
    location: event.getFirstPropertyValue("location") ?? "",
    starts_at: seconds(event.getFirstProperty("dtstart")),
    ends_at: seconds(event.getFirstProperty("dtend")),
  }));
}

const calendars = JSON.parse(readFileSync(0, "utf-8"));
process.stdout.write(JSON.stringify(calendars.map(eventsOf)));
