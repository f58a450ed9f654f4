import { expect, test } from "vitest";
import { stepsFrom } from "@/features/day/day-visits";

const TEN = Date.parse("2027-03-01T10:00:00Z");

test("what has not begun is not missed", () => {
  const visit = {
    status: "booked" as const,
    starts_at: "2027-03-01T10:00:00Z",
  };
  const before = stepsFrom(visit, TEN - 1).map(({ to }) => to);
  expect(before).toEqual(["arrived"]);
  expect(stepsFrom(visit, TEN).map(({ to }) => to)).toEqual([
    "arrived",
    "noshow",
  ]);
});
