import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DATABASE_KEYS, OTHER_KEYS } from "@/lib/errors";

type Words = { [key: string]: string | Words };

const folder = join(import.meta.dirname, "../src/languages");
const languages = Object.fromEntries(
  readdirSync(folder).map((name) => [
    name.replace(".json", ""),
    flat(JSON.parse(readFileSync(join(folder, name), "utf8")) as Words),
  ]),
);
const english = languages.en ?? {};

function flat(words: Words, prefix = ""): Record<string, string> {
  return Object.assign(
    {},
    ...Object.entries(words).map(([key, value]) =>
      typeof value === "string" ? { [prefix + key]: value } : flat(value, `${prefix}${key}.`)
    ),
  ) as Record<string, string>;
}

function placeholders(text: string): string[] {
  return [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name ?? "")
    .sort();
}

function sources(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.tsx?$/.test(entry.name) ? [readFileSync(path, "utf8")] : [];
  });
}

test("there are four languages", () => {
  expect(Object.keys(languages).sort()).toEqual(["de", "en", "es", "fr"]);
});

describe.each(Object.keys(languages))("%s", (language) => {
  const words = languages[language] ?? {};

  test("has every key of English and no other", () => {
    expect(Object.keys(words).sort()).toEqual(Object.keys(english).sort());
  });

  test("leaves no word empty and keeps every placeholder", () => {
    for (const [key, text] of Object.entries(words)) {
      expect(text.trim(), key).not.toBe("");
      expect(placeholders(text), key).toEqual(placeholders(english[key] ?? ""));
    }
  });

  test("is not English under another name", () => {
    if (language === "en") return;
    const same = Object.keys(words).filter((key) => words[key] === english[key]);
    // Names and words that are spelled alike.
    expect(same.length).toBeLessThan(12);
  });

  test("has words for every error", () => {
    for (const key of [...DATABASE_KEYS, ...OTHER_KEYS]) {
      expect(words).toHaveProperty([`errors.${key}`]);
    }
  });
});

test("every word is used somewhere", () => {
  const code = sources(join(import.meta.dirname, "../src")).join("\n");
  const isUsed = (key: string) => {
    const [page, name = ""] = key.split(".");
    const singular = name.replace(/_(one|other)$/, "");
    if (code.includes(`"${page}.${singular}"`)) return true;
    // Keys that are put together: t(`visit.status_${status}`).
    return [...code.matchAll(/`(\w+\.\w*)\$\{[^}]+\}(\w*)`/g)].some((
      [, start, end],
    ) => key.startsWith(start ?? "") && key.endsWith(end ?? ""));
  };
  expect(Object.keys(english).filter((key) => !isUsed(key))).toEqual([]);
});
