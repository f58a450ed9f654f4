import type { Slot } from "../slots/open-slots";

export type Manner = "in_turn" | "at_once";

/** One person's visit, with every time at which it could be. */
export interface Wanted {
  slots: Slot[];
  bufferBefore: number;
  bufferAfter: number;
}

/** One time for each of those wanted, in their order. */
export type Plan = Slot[];

// Longer than this, people would rather come twice.
const LONGEST_WAIT = 30 * 60_000;

/**
 * Ways for several people to come together, by time: all at the same place, one after another or all
 * at once, each with somebody who is free. The database has the last word when one of them is booked.
 */
export function plansFor(
  wanted: Wanted[],
  manner: Manner,
  most: number,
): Plan[] {
  const [first, ...others] = wanted.map(indexed);
  if (!first) return [];
  const plans: Plan[] = [];
  const seen = new Set<string>();
  for (const slot of first.slots) {
    if (plans.length === most) break;
    const plan = manner === "in_turn"
      ? inTurn([slot], [first, ...others])
      : atOnce([slot], [first, ...others]);
    const times = plan?.map(({ starts_at }) => starts_at).join(" ");
    if (plan && times && !seen.has(times)) {
      seen.add(times);
      plans.push(plan);
    }
  }
  return plans;
}

interface Indexed extends Wanted {
  byStart: Map<number, Slot[]>;
  starts: number[];
}

function indexed(wanted: Wanted): Indexed {
  const byStart = new Map<number, Slot[]>();
  for (const slot of wanted.slots) {
    const start = Date.parse(slot.starts_at);
    byStart.set(start, [...byStart.get(start) ?? [], slot]);
  }
  return {
    ...wanted,
    byStart,
    starts: [...byStart.keys()].sort((one, other) => one - other),
  };
}

function inTurn(plan: Plan, wanted: Indexed[]): Plan | null {
  const next = wanted[plan.length];
  const before = plan.at(-1);
  const gave = wanted[plan.length - 1];
  if (!next) return plan;
  if (!before || !gave) return null;
  const end = Date.parse(before.ends_at);
  for (const start of next.starts) {
    if (start < end) continue;
    if (start > end + LONGEST_WAIT) return null;
    for (const slot of next.byStart.get(start) ?? []) {
      if (slot.location_id !== before.location_id) continue;
      const isClear = slot.provider_id !== before.provider_id ||
        start - end >= (gave.bufferAfter + next.bufferBefore) * 60_000;
      const whole = isClear && inTurn([...plan, slot], wanted);
      if (whole) return whole;
    }
  }
  return null;
}

function atOnce(plan: Plan, wanted: Indexed[]): Plan | null {
  const next = wanted[plan.length];
  const [first] = plan;
  if (!next || !first) return plan;
  for (const slot of next.byStart.get(Date.parse(first.starts_at)) ?? []) {
    const fits = slot.location_id === first.location_id &&
      plan.every(({ provider_id }) => provider_id !== slot.provider_id);
    const whole = fits && atOnce([...plan, slot], wanted);
    if (whole) return whole;
  }
  return null;
}
