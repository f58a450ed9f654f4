/** An iCalendar file (RFC 5545) of one visit, made in the browser for "Add to calendar". */
export interface CalendarVisit {
  id: string;
  version: number;
  startsAt: string;
  endsAt: string;
  title: string;
  place: string;
  description: string;
  isCancelled?: boolean;
}

export function calendarFile(visit: CalendarVisit, writtenAt: Date): string {
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Appoint//Web//EN",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
    "BEGIN:VEVENT",
    // The same as in our mails, so that calendars know it is the same visit.
    `UID:${visit.id}@appoint`,
    `SEQUENCE:${visit.version}`,
    `DTSTAMP:${stamp(writtenAt)}`,
    `DTSTART:${stamp(new Date(visit.startsAt))}`,
    `DTEND:${stamp(new Date(visit.endsAt))}`,
    `SUMMARY:${escaped(visit.title)}`,
    `LOCATION:${escaped(visit.place)}`,
    `DESCRIPTION:${escaped(visit.description)}`,
    `STATUS:${visit.isCancelled ? "CANCELLED" : "CONFIRMED"}`,
    "END:VEVENT",
    "END:VCALENDAR",
  ];
  return lines.map(folded).join("\r\n") + "\r\n";
}

function stamp(instant: Date): string {
  return instant.toISOString().replace(/[-:]/g, "").replace(/\.\d+/, "");
}

function escaped(text: string): string {
  return text.replace(/([\\;,])/g, "\\$1").replace(/\r?\n/g, "\\n");
}

/** Lines hold at most 75 octets; a character of several octets is never cut. */
function folded(line: string): string {
  const encoder = new TextEncoder();
  const pieces: string[] = [];
  let piece = "";
  let size = 0;
  for (const character of line) {
    const octets = encoder.encode(character).length;
    if (size + octets > (pieces.length ? 74 : 75)) {
      pieces.push(piece);
      piece = "";
      size = 0;
    }
    piece += character;
    size += octets;
  }
  return [...pieces, piece].join("\r\n ");
}
