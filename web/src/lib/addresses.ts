import { paths } from "@/config/paths";
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

/** Where somebody wanted to go, never on another site, whatever the address says. */
export function insideOnly(wanted: string | null, site = location.origin): string {
  if (!wanted || !URL.canParse(wanted, site)) return paths.visits;
  const { origin, pathname, search, hash } = new URL(wanted, site);
  const isInside = origin === site && !pathname.startsWith("//");
  return isInside ? pathname + search + hash : paths.visits;
}
