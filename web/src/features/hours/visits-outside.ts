import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** A coming visit that a change of hours would leave without hours. */
export interface OutsideVisit {
  id: string;
  startsAt: string;
  patient: string;
}

/** Names those whose visits the database has listed. */
export async function whoseVisits(
  visits: readonly {
    appointment_id: string | null;
    starts_at: string | null;
  }[],
): Promise<OutsideVisit[]> {
  if (visits.length === 0) return [];
  const named = rowsOf(
    await supabase()
      .from("appointments")
      .select("id, patients (full_name)")
      .in(
        "id",
        visits.slice(0, SHOWN).map(({ appointment_id }) =>
          appointment_id ?? ""
        ),
      ),
  );
  const names = new Map(
    named.map(({ id, patients }) => [id, patients.full_name]),
  );
  return visits.map(({ appointment_id, starts_at }) => ({
    id: appointment_id ?? "",
    startsAt: starts_at ?? "",
    patient: names.get(appointment_id ?? "") ?? "",
  }));
}

/** More than these are counted, not listed. */
export const SHOWN = 50;
