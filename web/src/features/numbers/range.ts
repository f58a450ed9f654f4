import { addDays, type Day, isDay } from "@/lib/zoned-time";

export const SPANS = [
  "4_weeks",
  "3_months",
  "12_months",
  "ahead",
  "own",
] as const;
export type Span = (typeof SPANS)[number];

export interface Range {
  from: Day;
  until: Day;
}

const DAYS: Record<Exclude<Span, "own">, [first: number, last: number]> = {
  "4_weeks": [-28, -1],
  "3_months": [-91, -1],
  "12_months": [-365, -1],
  ahead: [0, 27],
};

/** Spans end yesterday: today is not over. */
export function rangeOf(span: Exclude<Span, "own">, today: Day): Range {
  const [first, last] = DAYS[span];
  return { from: addDays(today, first), until: addDays(today, last) };
}

/** Why nothing can be counted from day to day, if so. */
export function mistakeOf(
  { from, until }: Range,
): "missing" | "order" | "too_long" | undefined {
  if (!isDay(from) || !isDay(until)) return "missing";
  if (from > until) return "order";
  return addDays(from, 399) < until ? "too_long" : undefined;
}
