// Reads a calendar on standard input with ical.js and prints its events as JSON.
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

ICAL.design.strict = true;
const calendar = new ICAL.Component(ICAL.parse(readFileSync(0, "utf-8")));
for (const zone of calendar.getAllSubcomponents("vtimezone")) {
  ICAL.TimezoneService.register(zone);
}

function seconds(property) {
  const time = property.getFirstValue();
  const tzid = property.getParameter("tzid");
  if (tzid && !ICAL.TimezoneService.has(tzid)) throw new Error(`no VTIMEZONE of ${tzid}`);
  const zone = tzid ? ICAL.TimezoneService.get(tzid) : time.zone;
  return time.convertToZone === undefined ? null : shift(time, zone).toUnixTime();
}

function shift(time, zone) {
  const inZone = time.clone();
  inZone.zone = zone;
  return inZone;
}

const events = calendar.getAllSubcomponents("vevent").map((event) => ({
  uid: event.getFirstPropertyValue("uid"),
  sequence: event.getFirstPropertyValue("sequence") ?? 0,
  status: event.getFirstPropertyValue("status") ?? "",
  summary: event.getFirstPropertyValue("summary") ?? "",
  location: event.getFirstPropertyValue("location") ?? "",
  starts_at: seconds(event.getFirstProperty("dtstart")),
  ends_at: seconds(event.getFirstProperty("dtend")),
}));
process.stdout.write(JSON.stringify(events));
