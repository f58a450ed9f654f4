import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import type { Database } from "@/lib/database-types";

export type FeedDetails = Database["public"]["Enums"]["feed_details"];

/** The person's subscriptions of patients' calendars that still work, newest first. */
export function feedsQuery(userId: string) {
  return queryOptions({
    queryKey: ["feeds", userId],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("calendar_feeds")
          .select("id, patient_id, details, created_at")
          .eq("user_id", userId)
          .is("revoked_at", null)
          .not("patient_id", "is", null)
          .order("created_at", { ascending: false }),
      ),
    meta: { isPersonal: true },
  });
}

/** The secret address; it is told this once. */
export async function createFeed(
  patientId: string,
  details: FeedDetails,
): Promise<string> {
  const [feed] = rowsOf(
    await supabase().rpc("create_feed", { patient_id: patientId, details }),
  );
  return feed?.address ?? "";
}

export async function revokeFeed(feedId: string): Promise<void> {
  rowsOf(await supabase().rpc("revoke_feed", { feed_id: feedId }));
}
