import { expect, test } from "vitest";
import { plansFor } from "@/features/together/plan-together";

const free = (
  clock: string,
  provider: string,
  place = "harbour",
  minutes = 30,
) => ({
  provider_id: provider,
  location_id: place,
  starts_at: `2026-05-05T${clock}:00Z`,
  ends_at: new Date(Date.parse(`2026-05-05T${clock}:00Z`) + minutes * 60_000)
    .toISOString(),
});
const wanted = (...slots: ReturnType<typeof free>[]) => ({
  slots,
  bufferBefore: 0,
  bufferAfter: 0,
});
const told = (plans: ReturnType<typeof plansFor>) =>
  plans.map((plan) => plan.map((slot) => `${slot.starts_at.slice(11, 16)} ${slot.provider_id}`));

test("one after another: the next begins when the one before ends, or soon after", () => {
  const mother = wanted(free("09:00", "ana"), free("11:00", "ana"));
  const child = wanted(
    free("08:00", "bo"),
    free("09:15", "bo"),
    free("09:45", "bo"),
  );
  expect(told(plansFor([mother, child], "in_turn", 9))).toEqual([[
    "09:00 ana",
    "09:45 bo",
  ]]);
});

test("at once: everybody with somebody of their own", () => {
  const mother = wanted(
    free("09:00", "ana"),
    free("10:00", "ana"),
    free("10:00", "bo"),
  );
  const child = wanted(free("09:00", "ana"), free("10:00", "ana"));
  expect(told(plansFor([mother, child], "at_once", 9))).toEqual([[
    "10:00 bo",
    "10:00 ana",
  ]]);
});

test("a family stays at one place", () => {
  const mother = wanted(free("09:00", "ana", "harbour"));
  const child = wanted(
    free("09:00", "bo", "hill"),
    free("09:30", "bo", "hill"),
  );
  expect(plansFor([mother, child], "at_once", 9)).toEqual([]);
  expect(plansFor([mother, child], "in_turn", 9)).toEqual([]);
});

test("the same provider needs the buffers between two visits", () => {
  const mother = { ...wanted(free("09:00", "ana")), bufferAfter: 10 };
  const child = {
    ...wanted(free("09:30", "ana"), free("09:40", "ana")),
    bufferBefore: 0,
  };
  expect(told(plansFor([mother, child], "in_turn", 9))).toEqual([[
    "09:00 ana",
    "09:40 ana",
  ]]);
});

test("a later choice of one lets the whole succeed", () => {
  const mother = wanted(free("09:00", "ana"));
  const child = wanted(
    free("09:30", "ana"),
    free("09:40", "bo", "harbour", 10),
  );
  const baby = wanted(free("09:50", "ana"));
  expect(told(plansFor([mother, child, baby], "in_turn", 9))).toEqual([
    ["09:00 ana", "09:40 bo", "09:50 ana"],
  ]);
});

test("each time is told once, and no more than asked for", () => {
  const mother = wanted(
    free("09:00", "ana"),
    free("09:00", "bo"),
    free("10:00", "bo"),
  );
  const child = wanted(free("09:30", "ana"), free("10:30", "ana"));
  expect(plansFor([mother, child], "in_turn", 9)).toHaveLength(2);
  expect(plansFor([mother, child], "in_turn", 1)).toHaveLength(1);
});
