import { queryOptions } from "@tanstack/react-query";
import { now } from "@/lib/clock";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import type { Database } from "@/lib/database-types";

export type Status = Database["public"]["Enums"]["appointment_status"];

/** A clinic's visits with a start in the span, by time; what was called off is left out. */
export function dayVisitsQuery(clinicId: string, from: number, to: number) {
  return queryOptions({
    queryKey: ["day", clinicId, "visits", from],
    queryFn: () => getDayVisits(clinicId, from, to),
    // Nothing is told while a connection is down.
    refetchInterval: 60_000,
    meta: { isPersonal: true },
  });
}

export type DayVisit = Awaited<ReturnType<typeof getDayVisits>>[number];

export async function getDayVisits(clinicId: string, from: number, to: number) {
  const visits = rowsOf(
    await supabase()
      .from("appointments")
      .select(
        `id, starts_at, ends_at, status, version, overbook_reason, hold_expires_at, session_id,
         booked_via, created_at, service_id, provider_id, patient_id, location_id,
         services (name), providers (id, full_name), patients (full_name),
         locations (name, time_zone), visit_confirmations (appointment_version)`,
      )
      .eq("clinic_id", clinicId)
      .gte("starts_at", new Date(from).toISOString())
      .lt("starts_at", new Date(to).toISOString())
      .not("status", "in", "(cancelled,entered_in_error)")
      .order("starts_at")
      .order("id")
      .limit(1000),
  );
  return visits.filter(({ status, hold_expires_at }) =>
    status !== "held" || Date.parse(hold_expires_at ?? "") > now()
  );
}

interface VisitSeen {
  id: string;
  /** As it was on the screen: whoever changed it since is not overruled unseen. */
  version: number;
}

/** Moves a visit along, unless somebody else did so since it was read. */
export async function changeStatus(visit: VisitSeen, status: Status): Promise<void> {
  rowsOf(
    await supabase().rpc("change_appointment_status", {
      appointment_id: visit.id,
      status,
      expected_version: visit.version,
    }),
  );
}

export interface Step {
  to: Status;
  words: "approve" | "arrive" | "complete" | "noshow" | "back_to_expected" | "reopen";
}

// What a desk does all day; docs/appointment_states.md has all moves and who may make them.
const STEPS: Partial<Record<Status, Step[]>> = {
  pending: [{ to: "booked", words: "approve" }],
  booked: [{ to: "arrived", words: "arrive" }, { to: "noshow", words: "noshow" }],
  arrived: [{ to: "fulfilled", words: "complete" }, { to: "booked", words: "back_to_expected" }],
  fulfilled: [{ to: "arrived", words: "reopen" }],
  noshow: [{ to: "arrived", words: "arrive" }],
};

/** What has not begun is not missed; that it is not over before, the database says. */
export function stepsFrom(
  { status, starts_at }: Pick<DayVisit, "status" | "starts_at">,
  now: number,
): Step[] {
  return (STEPS[status] ?? []).filter(({ to }) => to !== "noshow" || Date.parse(starts_at) <= now);
}

/** Who is seen next: the first who is here, else the first who is still expected. */
export function nextVisit(visits: DayVisit[], now: number): DayVisit | undefined {
  return visits.find(({ status }) => status === "arrived") ??
    visits.find(({ status, ends_at }) => status === "booked" && Date.parse(ends_at) > now);
}
