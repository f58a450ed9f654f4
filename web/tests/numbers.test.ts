import { describe, expect, test } from "vitest";
import { csvOf } from "@/features/numbers/csv";
import { mistakeOf, rangeOf } from "@/features/numbers/range";

describe("csvOf", () => {
  test("quotes what would break a row and ends lines as RFC 4180 says", () => {
    expect(csvOf([["a", "b"], ['say "hi"', "x,y"], ["two\nlines", null]])).toBe(
      '\uFEFFa,b\r\n"say ""hi""","x,y"\r\n"two\nlines",\r\n',
    );
  });

  test.each(["=1+1", "+1", "-1", "@sum(a1)", "\t=1", "\r=1"])(
    "%j stays a text in a spreadsheet",
    (text) => {
      const cell = csvOf([[text]]).replace(/^\uFEFF"?/, "");
      expect(cell.startsWith(`'${text[0]}`)).toBe(true);
    },
  );

  test("numbers stay numbers, negative ones too", () => {
    expect(csvOf([[-1.5, 0]])).toBe("\uFEFF-1.5,0\r\n");
  });
});

describe("a span of days", () => {
  test("ends yesterday, or begins today", () => {
    expect(rangeOf("4_weeks", "2026-03-30")).toEqual({
      from: "2026-03-02",
      until: "2026-03-29",
    });
    expect(rangeOf("ahead", "2026-03-30").from).toBe("2026-03-30");
  });

  test.each([
    [{ from: "", until: "2026-01-01" }, "missing"],
    [{ from: "2026-02-30x", until: "2026-01-01" }, "missing"],
    [{ from: "2026-01-02", until: "2026-01-01" }, "order"],
    [{ from: "2025-01-01", until: "2026-02-05" }, "too_long"],
    [{ from: "2025-01-01", until: "2026-02-04" }, undefined],
  ])("%j is told as %s", (range, mistake) => {
    expect(mistakeOf(range)).toBe(mistake);
  });
});
