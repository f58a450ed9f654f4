import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { OutsideVisit } from "./visits-outside";

type Rule = "refuse" | "mark" | "preview";

/**
 * A change of hours in two steps: what it would leave outside is asked first; if that is nothing the
 * change is made at once, else when the person agrees to have those visits marked.
 */
export function useCheckedChange<Change>(
  make: (change: Change, rule: Rule) => Promise<OutsideVisit[]>,
  onDone: () => void,
) {
  const queries = useQueryClient();
  const [asked, setAsked] = useState<
    { change: Change; outside: OutsideVisit[] } | null
  >(null);
  const mutation = useMutation({
    mutationFn: async (
      { change, isAgreed }: { change: Change; isAgreed: boolean },
    ) => {
      if (isAgreed) return void await make(change, "mark");
      const outside = await make(change, "preview");
      if (outside.length > 0) return { change, outside };
      await make(change, "refuse");
      return undefined;
    },
    onSuccess: (question) => {
      setAsked(question ?? null);
      if (!question) onDone();
    },
    onSettled: () =>
      Promise.all(
        ["weekly-hours", "exceptions", "day", "week", "attention"].map((key) =>
          queries.invalidateQueries({ queryKey: [key] })
        ),
      ),
  });
  return {
    ask: (change: Change) => {
      if (!mutation.isPending) mutation.mutate({ change, isAgreed: false });
    },
    agree: () => {
      if (asked && !mutation.isPending) {
        mutation.mutate({ change: asked.change, isAgreed: true });
      }
    },
    giveUp: () => setAsked(null),
    outside: asked?.outside ?? [],
    isAsking: asked !== null,
    isBusy: mutation.isPending,
    error: mutation.error,
  };
}
