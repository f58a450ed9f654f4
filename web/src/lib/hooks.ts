import { useEffect, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { now } from "./clock";
import { currentLanguage } from "./i18n";

/**
 * The language that times are written in, as the reader's region writes it where the device knows:
 * en-GB has 15:00, en-US 3:00 PM. Draws again when the language of the page changes.
 */
export function useLanguage(): string {
  useTranslation();
  const language = currentLanguage();
  return navigator.languages.find((tag) => tag.slice(0, 2) === language) ??
    language;
}

export function useIsOnline(): boolean {
  return useSyncExternalStore(
    (changed) => {
      addEventListener("online", changed);
      addEventListener("offline", changed);
      return () => {
        removeEventListener("online", changed);
        removeEventListener("offline", changed);
      };
    },
    () => navigator.onLine,
  );
}

/** Whole seconds until an instant by the server's clock, never below 0; ticks while above. */
export function useSecondsUntil(instant: string | null): number {
  const left = () => (instant ? Math.max(0, Math.ceil((Date.parse(instant) - now()) / 1000)) : 0);
  const [seconds, setSeconds] = useState(left);

  useEffect(() => {
    setSeconds(left());
    if (!instant) return;
    const timer = setInterval(() => {
      setSeconds(left());
      if (left() === 0) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [instant]);

  return seconds;
}

/** The page's title, with the product's name behind it. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Appoint`;
  }, [title]);
}
