import { now } from "@/lib/clock";
import { keyOf, rowsOf } from "@/lib/errors";
import { type Row, supabase } from "@/lib/supabase";

export interface WantedSlot {
  serviceId: string;
  startsAt: string;
  /** Null: anybody who is free, chosen fairly by the database. */
  providerId: string | null;
  placeId: string | null;
}

// What one is told when it is oneself who keeps the time already.
const IN_ONES_OWN_WAY = new Set([
  "slot_taken",
  "patient_already_booked",
  "limit_reached",
]);

/**
 * Keeps the time for some minutes; the same request again returns the same hold. What the patient
 * has at that time already, held in another tab or booked, is returned instead of a refusal.
 */
export async function holdSlot(
  wanted: WantedSlot,
  patientId: string,
  requestId: string,
): Promise<Row<"appointments">> {
  const answer = await supabase().rpc("hold_slot", {
    service_id: wanted.serviceId,
    // The generated types do not know that null is allowed here.
    provider_id: wanted.providerId as string,
    starts_at: wanted.startsAt,
    patient_id: patientId,
    request_id: requestId,
    ...(wanted.placeId && { location_id: wanted.placeId }),
  });
  const own = answer.error && IN_ONES_OWN_WAY.has(keyOf(answer.error))
    ? await ownAppointment(wanted, patientId)
    : undefined;
  return own ?? rowsOf(answer) as Row<"appointments">;
}

async function ownAppointment(
  { serviceId, startsAt }: WantedSlot,
  patientId: string,
) {
  const found = rowsOf(
    await supabase().from("appointments").select("*")
      .eq("patient_id", patientId).eq("service_id", serviceId).eq(
        "starts_at",
        startsAt,
      )
      .in("status", ["held", "pending", "booked"]),
  );
  return found.find(({ hold_expires_at }) =>
    hold_expires_at === null || Date.parse(hold_expires_at) > now()
  );
}

/**
 * Gives a held time back, unless it has become a visit since. Nothing depends on the answer: a
 * forgotten hold ends by itself.
 */
export async function giveBack(hold: Row<"appointments">): Promise<void> {
  await supabase().rpc("cancel_appointment", {
    appointment_id: hold.id,
    expected_version: hold.version,
  });
}
