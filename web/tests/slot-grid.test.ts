import { expect, test } from "vitest";
import type { Slot } from "@/features/slots/open-slots";
import { choiceOf, freeStarts, gridOf, slotToMoveTo } from "@/features/slots/slot-grid";

const slot = (
  starts_at: string,
  provider_id: string,
  location_id = "harbour",
): Slot => ({
  provider_id,
  location_id,
  starts_at,
  ends_at: new Date(Date.parse(starts_at) + 1_800_000).toISOString(),
});

const NINE = "2026-11-23T08:00:00+00:00";
const LATE = "2026-11-23T23:30:00+00:00";

test("a start appears once, with everybody who is free then, on its day in the zone", () => {
  const grid = gridOf(
    [slot(NINE, "lind"), slot(NINE, "okafor"), slot(LATE, "lind")],
    [],
    "Europe/Amsterdam",
  );
  expect([...grid.keys()]).toEqual(["2026-11-23", "2026-11-24"]);
  expect(grid.get("2026-11-23")?.[0]?.slots).toHaveLength(2);
  expect(grid.get("2026-11-23")?.[0]?.part).toBe("morning");
});

test("what goes while it is on the screen stays in its place as taken", () => {
  const grid = gridOf([slot(LATE, "lind")], [slot(NINE, "lind")], "UTC");
  expect(grid.get("2026-11-23")?.map(({ isTaken }) => isTaken)).toEqual([
    true,
    false,
  ]);
  expect(freeStarts(grid.get("2026-11-23"), null)).toHaveLength(1);
});

test("a start is free as long as one provider is", () => {
  const grid = gridOf([slot(NINE, "okafor")], [slot(NINE, "lind")], "UTC");
  expect(grid.get("2026-11-23")?.[0]?.isTaken).toBe(false);
});

const startOf = (...slots: Slot[]) => {
  const start = gridOf(slots, [], "UTC").get("2026-11-23")?.[0];
  if (!start) throw new Error("no start");
  return start;
};

test("a place is always named; among several who are free there the database chooses", () => {
  const both = startOf(slot(NINE, "lind"), slot(NINE, "okafor"));
  expect(choiceOf(both)).toEqual({
    at: NINE,
    provider: null,
    place: "harbour",
  });
  expect(choiceOf(startOf(slot(NINE, "lind"), slot(NINE, "bakker", "hill"))))
    .toEqual({ at: NINE, provider: "lind", place: "harbour" });
});

test("a visit moves to whom it is with if they are free, else to somebody who is", () => {
  const start = startOf(slot(NINE, "lind"), slot(NINE, "okafor"));
  expect(slotToMoveTo(start, { provider_id: "okafor" })?.provider_id).toBe(
    "okafor",
  );
  expect(["lind", "okafor"]).toContain(
    slotToMoveTo(start, { provider_id: "away" })?.provider_id,
  );
});

test("two weeks of twenty providers become one start for each time", () => {
  const slots: Slot[] = [];
  for (let day = 0; day < 14; day++) {
    for (let quarter = 0; quarter < 32; quarter++) {
      const starts = new Date(Date.UTC(2026, 10, 23 + day, 8, quarter * 15))
        .toISOString();
      for (let provider = 0; provider < 20; provider++) {
        slots.push(slot(starts, `p${provider}`));
      }
    }
  }
  const grid = gridOf(slots, [], "Europe/Amsterdam");
  expect([...grid.values()].flat()).toHaveLength(14 * 32);
});
