import { queryOptions } from "@tanstack/react-query";
import { now } from "@/lib/clock";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

export interface Slot {
  provider_id: string;
  location_id: string;
  starts_at: string;
  ends_at: string;
}

export interface SlotSearch {
  serviceId: string;
  from: number;
  to: number;
  providerId: string | null;
  placeId: string | null;
}

// What the API returns at once (`max_rows` in supabase/config.toml).
const PAGE = 1000;

export function slotsQuery(search: SlotSearch) {
  return queryOptions({
    queryKey: ["slots", search],
    queryFn: () => openSlots(search),
    // Nothing is told while a connection is down; after that it is asked again.
    staleTime: 15_000,
    refetchInterval: 60_000,
  });
}

/** Every free time in the span, by time, however many pages that takes. */
export async function openSlots(search: SlotSearch): Promise<Slot[]> {
  const slots: Slot[] = [];
  let from = Math.max(search.from, now());
  while (from < search.to) {
    const page = await askForPage(search, from);
    const last = page.at(-1);
    if (!last || page.length < PAGE) return [...slots, ...page];
    // Further slots may begin at the same instant as the last one.
    const whole = page.filter((slot) => slot.starts_at !== last.starts_at);
    slots.push(...whole);
    from = Date.parse(last.starts_at);
    if (whole.length === 0) return [...slots, ...page];
  }
  return slots;
}

async function askForPage(search: SlotSearch, from: number): Promise<Slot[]> {
  return rowsOf(
    await supabase().rpc("open_slots", {
      service_id: search.serviceId,
      from_time: new Date(from).toISOString(),
      to_time: new Date(search.to).toISOString(),
      max_results: PAGE,
      ...(search.providerId && { provider_id: search.providerId }),
      ...(search.placeId && { location_id: search.placeId }),
    }),
  ) as Slot[];
}

/** The free times nearest to one that is gone, at most `count`, by time. */
export async function nearestSlots(
  search: Omit<SlotSearch, "from" | "to">,
  instant: string,
  count: number,
): Promise<Slot[]> {
  const wanted = Date.parse(instant);
  const day = 86_400_000;
  const around = await openSlots({
    ...search,
    from: wanted - 2 * day,
    to: wanted + 3 * day,
  });
  const distance = (slot: Slot) => Math.abs(Date.parse(slot.starts_at) - wanted);
  const seen = new Set<string>();
  return around
    .sort((one, other) => distance(one) - distance(other))
    .filter(({ starts_at }) => !seen.has(starts_at) && seen.add(starts_at))
    .slice(0, count)
    .sort((one, other) => one.starts_at.localeCompare(other.starts_at));
}
