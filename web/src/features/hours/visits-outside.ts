import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** A coming visit, or a group session, that a change of hours would leave without hours. */
export interface OutsideVisit {
  id: string;
  startsAt: string;
  /** The patient's name; of a session, what it is. */
  who: string;
}

/** Names those whose visits the database has listed, and the sessions. */
export async function whoseVisits(
  visits: readonly {
    appointment_id: string | null;
    session_id: string | null;
    starts_at: string | null;
  }[],
): Promise<OutsideVisit[]> {
  if (visits.length === 0) return [];
  const shown = visits.slice(0, SHOWN);
  const [people, sessions] = await Promise.all([
    supabase()
      .from("appointments")
      .select("id, patients (full_name)")
      .in("id", shown.flatMap(({ appointment_id }) => appointment_id ?? [])),
    supabase()
      .from("group_sessions")
      .select("id, services (name)")
      .in("id", shown.flatMap(({ session_id }) => session_id ?? [])),
  ]);
  const names = new Map([
    ...rowsOf(people).map(({ id, patients }) => [id, patients.full_name] as const),
    ...rowsOf(sessions).map(({ id, services }) => [id, services.name] as const),
  ]);
  return visits.map(({ appointment_id, session_id, starts_at }) => {
    const id = appointment_id ?? session_id ?? "";
    return { id, startsAt: starts_at ?? "", who: names.get(id) ?? "" };
  });
}

/** More than these are counted, not listed. */
export const SHOWN = 50;
