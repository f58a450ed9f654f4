import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import english from "@/languages/common/en.json";
import { remember, remembered } from "./storage";

export const LANGUAGES = {
  en: "English",
  es: "Español",
  fr: "Français",
  de: "Deutsch",
} as const;
export type Language = keyof typeof LANGUAGES;

/** The folders of languages/: what a part of the client says, fetched with the part's first page. */
export type Part =
  | "common"
  | "patient"
  | "workplace"
  | "provider"
  | "desk"
  | "manage";

type Wording = { default: Record<string, unknown> };

// English for everybody comes with the page; all else only for those who read it.
const files = import.meta.glob<Wording>([
  "@/languages/*/*.json",
  "!@/languages/common/en.json",
]);

const wanted = new Set<Part>(["common"]);

// The router asks for words of the first page before there is anything to put them into.
let tellStarted: () => void = () => undefined;
const started = new Promise<void>((resolve) => {
  tellStarted = resolve;
});

export async function startLanguage(): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: { en: { common: english } },
    defaultNS: "common",
    lng: "en",
    fallbackLng: "en",
    interpolation: { escapeValue: false },
    initAsync: false,
    // A key on the page is a mistake of ours, which says so on the console; tests listen there.
    saveMissing: true,
    missingKeyHandler: (_, part, key) => console.error(`There are no words for ${part}:${key}.`),
  });
  await apply(preferred()).catch(() => undefined);
  tellStarted();
}

/** Fetches the words of a part in the reader's language; its pages wait for this. */
export async function loadWords(...parts: Part[]): Promise<void> {
  for (const part of parts) wanted.add(part);
  await started;
  await fetchWords(currentLanguage());
}

/** Changes every word on the page and remembers the choice on this device. */
export async function changeLanguage(language: Language): Promise<void> {
  await apply(language);
  remember("language", language);
}

export function currentLanguage(): Language {
  return isLanguage(i18next.language) ? i18next.language : "en";
}

async function apply(language: Language): Promise<void> {
  await fetchWords(language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

async function fetchWords(language: Language): Promise<void> {
  await Promise.all(
    [...wanted].filter((part) => !i18next.hasResourceBundle(language, part))
      .map(async (part) => {
        const words = await files
          [`/src/languages/${part}/${language}.json`]?.();
        if (words) i18next.addResourceBundle(language, part, words.default);
      }),
  );
}

function preferred(): Language {
  const choices = [
    remembered("language"),
    ...navigator.languages.map((tag) => tag.slice(0, 2)),
  ];
  return choices.find(isLanguage) ?? "en";
}

export function isLanguage(tag: string | null | undefined): tag is Language {
  return typeof tag === "string" && tag in LANGUAGES;
}
