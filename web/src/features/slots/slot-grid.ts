import { type Day, wallClock } from "@/lib/zoned-time";
import type { Slot } from "./open-slots";

export type PartOfDay = "morning" | "afternoon" | "evening";
export const PARTS: PartOfDay[] = ["morning", "afternoon", "evening"];

/** One start with everybody who is free then; `isTaken` once nobody is any more. */
export interface Start {
  startsAt: string;
  endsAt: string;
  part: PartOfDay;
  slots: Slot[];
  isTaken: boolean;
}

export type Grid = Map<Day, Start[]>;

export function slotKey(slot: Slot): string {
  return `${slot.starts_at} ${slot.provider_id} ${slot.location_id}`;
}

/**
 * Free times by day in the zone. `gone` are slots that were shown and are not free any more: they
 * stay where they were, as taken, so that nothing jumps under a finger.
 */
export function gridOf(free: Slot[], gone: Slot[], zone: string): Grid {
  const starts = new Map<string, Start & { day: Day }>();
  const add = (slot: Slot, isFree: boolean) => {
    const start = starts.get(slot.starts_at) ?? newStart(slot, zone);
    starts.set(slot.starts_at, start);
    if (isFree) start.slots.push(slot);
  };
  for (const slot of free) add(slot, true);
  for (const slot of gone) add(slot, false);

  const grid: Grid = new Map();
  const byTime = [...starts.values()].sort((one, other) =>
    Date.parse(one.startsAt) - Date.parse(other.startsAt)
  );
  for (const { day, ...start } of byTime) {
    const ofDay = grid.get(day) ?? [];
    ofDay.push({ ...start, isTaken: start.slots.length === 0 });
    grid.set(day, ofDay);
  }
  return grid;
}

/** The time of day that the zone's clock shows then. */
export function partOf(instant: string, zone: string): PartOfDay {
  return partOfHour(wallClock(instant, zone).hour);
}

function partOfHour(hour: number): PartOfDay {
  return hour < 12 ? "morning" : hour < 17 ? "afternoon" : "evening";
}

function newStart(slot: Slot, zone: string): Start & { day: Day } {
  const { day, hour } = wallClock(slot.starts_at, zone);
  return {
    day,
    startsAt: slot.starts_at,
    endsAt: slot.ends_at,
    part: partOfHour(hour),
    slots: [],
    isTaken: false,
  };
}

export function freeStarts(
  starts: Start[] | undefined,
  part: PartOfDay | null,
): Start[] {
  return (starts ?? []).filter((start) => !start.isTaken && (!part || start.part === part));
}

/** What to ask for when somebody clicks a start. */
export interface SlotChoice {
  at: string;
  /** Null: whoever is free there, chosen fairly by the database. */
  provider: string | null;
  /** Chosen in any case, for the patient must know where to go. */
  place: string;
}

export function choiceOf(start: Start): SlotChoice | null {
  const [first] = start.slots;
  if (!first) return null;
  const there = start.slots.filter(({ location_id }) => location_id === first.location_id);
  return {
    at: start.startsAt,
    provider: there.length > 1 ? null : first.provider_id,
    place: first.location_id,
  };
}

/** For a visit that moves: with whom it is now if they are free, else with anybody who is. */
export function slotToMoveTo(
  start: Start,
  visit: { provider_id: string },
): Slot | undefined {
  return start.slots.find(({ provider_id }) => provider_id === visit.provider_id) ??
    start.slots[Math.floor(Math.random() * start.slots.length)];
}
