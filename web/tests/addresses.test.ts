import { expect, test } from "vitest";
import { dayIn, insideOnly, instantIn } from "@/lib/addresses";

const search = (value: string) => new URLSearchParams({ value });

test.each([
  ["2027-02-28", "2027-02-28"],
  ["2028-02-29", "2028-02-29"],
  ["2027-02-29", null],
  ["2027-02-31", null],
  ["2027-13-01", null],
  ["9999-12-31", null],
  ["0000-01-01", null],
  ["tomorrow", null],
  ["", null],
])("the day %j in an address is read as %j", (text, day) => {
  expect(dayIn(search(text), "value")).toBe(day);
});

test.each([
  ["2027-02-28T09:30:00+00:00", true],
  ["2027-02-28T09:30:00.000Z", true],
  ["2027-02-28T09:30:00", false],
  ["2027-02-31T09:30:00Z", false],
  ["2027-02-28T25:30:00Z", false],
  ["2027-02-28", false],
  ["tomorrow", false],
])("the instant %j in an address is there: %j", (text, isThere) => {
  expect(instantIn(search(text), "value")).toBe(isThere ? text : null);
});

test.each([
  ["/staff", "/staff"],
  ["/c/harbour?at=1#x", "/c/harbour?at=1#x"],
  ["https://site.example", "/"],
  ["https://site.example/staff?a=b", "/staff?a=b"],
  ["https://elsewhere.example/staff", "/visits"],
  ["https://site.example.elsewhere.example", "/visits"],
  ["http://site.example/staff", "/visits"],
  ["https://site.example//elsewhere.example", "/visits"],
  ["//elsewhere.example", "/visits"],
  ["/\\elsewhere.example", "/visits"],
  ["javascript:alert(1)", "/visits"],
  ["https://", "/visits"],
  ["", "/visits"],
  [null, "/visits"],
])("who wants to go to %j goes to %j", (wanted, path) => {
  expect(insideOnly(wanted, "https://site.example")).toBe(path);
});
