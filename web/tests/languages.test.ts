import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DATABASE_KEYS, OTHER_KEYS } from "@/lib/errors";

type Words = { [key: string]: string | Words };

const folder = join(import.meta.dirname, "../src/languages");
const parts = readdirSync(folder);

function wordsOf(part: string): Record<string, Record<string, string>> {
  return Object.fromEntries(
    readdirSync(join(folder, part)).map((name) => [
      name.replace(".json", ""),
      flat(JSON.parse(readFileSync(join(folder, part, name), "utf8")) as Words),
    ]),
  );
}

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

describe.each(parts)("%s", (part) => {
  const languages = wordsOf(part);
  const english = languages.en ?? {};

  test("is there in four languages", () => {
    expect(Object.keys(languages).sort()).toEqual(["de", "en", "es", "fr"]);
  });

  test.each(Object.keys(languages))("%s has every key of English and no other", (language) => {
    expect(Object.keys(languages[language] ?? {}).sort()).toEqual(Object.keys(english).sort());
  });

  test.each(Object.keys(languages))("%s leaves no word empty, keeps placeholders", (language) => {
    for (const [key, text] of Object.entries(languages[language] ?? {})) {
      expect(text.trim(), key).not.toBe("");
      expect(placeholders(text), key).toEqual(placeholders(english[key] ?? ""));
    }
  });

  test.each(["de", "es", "fr"])("%s is not English under another name", (language) => {
    const words = languages[language] ?? {};
    const same = Object.keys(words).filter((key) => words[key] === english[key]);
    // Names and words that are spelled alike.
    expect(same.length).toBeLessThan(12);
  });

  test("every word is used somewhere", () => {
    expect(Object.keys(english).filter((key) => !isUsed(key))).toEqual([]);
  });
});

test("every error has words", () => {
  for (const words of Object.values(wordsOf("common"))) {
    for (const key of [...DATABASE_KEYS, ...OTHER_KEYS]) {
      expect(words).toHaveProperty([`errors.${key}`]);
    }
  }
});

const code = sources(join(import.meta.dirname, "../src")).join("\n");

function isUsed(key: string): boolean {
  const [page, name = ""] = key.split(".");
  const singular = name.replace(/_(one|other)$/, "");
  if (new RegExp(`"(\\w+:)?${page}\\.${singular}"`).test(code)) return true;
  // Keys that are put together: t(`visit.status_${status}`).
  return [...code.matchAll(/`(?:\w+:)?(\w+\.\w*)\$\{[^}]+\}(\w*)`/g)].some((
    [, start, end],
  ) => key.startsWith(start ?? "") && key.endsWith(end ?? ""));
}
