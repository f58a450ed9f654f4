import { type OutsideVisit, whoseVisits } from "@/features/hours/visits-outside";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import type { Day } from "@/lib/zoned-time";

export interface NewClosure {
  clinicId: string;
  /** Null: all places. */
  locationId: string | null;
  kind: "closed" | "extra";
  startsOn: Day;
  endsOn: Day;
  /** `HH:MM`; empty for whole days. */
  opens: string;
  closes: string;
  reason: string;
}

/** Closes the clinic or a place, or opens it besides; the visits this leaves outside of the hours. */
export async function addClosure(
  closure: NewClosure,
  onConflict: "refuse" | "mark" | "preview",
): Promise<OutsideVisit[]> {
  const visits = rowsOf(
    await supabase().rpc("add_exception", {
      clinic_id: closure.clinicId,
      kind: closure.kind,
      starts_on: closure.startsOn,
      ends_on: closure.endsOn,
      ...(closure.locationId && { location_id: closure.locationId }),
      ...(closure.opens && closure.closes && {
        opens: closure.opens,
        closes: closure.closes === "00:00" ? "24:00" : closure.closes,
      }),
      ...(closure.reason && { reason: closure.reason }),
      on_conflict: onConflict,
    }),
  );
  return await whoseVisits(visits);
}
