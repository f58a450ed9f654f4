import { describe, expect, test } from "vitest";
import { changesAhead, lastDayOf, weekOn } from "@/features/hours/weekly-hours";

const row = (valid_from: string, valid_until: string | null, weekday = 1) => ({
  id: `${valid_from} ${weekday}`,
  location_id: "quay",
  weekday,
  opens: "09:00:00",
  closes: "24:00:00",
  cycle_weeks: 1,
  cycle_from: null,
  valid_from,
  valid_until,
});

describe("weekly hours", () => {
  test("change on the days on which some begin, and the day after some end", () => {
    const rows = [row("2026-01-01", "2026-03-31"), row("2026-06-01", null)];
    expect(changesAhead(rows, "quay", "2026-02-01")).toEqual(["2026-04-01", "2026-06-01"]);
    expect(changesAhead(rows, "quay", "2026-04-01")).toEqual(["2026-06-01"]);
    expect(changesAhead(rows, "elsewhere", "2026-02-01")).toEqual([]);
  });

  test("of a day are those that hold on it, their last day included", () => {
    const rows = [row("2026-01-01", "2026-03-31")];
    expect(weekOn(rows, "quay", "2026-03-31")).toMatchObject([
      { opens: "09:00", closes: "00:00", validUntil: "2026-03-31" },
    ]);
    expect(weekOn(rows, "quay", "2026-04-01")).toEqual([]);
  });

  test("have a last day if it is the same for all", () => {
    const week = (...untils: (string | null)[]) =>
      weekOn(
        untils.map((until, index) => row("2026-01-01", until, index + 1)),
        "quay",
        "2026-01-01",
      );
    expect(lastDayOf(week("2026-03-31", "2026-03-31"))).toBe("2026-03-31");
    expect(lastDayOf(week("2026-03-31", null))).toBe("");
    expect(lastDayOf(week(null))).toBe("");
    expect(lastDayOf([])).toBe("");
  });
});
