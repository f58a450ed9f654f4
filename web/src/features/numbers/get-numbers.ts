import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import type { Day } from "@/lib/zoned-time";

export type Dimension =
  | "total"
  | "provider"
  | "service"
  | "weekday"
  | "week"
  | "month";

/** One row of `clinic_numbers`; docs/numbers.md says what each means. Rates are parts of one. */
export interface Numbers {
  dimension: Dimension;
  key: string | null;
  label: string | null;
  visits: number;
  attended: number;
  missed: number;
  unknown: number;
  cancelled: number;
  cancelled_late: number;
  no_show_rate: number | null;
  cancellation_rate: number | null;
  booked_minutes: number;
  open_minutes: number | null;
  utilisation: number | null;
  lead_days: number | null;
  booked_same_day: number;
  booked_within_week: number;
  booked_within_month: number;
  booked_earlier: number;
  reminded: number;
  reminded_missed: number;
  reminded_no_show_rate: number | null;
  not_reminded: number;
  not_reminded_missed: number;
  not_reminded_no_show_rate: number | null;
}

/** All numbers of a clinic from day to day, both included, counted by the database. */
export function numbersQuery(clinicId: string, from: Day, until: Day) {
  return queryOptions({
    queryKey: ["numbers", clinicId, from, until],
    queryFn: async () =>
      rowsOf(
        await supabase().rpc("clinic_numbers", {
          clinic_id: clinicId,
          from_day: from,
          to_day: until,
        }),
      ) as Numbers[],
    staleTime: 60_000,
    meta: { isPersonal: true },
  });
}

export function rowsBy(
  numbers: readonly Numbers[],
  dimension: Dimension,
): Numbers[] {
  return numbers.filter((row) => row.dimension === dimension);
}
