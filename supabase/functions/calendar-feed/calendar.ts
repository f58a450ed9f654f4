// Writes a feed as an iCalendar object: escaped, folded, with the rules of every zone it uses.

import type { Feed } from "./database.ts";
import { Zone } from "./zone.ts";

const encoder = new TextEncoder();
const LONGEST_LINE = 75;
const DAY = 86_400_000;

const WORDS: Record<string, { busy: string; visit: string }> = {
  de: { busy: "Belegt", visit: "Termin bei {clinic}" },
  en: { busy: "Busy", visit: "Appointment at {clinic}" },
  es: { busy: "Ocupado", visit: "Cita en {clinic}" },
  fr: { busy: "Occupé", visit: "Rendez-vous chez {clinic}" },
};

export function calendarOf(feed: Feed): string {
  const words = WORDS[feed.locale.slice(0, 2).toLowerCase()] ?? WORDS.en;
  const name = feed.owner_name ?? feed.clinic_name;
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Appoint//Calendar feed//EN",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
    folded(`NAME:${escaped(name)}`),
    folded(`X-WR-CALNAME:${escaped(name)}`),
    "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    "X-PUBLISHED-TTL:PT1H",
  ];
  const zones = zonesOf(feed);
  for (const zone of zones.values()) lines.push(...zone.rules());
  for (let i = 0; i < feed.ids.length; i++) {
    const zone = zones.get(feed.zones[i])!;
    lines.push(
      "BEGIN:VEVENT",
      `UID:${feed.ids[i]}@appoint`,
      `SEQUENCE:${feed.versions[i] - 1}`,
      `DTSTAMP:${utc(feed.changed[i])}`,
      `LAST-MODIFIED:${utc(feed.changed[i])}`,
      `DTSTART${zone.shown(feed.starts[i])}`,
      `DTEND${zone.shown(feed.ends[i])}`,
      folded(`SUMMARY:${escaped(titleOf(feed, i, words))}`),
      folded(`LOCATION:${escaped(feed.places[i])}`),
      feed.statuses[i] === "pending" ? "STATUS:TENTATIVE" : "STATUS:CONFIRMED",
      "CLASS:PRIVATE",
      "END:VEVENT",
    );
  }
  lines.push("END:VCALENDAR", "");
  return lines.join("\r\n");
}

function titleOf(feed: Feed, i: number, words: { busy: string; visit: string }): string {
  if (feed.services !== null) {
    return [feed.services[i], feed.people?.[i]].filter(Boolean).join(", ");
  }
  return feed.is_of_provider ? words.busy : words.visit.replace("{clinic}", feed.clinic_name);
}

/** The zones of all events, each knowing its clock changes from the first to the last of them. The
 * clinic's is always among them: a calendar without any component would be none. */
function zonesOf(feed: Feed): Map<string, Zone> {
  const today = Math.floor(Date.now() / DAY) * DAY / 1000;
  let first = feed.starts[0] ?? today;
  let last = feed.ends[0] ?? today;
  for (const time of feed.starts) first = Math.min(first, time);
  for (const time of feed.ends) last = Math.max(last, time);
  const zones = new Map<string, Zone>();
  for (const name of [feed.clinic_time_zone, ...feed.zones]) {
    if (!zones.has(name)) zones.set(name, new Zone(name, first, last));
  }
  return zones;
}

/** Text as a property value; control characters have no place in one. */
function escaped(text: string): string {
  return text.replace(/[\\;,]/g, "\\$&").replace(/\r?\n|\r/g, "\\n")
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x1f\x7f]/g, "");
}

/** A line of at most 75 octets, continued on the next ones; no character is cut in two. */
function folded(line: string): string {
  // deno-lint-ignore no-control-regex
  if (line.length <= LONGEST_LINE && !/[^\x00-\x7f]/.test(line)) return line;
  let octets = 0;
  let text = "";
  for (const character of line) {
    const size = encoder.encode(character).length;
    if (octets + size > LONGEST_LINE) {
      text += "\r\n ";
      octets = 1;
    }
    text += character;
    octets += size;
  }
  return text;
}

function utc(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/[-:]|\.\d{3}/g, "");
}
