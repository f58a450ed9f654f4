import { describe, expect, it } from "vitest";
import { drawnClosures, shownHours } from "@/features/calendar/entries";
import {
  drawnSpan,
  instantOf,
  laterOnTheWall,
  mondayOf,
  offsetText,
  wallText,
} from "@/features/calendar/wall-clock";

const AMSTERDAM = "Europe/Amsterdam";
const instant = (text: string) => Date.parse(text);

describe("what the wall shows", () => {
  it("is turned into the instant it came from, in any zone", () => {
    for (const zone of [AMSTERDAM, "America/New_York", "Asia/Kathmandu", "Pacific/Auckland"]) {
      for (const at of ["2026-01-15T09:35:00Z", "2026-07-15T21:10:00Z"]) {
        expect(instantOf(wallText(at, zone), zone)).toBe(instant(at));
      }
    }
  });

  it("has no instant where the clock jumps ahead", () => {
    expect(instantOf("2026-03-29T02:30", AMSTERDAM)).toBeNull();
    expect(instantOf("2026-03-29T03:00", AMSTERDAM)).toBe(instant("2026-03-29T01:00:00Z"));
  });

  it("is the first of two where the clock goes back", () => {
    expect(instantOf("2026-10-25T02:30", AMSTERDAM)).toBe(instant("2026-10-25T00:30:00Z"));
  });

  it("is nothing if it is not a time", () => {
    expect(instantOf("2026-02-30Tnoon", AMSTERDAM)).toBeNull();
  });

  it("moves on as if no clock ever changed", () => {
    expect(laterOnTheWall("2026-03-29T01:30", 60)).toBe("2026-03-29T02:30");
    expect(laterOnTheWall("2026-12-31T23:45", 30)).toBe("2027-01-01T00:15");
  });
});

describe("what is drawn", () => {
  it("is as long as it takes, in the hour that comes twice, too", () => {
    expect(drawnSpan("2026-10-25T00:45:00Z", "2026-10-25T01:15:00Z", AMSTERDAM))
      .toEqual({ start: "2026-10-25T02:45", end: "2026-10-25T03:15" });
  });

  it("is closed wherever no column's hours are", () => {
    const open = [
      { columnId: "a", opensAt: "2026-06-01T07:00:00Z", closesAt: "2026-06-01T10:00:00Z" },
      { columnId: "a", opensAt: "2026-06-01T11:00:00Z", closesAt: "2026-06-01T15:00:00Z" },
    ];
    const columns = [{ id: "a", title: "A" }, { id: "b", title: "B" }];
    const closed = drawnClosures(["2026-06-01"], columns, open, AMSTERDAM)
      .map(({ start, end, resourceIds }) => [resourceIds, start, end]);
    expect(closed).toEqual([
      [["a"], "2026-06-01T00:00", "2026-06-01T09:00"],
      [["a"], "2026-06-01T12:00", "2026-06-01T13:00"],
      [["a"], "2026-06-01T17:00", "2026-06-02T00:00"],
      [["b"], "2026-06-01T00:00", "2026-06-02T00:00"],
    ]);
  });

  it("shows whole hours around hours and visits", () => {
    const open = [{ opensAt: "2026-06-01T06:30:00Z", closesAt: "2026-06-01T15:30:00Z" }];
    const late = {
      id: "late",
      startsAt: "2026-06-01T18:00:00Z",
      endsAt: "2026-06-01T18:20:00Z",
      title: "",
      detail: "",
      tone: "booked",
      isMovable: true,
    };
    expect(shownHours(open, [late], AMSTERDAM)).toEqual({ first: 8, last: 21 });
    expect(shownHours([], [], AMSTERDAM)).toEqual({ first: 9, last: 17 });
  });

  it("knows the week and the zone's offset of the moment", () => {
    expect(mondayOf("2026-11-22")).toBe("2026-11-16");
    expect(mondayOf("2026-11-23")).toBe("2026-11-23");
    expect(offsetText("2026-07-01T00:00:00Z", AMSTERDAM)).toBe("+02:00");
    expect(offsetText("2026-07-01T00:00:00Z", "America/St_Johns")).toBe("-02:30");
  });
});
