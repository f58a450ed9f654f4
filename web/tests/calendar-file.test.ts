import { expect, test } from "vitest";
import { calendarFile, type CalendarVisit } from "@/lib/calendar-file";

const VISIT: CalendarVisit = {
  id: "10000000-0000-4000-8000-000000000001",
  version: 3,
  startsAt: "2026-11-23T09:15:00+01:00",
  endsAt: "2026-11-23T09:45:00+01:00",
  title: "Harbour Clinic: Dr. Mara Lindqvist",
  place: "Harbour Clinic, Quay 12; 2nd floor",
  description: "one\ntwo \\ three",
};
const WRITTEN = new Date("2026-11-01T00:00:00.123Z");

test("says when in UTC, which visit and which version of it", () => {
  const lines = calendarFile(VISIT, WRITTEN).split("\r\n");
  expect(lines).toContain("DTSTART:20261123T081500Z");
  expect(lines).toContain("DTEND:20261123T084500Z");
  expect(lines).toContain("DTSTAMP:20261101T000000Z");
  expect(lines).toContain(`UID:${VISIT.id}@appoint`);
  expect(lines).toContain("SEQUENCE:3");
  expect(lines).toContain("STATUS:CONFIRMED");
});

test("escapes what has a meaning in the format", () => {
  const file = calendarFile(VISIT, WRITTEN);
  expect(file).toContain("LOCATION:Harbour Clinic\\, Quay 12\\; 2nd floor");
  expect(file).toContain("DESCRIPTION:one\\ntwo \\\\ three");
});

test("no line is longer than 75 octets, and unfolded nothing is lost", () => {
  const title = "Ärztin für Überraschungen 🏥 ".repeat(12).trim();
  const file = calendarFile({ ...VISIT, title }, WRITTEN);
  for (const line of file.split("\r\n")) {
    expect(new TextEncoder().encode(line).length).toBeLessThanOrEqual(75);
  }
  expect(file.replaceAll("\r\n ", "")).toContain(`SUMMARY:${title}`);
});

test("a cancelled visit says so", () => {
  expect(calendarFile({ ...VISIT, isCancelled: true }, WRITTEN)).toContain(
    "STATUS:CANCELLED",
  );
});
