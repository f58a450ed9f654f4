import { rowsOf } from "@/lib/errors";
import { type Row, supabase } from "@/lib/supabase";

/** Makes the hold a booking; the same request again returns the same visit. */
export async function bookHeldSlot(
  hold: Row<"appointments">,
  reason: string,
  requestId: string,
): Promise<Row<"appointments">> {
  return rowsOf(
    await supabase().rpc("book_appointment", {
      service_id: hold.service_id,
      starts_at: hold.starts_at,
      hold_id: hold.id,
      request_id: requestId,
      ...(reason.trim() && { reason: reason.trim() }),
    }),
  ) as Row<"appointments">;
}
