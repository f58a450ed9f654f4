import { useQueryClient } from "@tanstack/react-query";
import { useBroadcast } from "@/lib/broadcasts";
import { useCoalesced } from "@/lib/coalesce";

/** Reads the person's visits anew whenever one of them changes elsewhere. */
export function useVisitChanges(userId: string): void {
  const queries = useQueryClient();
  const readAnew = useCoalesced(() =>
    Promise.all(
      ["visit", "visits", "waiting"].map((name) => queries.invalidateQueries({ queryKey: [name] })),
    )
  );
  useBroadcast(
    { topic: `user:${userId}`, isPrivate: true, event: "appointment_changed" },
    readAnew,
    readAnew,
  );
}
