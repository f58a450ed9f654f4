import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** A time somebody chose; with a reason if it is not one that is offered. */
export interface ChosenTime {
  at: number;
  providerId: string | null;
  overbookReason: string;
}

interface Booking extends ChosenTime {
  serviceId: string;
  patientId: string;
  reason: string;
}

/** Books for a patient. The same request again books nothing more. */
export async function bookFor(booking: Booking, requestId: string) {
  return rowsOf(
    await supabase().rpc("book_appointment", {
      service_id: booking.serviceId,
      patient_id: booking.patientId,
      starts_at: new Date(booking.at).toISOString(),
      request_id: requestId,
      ...(booking.providerId && { provider_id: booking.providerId }),
      ...(booking.reason.trim() && { reason: booking.reason.trim() }),
      ...(booking.overbookReason.trim() && { overbook_reason: booking.overbookReason.trim() }),
    }),
  );
}

interface VisitSeen {
  id: string;
  version: number;
}

/** Moves a visit, unless somebody changed it since it was seen; answers with its new version. */
export async function moveTo(visit: VisitSeen, to: ChosenTime) {
  return rowsOf(
    await supabase().rpc("reschedule_appointment", {
      appointment_id: visit.id,
      starts_at: new Date(to.at).toISOString(),
      expected_version: visit.version,
      ...(to.providerId && { provider_id: to.providerId }),
      ...(to.overbookReason.trim() && { overbook_reason: to.overbookReason.trim() }),
    }),
  );
}
