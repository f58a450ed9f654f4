import { formatter } from "@/lib/zoned-time";
import type { Numbers } from "./get-numbers";

/** "12.5 %" as the language writes it; a dash where there is nothing to divide by. */
export function percent(part: number | null, language: string): string {
  if (part === null) return "–";
  return new Intl.NumberFormat(language, {
    style: "percent",
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  })
    .format(part);
}

/** Hours and days, all to one place, so that they stand under each other. */
export function decimal(value: number | null, language: string): string {
  if (value === null) return "–";
  return new Intl.NumberFormat(language, {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  }).format(value);
}

export function count(value: number, language: string): string {
  return new Intl.NumberFormat(language).format(value);
}

/** What a row is about, for people. */
export function nameOf(row: Numbers, language: string): string {
  const { dimension, key, label } = row;
  if (dimension === "weekday") {
    // 1 January 2024 was a Monday.
    return formatter(language, "UTC", { weekday: "long" })
      .format(Date.UTC(2024, 0, Number(key)));
  }
  if (dimension === "week") {
    return formatter(language, "UTC", { day: "numeric", month: "short" })
      .format(new Date(`${key}T12:00:00Z`));
  }
  if (dimension === "month") {
    return formatter(language, "UTC", { month: "short", year: "2-digit" })
      .format(new Date(`${key}T12:00:00Z`));
  }
  return label ?? key ?? "";
}
