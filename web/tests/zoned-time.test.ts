import { describe, expect, test } from "vitest";
import {
  addDays,
  clockTime,
  clockTimeWithOffset,
  dayOf,
  isShownTwice,
  offsetMinutes,
  showSameClock,
  startOfDay,
} from "@/lib/zoned-time";

const ZONES = [
  "Europe/Amsterdam",
  "America/New_York",
  "America/Santiago",
  "Africa/Cairo",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "Pacific/Apia",
  "America/St_Johns",
  "UTC",
];

describe.each(ZONES)("%s", (zone) => {
  test("a day begins where the one before ends, on every day of a year", () => {
    let day = "2026-01-01";
    for (let count = 0; count < 366; count++) {
      const start = startOfDay(day, zone);
      expect(dayOf(start, zone), day).toBe(day);
      expect(dayOf(start - 1, zone), day).not.toBe(day);
      day = addDays(day, 1);
    }
  });
});

test("days are counted over months, years and leap days", () => {
  expect(addDays("2028-02-28", 1)).toBe("2028-02-29");
  expect(addDays("2026-12-31", 1)).toBe("2027-01-01");
  expect(addDays("2026-03-01", -1)).toBe("2026-02-28");
});

test("a slot shows the wall clock of its zone on both sides of a clock change", () => {
  expect(clockTime("2026-03-29T00:30:00Z", "Europe/Amsterdam", "en-GB")).toBe(
    "01:30",
  );
  expect(clockTime("2026-03-29T01:30:00Z", "Europe/Amsterdam", "en-GB")).toBe(
    "03:30",
  );
  expect(offsetMinutes("2026-03-29T00:59:59Z", "Europe/Amsterdam")).toBe(60);
  expect(offsetMinutes("2026-03-29T01:00:00Z", "Europe/Amsterdam")).toBe(120);
});

test("the hour that the clock shows twice is told apart, and no other", () => {
  const first = "2026-10-25T00:30:00Z";
  const second = "2026-10-25T01:30:00Z";
  expect(clockTime(first, "Europe/Amsterdam", "en-GB")).toBe(
    clockTime(second, "Europe/Amsterdam", "en-GB"),
  );
  expect(clockTimeWithOffset(first, "Europe/Amsterdam", "en-GB")).not.toBe(
    clockTimeWithOffset(second, "Europe/Amsterdam", "en-GB"),
  );
  const shownTwice = [
    "2026-10-24T23:59:00Z",
    first,
    second,
    "2026-10-25T02:00:00Z",
  ]
    .map((instant) => isShownTwice(instant, "Europe/Amsterdam"));
  expect(shownTwice).toEqual([false, true, true, false]);
  expect(isShownTwice("2026-03-29T01:30:00Z", "Europe/Amsterdam")).toBe(false);
});

test("zones differ only where their clocks do", () => {
  const summer = "2026-07-01T10:00:00Z";
  expect(showSameClock("Europe/Vienna", "Europe/Amsterdam", [summer])).toBe(
    true,
  );
  expect(showSameClock("Africa/Lagos", "Europe/London", [summer])).toBe(true);
  expect(
    showSameClock("Africa/Lagos", "Europe/London", ["2026-01-01T10:00:00Z"]),
  ).toBe(false);
});

test("languages write times their way", () => {
  expect(clockTime("2026-07-01T13:05:00Z", "UTC", "de")).toBe("13:05");
  expect(clockTime("2026-07-01T13:05:00Z", "UTC", "en-US")).toMatch(
    /^0?1:05\sPM$/,
  );
});
