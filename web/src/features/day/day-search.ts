import { useSearchParams } from "react-router";
import { dayIn } from "@/lib/addresses";
import { now } from "@/lib/clock";
import { type Day, dayOf } from "@/lib/zoned-time";

/** What of the day is shown stands in the address, so that a reload or a link shows it again. */
export function useDaySearch(zone: string, ownProviderId: string) {
  const [search, setSearch] = useSearchParams();
  const today = dayOf(now(), zone);
  const day: Day = dayIn(search, "day") ?? today;
  const change = (changes: Record<string, string | null>) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      for (const [name, value] of Object.entries(changes)) {
        if (value === null) next.delete(name);
        else next.set(name, value);
      }
      return next;
    }, { replace: true });
  return {
    day,
    today,
    /** A provider's id, or empty for everybody. */
    shown: search.get("with") ?? ownProviderId,
    place: search.get("place") ?? "",
    isByRooms: search.get("by") === "rooms",
    view: search.get("view"),
    visitId: search.get("visit"),
    change,
  };
}
