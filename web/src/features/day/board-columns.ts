import type { CalendarColumn, CalendarEntry, OpenSpan } from "../calendar/entries";
import type { Offerings } from "../desk/get-offerings";
import type { DayFrame } from "./day-frame";
import type { DayVisit } from "./day-visits";

export interface Board {
  columns: CalendarColumn[];
  entries: CalendarEntry[];
  open: OpenSpan[];
}

/** What the board needs to know that its data does not say. */
interface Ways {
  status: (visit: DayVisit) => string;
  blocked: string;
  elsewhere: string;
  noRoom: string;
  /** How far apart the starts of a visit's service lie. */
  interval: (visit: DayVisit) => number | undefined;
}

const MOVABLE = new Set(["pending", "booked"]);

/** A column for each provider who works or has visits on the day; for all if nobody does. */
export function boardOfProviders(
  providers: { id: string; full_name: string }[],
  visits: DayVisit[],
  frame: DayFrame,
  ways: Ways,
): Board {
  const busy = new Set([
    ...visits.map(({ provider_id }) => provider_id),
    ...frame.hours.map(({ provider_id }) => provider_id),
  ]);
  const here = providers.filter(({ id }) => busy.has(id));
  const shown = here.length > 0 ? here : providers;
  return {
    columns: shown.map(({ id, full_name }) => ({ id, title: full_name })),
    entries: [
      ...visits.map((visit) => entryOf(visit, [visit.provider_id], visit.services.name, ways)),
      ...frame.blocks.map((block) => ({
        id: `block:${block.id}`,
        columnIds: [block.providerId],
        startsAt: block.startsAt,
        endsAt: block.endsAt,
        title: block.reason ?? (block.isOurs ? ways.blocked : ways.elsewhere),
        detail: "",
        tone: "blocked",
        isMovable: false,
      })),
    ],
    open: frame.hours.map(({ provider_id, opens_at, closes_at }) => ({
      columnId: provider_id,
      opensAt: opens_at,
      closesAt: closes_at,
    })),
  };
}

const NO_ROOM = "none";

/** A column for each room and device; which one a visit gets is found when it is booked or moved. */
export function boardOfRooms(
  resources: Offerings["resources"],
  visits: DayVisit[],
  frame: DayFrame,
  ways: Ways,
): Board {
  const known = new Set(resources.map(({ id }) => id));
  const kept = new Map<string, string[]>();
  for (const { appointment_id, resource_id } of frame.rooms) {
    if (known.has(resource_id)) {
      kept.set(appointment_id, [...(kept.get(appointment_id) ?? []), resource_id]);
    }
  }
  const columns: CalendarColumn[] = resources.map(({ id, name }) => ({ id, title: name }));
  if (visits.some(({ id }) => !kept.has(id))) columns.push({ id: NO_ROOM, title: ways.noRoom });
  const spans = frame.hours.map(({ opens_at, closes_at }) => [opens_at, closes_at] as const);
  const from = spans.map(([opens]) => opens).sort()[0];
  const to = spans.map(([, closes]) => closes).sort().at(-1);
  return {
    columns,
    entries: visits.map((visit) =>
      entryOf(visit, kept.get(visit.id) ?? [NO_ROOM], visit.providers.full_name, ways)
    ),
    open: from && to
      ? columns.map(({ id }) => ({ columnId: id, opensAt: from, closesAt: to }))
      : [],
  };
}

function entryOf(
  visit: DayVisit,
  columnIds: string[],
  detail: string,
  ways: Ways,
): CalendarEntry {
  return {
    id: visit.id,
    columnIds,
    startsAt: visit.starts_at,
    endsAt: visit.ends_at,
    title: visit.patients.full_name,
    detail: `${ways.status(visit)} · ${detail}`,
    tone: visit.status,
    isMovable: MOVABLE.has(visit.status) && visit.session_id === null,
    stepMinutes: ways.interval(visit),
  };
}
