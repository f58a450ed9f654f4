import { type Cell, csvOf } from "./csv";
import type { Numbers } from "./get-numbers";

const COLUMNS = [
  "dimension",
  "key",
  "label",
  "visits",
  "attended",
  "missed",
  "unknown",
  "cancelled",
  "cancelled_late",
  "no_show_rate",
  "cancellation_rate",
  "booked_minutes",
  "open_minutes",
  "utilisation",
  "lead_days",
  "booked_same_day",
  "booked_within_week",
  "booked_within_month",
  "booked_earlier",
  "reminded",
  "reminded_missed",
  "reminded_no_show_rate",
  "not_reminded",
  "not_reminded_missed",
  "not_reminded_no_show_rate",
] as const satisfies readonly (keyof Numbers)[];

/** All numbers as the database gave them, under the names of docs/numbers.md. */
export function numbersCsv(numbers: readonly Numbers[]): Blob {
  const rows: Cell[][] = numbers.map((row) => COLUMNS.map((column) => row[column]));
  return new Blob([csvOf([[...COLUMNS], ...rows])], {
    type: "text/csv;charset=utf-8",
  });
}
