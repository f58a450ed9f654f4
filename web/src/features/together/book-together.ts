import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import type { Slot } from "../slots/open-slots";

export interface PersonsVisit {
  patientId: string;
  serviceId: string;
  slot: Slot;
}

/** Books all of them or none; the same request again books nothing more. */
export async function bookTogether(
  visits: PersonsVisit[],
  requestId: string,
): Promise<void> {
  rowsOf(
    await supabase().rpc("book_together", {
      visits: visits.map(({ patientId, serviceId, slot }) => ({
        patient_id: patientId,
        service_id: serviceId,
        provider_id: slot.provider_id,
        starts_at: slot.starts_at,
      })),
      request_id: requestId,
    }),
  );
}
