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

/**
 * What to ask for when somebody clicks a start. With several people free at one place, the database
 * chooses fairly among them; with several places, one is chosen here, for the patient must know
 * where to go.
 */
export function choiceOf(
  start: Start,
): { at: string; provider: string | null; place: string } | null {
  const [first] = start.slots;
  if (!first) return null;
  const isOnePlace = start.slots.every((slot) => slot.location_id === first.location_id);
  const isOpen = isOnePlace && start.slots.length > 1;
  return {
    at: start.startsAt,
    provider: isOpen ? null : first.provider_id,
    place: first.location_id,
  };
}
