import { type Day, isDay } from "./zoned-time";

/** A day that an address names. */
export function dayIn(search: URLSearchParams, name: string): Day | null {
  const text = search.get(name) ?? "";
  return isDay(text) ? text : null;
}

/** An instant that an address names, with its offset, if there is such a one. */
export function instantIn(
  search: URLSearchParams,
  name: string,
): string | null {
  const text = search.get(name) ?? "";
  const isInstant = /^[\d-]{10}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(text) &&
    isDay(text.slice(0, 10)) && !Number.isNaN(Date.parse(text));
  return isInstant ? text : null;
}
