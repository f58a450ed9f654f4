/** Weekly hours as people edit them: all of a provider's week at one place, from one day on. */
import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import type { Database } from "@/lib/database-types";
import { addDays, type Day } from "@/lib/zoned-time";
import { type OutsideVisit, whoseVisits } from "./visits-outside";

type Row = Database["public"]["Tables"]["weekly_hours"]["Row"];

/** ISO: 1 is Monday. */
export const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7] as const;

export interface Hours {
  /** Tells the lines of a form apart; the database gives rows new ids with each change. */
  key: string;
  weekday: number;
  /** `HH:MM` on the wall of the place; midnight at the end of the day is 00:00. */
  opens: string;
  closes: string;
  cycleWeeks: number;
  /** A day of a week that is one of the cycle; null: the first day that the change holds. */
  cycleFrom: Day | null;
  /** The last day; null: until further notice. */
  validUntil: Day | null;
}

export function weeklyHoursQuery(providerId: string) {
  return queryOptions({
    queryKey: ["weekly-hours", providerId],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("weekly_hours")
          .select(
            `id, location_id, weekday, opens, closes, cycle_weeks, cycle_from, valid_from,
             valid_until`,
          )
          .eq("provider_id", providerId)
          .order("weekday")
          .order("opens"),
      ),
    meta: { isPersonal: true },
  });
}

export type WeekRow = Pick<
  Row,
  | "id"
  | "location_id"
  | "weekday"
  | "opens"
  | "closes"
  | "cycle_weeks"
  | "cycle_from"
  | "valid_from"
  | "valid_until"
>;

/** The week that holds at a place on that day. */
export function weekOn(
  rows: readonly WeekRow[],
  locationId: string,
  day: Day,
): Hours[] {
  return rows
    .filter((row) =>
      row.location_id === locationId && row.valid_from <= day &&
      (row.valid_until === null || row.valid_until >= day)
    )
    .map((row) => ({
      key: row.id,
      weekday: row.weekday,
      opens: row.opens.slice(0, 5),
      closes: row.closes.startsWith("24") ? "00:00" : row.closes.slice(0, 5),
      cycleWeeks: row.cycle_weeks,
      cycleFrom: row.cycle_weeks === 1 ? null : row.cycle_from ?? row.valid_from,
      validUntil: row.valid_until,
    }));
}

/** The days after today on which other hours begin to hold, or hours end, at a place. */
export function changesAhead(
  rows: readonly WeekRow[],
  locationId: string,
  today: Day,
): Day[] {
  const days = rows
    .filter((row) => row.location_id === locationId)
    .flatMap(({ valid_from, valid_until }) =>
      valid_until === null ? [valid_from] : [valid_from, addDays(valid_until, 1)]
    )
    .filter((day) => day > today);
  return [...new Set(days)].sort();
}

/** The day after which nothing of a week holds; empty if its hours end on different days, or never. */
export function lastDayOf(week: readonly Hours[]): Day | "" {
  const [day, ...others] = new Set(week.map(({ validUntil }) => validUntil ?? ""));
  return others.length === 0 ? day ?? "" : "";
}

/** Which lines cannot be meant: no span, or one that runs into another of the same weekday. */
export function mistakesIn(
  week: readonly Hours[],
): Map<string, "no_span" | "overlap"> {
  const mistakes = new Map<string, "no_span" | "overlap">();
  for (const hours of week) {
    const { opens, closes } = spanOf(hours);
    if (!hours.opens || !hours.closes || opens >= closes) {
      mistakes.set(hours.key, "no_span");
    }
  }
  for (const hours of week) {
    const here = spanOf(hours);
    const runsInto = week.some((other) => {
      const there = spanOf(other);
      return other.key !== hours.key && other.weekday === hours.weekday &&
        other.cycleWeeks === hours.cycleWeeks && other.cycleFrom === hours.cycleFrom &&
        !mistakes.has(other.key) &&
        there.opens < here.closes && here.opens < there.closes &&
        there.opens <= here.opens;
    });
    if (!mistakes.has(hours.key) && runsInto) {
      mistakes.set(hours.key, "overlap");
    }
  }
  return mistakes;
}

function spanOf({ opens, closes }: Hours) {
  return { opens, closes: closes === "00:00" ? "24:00" : closes };
}

export interface HoursChange {
  providerId: string;
  locationId: string;
  week: readonly Hours[];
  validFrom: Day;
}

/** Sets the week, or says only which visits would be left outside of it. */
export async function setWeeklyHours(
  { providerId, locationId, week, validFrom }: HoursChange,
  onConflict: "refuse" | "mark" | "preview",
): Promise<OutsideVisit[]> {
  const visits = rowsOf(
    await supabase().rpc("set_weekly_hours", {
      provider_id: providerId,
      location_id: locationId,
      hours: week.map((hours) => ({
        weekday: hours.weekday,
        ...spanOf(hours),
        cycle_weeks: hours.cycleWeeks,
        cycle_from: hours.cycleFrom,
        valid_until: hours.validUntil,
      })),
      valid_from: validFrom,
      on_conflict: onConflict,
    }),
  );
  return await whoseVisits(visits);
}
