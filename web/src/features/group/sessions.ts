import { queryOptions } from "@tanstack/react-query";
import { now } from "@/lib/clock";
import { rowsOf } from "@/lib/errors";
import { type Row, supabase } from "@/lib/supabase";

export interface OpenSession {
  session_id: string;
  provider_id: string;
  location_id: string;
  starts_at: string;
  ends_at: string;
  seats_left: number;
}

const DAYS_AHEAD = 60;

/** Sessions of a service with seats left, by time. */
export function sessionsQuery(serviceId: string) {
  return queryOptions({
    queryKey: ["sessions", serviceId],
    queryFn: async () =>
      rowsOf(
        await supabase().rpc("open_sessions", {
          service_id: serviceId,
          from_time: new Date(now()).toISOString(),
          to_time: new Date(now() + DAYS_AHEAD * 86_400_000).toISOString(),
        }),
      ) as OpenSession[],
    refetchInterval: 20_000,
  });
}

/** Takes a seat; the same request again takes no other. */
export async function joinSession(
  sessionId: string,
  patientId: string,
  requestId: string,
): Promise<Row<"appointments">> {
  return rowsOf(
    await supabase().rpc("join_session", {
      session_id: sessionId,
      patient_id: patientId,
      request_id: requestId,
    }),
  ) as Row<"appointments">;
}
