import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import type { CalendarEntry, OpenSpan } from "../calendar/entries";
import { type DayVisit, getDayVisits } from "../day/day-visits";

/** All visits of a week, under a key of its own beside the days'. */
export function weekVisitsQuery(clinicId: string, from: number, to: number) {
  return queryOptions({
    queryKey: ["day", clinicId, "week", from],
    queryFn: () => getDayVisits(clinicId, from, to),
    refetchInterval: 60_000,
    meta: { isPersonal: true },
  });
}

/** When a provider works in the span, and when outside calendars say they are busy. */
export function weekFrameQuery(
  clinicId: string,
  providerId: string,
  from: number,
  to: number,
) {
  return queryOptions({
    queryKey: ["day", clinicId, "week-frame", providerId, from],
    queryFn: async () => {
      const span = {
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
      };
      const [hours, busy] = await Promise.all([
        supabase().rpc("working_hours", {
          clinic_id: clinicId,
          from_time: span.from,
          to_time: span.to,
        }),
        supabase().from("busy_blocks").select("id, starts_at, ends_at")
          .eq("provider_id", providerId).lt("starts_at", span.to).gt(
            "ends_at",
            span.from,
          ),
      ]);
      return {
        hours: rowsOf(hours).filter(({ provider_id }) => provider_id === providerId),
        busy: rowsOf(busy),
      };
    },
    meta: { isPersonal: true },
  });
}

interface Frame {
  hours: { opens_at: string; closes_at: string }[];
  busy: { id: string; starts_at: string; ends_at: string }[];
}

interface Words {
  status: (visit: DayVisit) => string;
  elsewhere: string;
}

/** What the calendar draws of one provider's week. */
export function weekEntries(
  visits: DayVisit[],
  frame: Frame,
  words: Words,
): { entries: CalendarEntry[]; open: OpenSpan[] } {
  return {
    entries: [
      ...visits.map((visit) => ({
        id: visit.id,
        startsAt: visit.starts_at,
        endsAt: visit.ends_at,
        title: visit.patients.full_name,
        detail: `${words.status(visit)} · ${visit.services.name}`,
        tone: visit.status,
        isMovable: (visit.status === "booked" || visit.status === "pending") &&
          visit.session_id === null,
      })),
      ...frame.busy.map(({ id, starts_at, ends_at }) => ({
        id: `busy:${id}`,
        startsAt: starts_at,
        endsAt: ends_at,
        title: words.elsewhere,
        detail: "",
        tone: "blocked",
        isMovable: false,
      })),
    ],
    open: frame.hours.map(({ opens_at, closes_at }) => ({
      opensAt: opens_at,
      closesAt: closes_at,
    })),
  };
}
