/** What the calendar shows, in words of the clinic: columns, entries, and time that is closed. */
import type { Calendar as Core } from "@event-calendar/core";
import type { Day, Instant } from "@/lib/zoned-time";
import { drawnSpan, laterOnTheWall, wallText } from "./wall-clock";

/** One person or room, side by side with the others. */
export interface CalendarColumn {
  id: string;
  title: string;
  detail?: string | undefined;
}

export interface CalendarEntry {
  id: string;
  /** In which columns it stands; the week of one person has none. */
  columnIds?: string[];
  startsAt: Instant;
  endsAt: Instant;
  title: string;
  detail: string;
  /** The looks: the visit's status, or `blocked`. */
  tone: string;
  isMovable: boolean;
  /** It is moved by whole steps of so many minutes; left out, of five. */
  stepMinutes?: number | undefined;
}

/** Time in which a column is open; what is not is shaded. */
export interface OpenSpan {
  columnId?: string;
  opensAt: Instant;
  closesAt: Instant;
}

export function drawnEntries(
  entries: CalendarEntry[],
  zone: string,
): Core.EventInput[] {
  return entries.map((entry) => ({
    id: entry.id,
    ...drawnSpan(entry.startsAt, entry.endsAt, zone),
    ...(entry.columnIds && { resourceIds: entry.columnIds }),
    classNames: [`entry-${entry.tone}`],
    startEditable: entry.isMovable,
    extendedProps: { entry },
  }));
}

/** The closed time of each day and column: everything between midnights that is not open. */
export function drawnClosures(
  days: Day[],
  columns: CalendarColumn[] | undefined,
  open: OpenSpan[],
  zone: string,
): Core.EventInput[] {
  const shades: Core.EventInput[] = [];
  for (const column of columns ?? [undefined]) {
    const spans = open
      .filter(({ columnId }) => columnId === column?.id)
      .map(({ opensAt, closesAt }) => [wallText(opensAt, zone), wallText(closesAt, zone)] as const)
      .sort(([one], [other]) => one.localeCompare(other));
    for (const day of days) {
      for (const [start, end] of gaps(spans, `${day}T00:00`)) {
        shades.push({
          start,
          end,
          display: "background",
          classNames: ["closed"],
          ...(column && { resourceIds: [column.id] }),
        });
      }
    }
  }
  return shades;
}

function gaps(
  spans: (readonly [string, string])[],
  midnight: string,
): [string, string][] {
  const end = laterOnTheWall(midnight, 24 * 60);
  const found: [string, string][] = [];
  let from = midnight;
  for (const [opens, closes] of spans) {
    if (closes <= from || opens >= end) continue;
    if (opens > from) found.push([from, opens]);
    from = closes;
  }
  if (from < end) found.push([from, end]);
  return found;
}

/** Whole hours around everything that is open or booked, at least six of them. */
export function shownHours(
  open: OpenSpan[],
  entries: CalendarEntry[],
  zone: string,
): { first: number; last: number } {
  const spans = [
    ...open.map(({ opensAt, closesAt }) => drawnSpan(opensAt, closesAt, zone)),
    ...entries.map(({ startsAt, endsAt }) => drawnSpan(startsAt, endsAt, zone)),
  ];
  const first = spans.map(({ start }) => Number(start.slice(11, 13)));
  const last = spans.map(({ start, end }) =>
    end.slice(0, 10) > start.slice(0, 10) ? 24 : Math.ceil(minutesOf(end) / 60)
  );
  const from = Math.min(9, ...first);
  return {
    first: from,
    last: Math.max(from + 6, Math.min(24, Math.max(...last, 17))),
  };
}

function minutesOf(wall: string): number {
  return Number(wall.slice(11, 13)) * 60 + Number(wall.slice(14, 16));
}
