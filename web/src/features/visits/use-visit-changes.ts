import { useQueryClient } from "@tanstack/react-query";
import { useBroadcast } from "@/lib/broadcasts";

/** Reads the person's visits anew whenever one of them changes elsewhere. */
export function useVisitChanges(userId: string): void {
  const queries = useQueryClient();
  const readAnew = () => {
    for (const name of ["visit", "visits", "waiting"]) {
      void queries.invalidateQueries({ queryKey: [name] });
    }
  };
  useBroadcast(
    { topic: `user:${userId}`, isPrivate: true, event: "appointment_changed" },
    readAnew,
    readAnew,
  );
}
