import { useCallback, useEffect, useState } from "react";
import { draft, dropDraft, keepDraft } from "@/lib/storage";

/** What somebody has typed to book a service, whichever time it will be. */
export interface BookingDraft {
  name: string;
  patientId: string | null;
  reason: string;
}

/** The ids that make asking twice for one slot harmless. */
export interface BookingRequests {
  hold: string;
  book: string;
}

type OwnedDraft = BookingDraft & {
  /** Null until whoever types has signed in. */
  owner: string | null;
};

/**
 * Survives reloads, an ended session and the choice of another time in this tab. It is the
 * person's who typed it: whoever signs in instead of them begins anew.
 */
export function useBookingDraft(
  serviceId: string,
  slotName: string,
  userId: string | null,
) {
  const name = `booking ${serviceId}`;
  const requestsName = `${name} ${slotName}`;
  const [typed, setTyped] = useState(() => draft<OwnedDraft>(name) ?? newDraft(userId));
  const [requests, setRequests] = useState(() =>
    draft<BookingRequests>(requestsName) ?? newRequests()
  );
  if (userId !== null && typed.owner === null) {
    setTyped({ ...typed, owner: userId });
  } else if (userId !== null && typed.owner !== userId) {
    setTyped(newDraft(userId));
    setRequests(newRequests());
  }
  useEffect(() => keepDraft(name, typed), [name, typed]);
  useEffect(() => keepDraft(requestsName, requests), [requestsName, requests]);

  const change = useCallback(
    (part: Partial<BookingDraft>) => setTyped((before) => ({ ...before, ...part })),
    [],
  );
  /** To keep the time once more, as if it had not been asked for. */
  const renew = useCallback(() => setRequests(newRequests()), []);
  /** Whoever comes back to the slot asks anew; what was typed waits for them. */
  const leave = useCallback(() => dropDraft(requestsName), [requestsName]);
  const finish = useCallback(() => dropDraft(name), [name]);
  return { typed, change, requests, renew, leave, finish };
}

function newDraft(owner: string | null): OwnedDraft {
  return { name: "", patientId: null, reason: "", owner };
}

function newRequests(): BookingRequests {
  return { hold: crypto.randomUUID(), book: crypto.randomUUID() };
}
