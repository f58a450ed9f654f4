import { describe, expect, test } from "vitest";
import { mistakeIn, saved } from "@/features/manage/saved";
import { isSlug, slugOf } from "@/features/manage/welcome/slug";
import { keyOf } from "@/lib/errors";

function refusalOf(constraint: string): unknown {
  try {
    saved({
      data: null,
      error: { message: `violates check constraint "${constraint}"` },
    });
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("a rule of a table that is broken", () => {
  test.each([
    ["services_duration_is_possible", "duration_minutes", "not_possible"],
    [
      "provider_services_duration_is_possible",
      "duration_minutes",
      "not_possible",
    ],
    ["services_name_is_unique", "name", "taken"],
    ["services_name_is_not_blank", "name", "blank"],
    ["services_max_per_day_is_possible", "max_per_day", "not_possible"],
    [
      "clinics_missed_visits_window_is_possible",
      "missed_visits_window_days",
      "not_possible",
    ],
    ["clinics_quiet_hours_have_two_ends", "quiet_hours", "not_possible"],
  ])("%s is told at %s", (constraint, column, mistake) => {
    expect(mistakeIn(refusalOf(constraint), column)).toBe(mistake);
  });

  test("too long a text is told at its field", () => {
    const hint = "The full name can have 200 letters at most.";
    expect(() => saved({ data: null, error: { message: "invalid_input", hint } }))
      .toThrow(expect.objectContaining({ rule: "_full_name_is_possible" }));
  });

  test("is not told at another field", () => {
    expect(mistakeIn(refusalOf("services_duration_is_possible"), "name"))
      .toBeUndefined();
    expect(
      mistakeIn(
        refusalOf("clinics_max_missed_visits_is_possible"),
        "missed_visits_window_days",
      ),
    ).toBeUndefined();
  });

  test("nothing written means that the person may not", () => {
    expect(() => saved({ data: [], error: null })).toThrow(
      expect.objectContaining({ key: "not_allowed" }),
    );
    expect(keyOf(refusalOf("services_name_is_unique"))).toBe("invalid_input");
  });
});

describe("a proposed address", () => {
  test.each([
    ["Praxis Über-See", "praxis-uber-see"],
    ["  Straße 1 & Co. ", "strasse-1-co"],
    ["Clínica São João", "clinica-sao-joao"],
    ["診療所", ""],
    ["x".repeat(80), "x".repeat(60)],
  ])("of %j is %j", (name, slug) => {
    expect(slugOf(name)).toBe(slug);
  });

  test("is readable or is not taken", () => {
    expect(["abc", "a-b-c", "a--b", "-ab", "ab", "Abc"].map(isSlug)).toEqual(
      [true, true, false, false, false, false],
    );
  });
});
