import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

interface VisitSeen {
  id: string;
  /** As it was on the screen: whoever changed it since is not overruled unseen. */
  version: number;
}

export async function cancelVisit(
  visit: VisitSeen,
  reason: string,
): Promise<void> {
  rowsOf(
    await supabase().rpc("cancel_appointment", {
      appointment_id: visit.id,
      expected_version: visit.version,
      ...(reason.trim() && { reason: reason.trim() }),
    }),
  );
}

/** Says that the patient will come. */
export async function confirmVisit(visit: VisitSeen): Promise<void> {
  rowsOf(
    await supabase().rpc("confirm_visit", {
      appointment_id: visit.id,
      expected_version: visit.version,
    }),
  );
}

/** Moves the visit; its old time is kept if that fails. */
export async function moveVisit(
  visit: VisitSeen,
  to: { at: string; provider: string | null },
  requestId: string,
): Promise<void> {
  rowsOf(
    await supabase().rpc("reschedule_appointment", {
      appointment_id: visit.id,
      starts_at: to.at,
      expected_version: visit.version,
      request_id: requestId,
      ...(to.provider && { provider_id: to.provider }),
    }),
  );
}
