import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** The calendars elsewhere whose busy time takes this provider's slots away. */
export function outsideCalendarsQuery(providerId: string) {
  return queryOptions({
    queryKey: ["outside-calendars", providerId],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("outside_calendars")
          .select(
            "id, name, state, last_fetched_at, last_error, skipped_events",
          )
          .eq("provider_id", providerId)
          .order("name"),
      ),
    // A new one is read within moments, by a worker.
    refetchInterval: 5_000,
    meta: { isPersonal: true },
  });
}

export async function addOutsideCalendar(
  providerId: string,
  url: string,
  name: string,
): Promise<void> {
  rowsOf(
    await supabase().rpc("add_outside_calendar", {
      provider_id: providerId,
      url,
      ...(name && { name }),
    }),
  );
}

export async function removeOutsideCalendar(id: string): Promise<void> {
  rowsOf(await supabase().rpc("remove_outside_calendar", { calendar_id: id }));
}

// The codes of docs/calendars.md, by what the person can do about them.
const AWAY = new Set([
  "unknown_host",
  "unreachable",
  "timeout",
  "too_many_redirects",
  "compressed",
]);

/** Why a calendar could not be read, as a word that has a sentence in every language. */
export function troubleOf(code: string | null) {
  if (!code) return null;
  if (AWAY.has(code) || code.startsWith("status_5")) return "away";
  if (code.startsWith("status_")) return "refused";
  if (code === "not_a_calendar") return "not_a_calendar";
  if (code.startsWith("too_")) return "too_large";
  if (code.endsWith("_address")) return "bad_address";
  return "other";
}
