import { rowsOf } from "@/lib/errors";
import { type Row, supabase } from "@/lib/supabase";

export interface WantedSlot {
  serviceId: string;
  startsAt: string;
  /** Null: anybody who is free, chosen fairly by the database. */
  providerId: string | null;
}

/** Keeps the time for some minutes; the same request again returns the same hold. */
export async function holdSlot(
  wanted: WantedSlot,
  patientId: string,
  requestId: string,
): Promise<Row<"appointments">> {
  return rowsOf(
    await supabase().rpc("hold_slot", {
      service_id: wanted.serviceId,
      // The generated types do not know that null is allowed here.
      provider_id: wanted.providerId as string,
      starts_at: wanted.startsAt,
      patient_id: patientId,
      request_id: requestId,
    }),
  ) as Row<"appointments">;
}

/** Gives a held time back. Nothing depends on the answer: a forgotten hold ends by itself. */
export async function giveBack(holdId: string): Promise<void> {
  await supabase().rpc("cancel_appointment", { appointment_id: holdId });
}
