import { useCallback, useEffect, useState } from "react";
import { draft, dropDraft, keepDraft } from "@/lib/storage";

/** What somebody has typed for one slot, and the ids that make asking twice harmless. */
export interface BookingDraft {
  name: string;
  patientId: string | null;
  reason: string;
  holdRequest: string;
  bookRequest: string;
}

/** Survives reloads and an ended session in this tab; `drop` forgets it. */
export function useBookingDraft(slotName: string) {
  const [typed, setTyped] = useState<BookingDraft>(() =>
    draft<BookingDraft>(slotName) ?? newDraft()
  );
  useEffect(() => keepDraft(slotName, typed), [slotName, typed]);
  const change = useCallback(
    (part: Partial<BookingDraft>) => setTyped((before) => ({ ...before, ...part })),
    [],
  );
  const drop = useCallback(() => dropDraft(slotName), [slotName]);
  return { typed, change, drop };
}

function newDraft(): BookingDraft {
  return {
    name: "",
    patientId: null,
    reason: "",
    holdRequest: crypto.randomUUID(),
    bookRequest: crypto.randomUUID(),
  };
}
