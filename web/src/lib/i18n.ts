import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import english from "@/languages/en.json";
import { remember, remembered } from "./storage";

export const LANGUAGES = {
  en: "English",
  es: "Español",
  fr: "Français",
  de: "Deutsch",
} as const;
export type Language = keyof typeof LANGUAGES;

type Wording = typeof english;

// English comes with the page; the others only for those who read them.
const others: Record<
  Exclude<Language, "en">,
  () => Promise<{ default: Wording }>
> = {
  es: () => import("@/languages/es.json"),
  fr: () => import("@/languages/fr.json"),
  de: () => import("@/languages/de.json"),
};

export async function startLanguage(): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: { en: { translation: english } },
    lng: "en",
    fallbackLng: "en",
    interpolation: { escapeValue: false },
    initAsync: false,
  });
  await apply(preferred()).catch(() => undefined);
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
  if (
    language !== "en" && !i18next.hasResourceBundle(language, "translation")
  ) {
    i18next.addResourceBundle(
      language,
      "translation",
      (await others[language]()).default,
    );
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

function preferred(): Language {
  const wanted = [
    remembered("language"),
    ...navigator.languages.map((tag) => tag.slice(0, 2)),
  ];
  return wanted.find(isLanguage) ?? "en";
}

export function isLanguage(tag: string | null | undefined): tag is Language {
  return typeof tag === "string" && tag in LANGUAGES;
}
