import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** What the given patients wait for, with the offers that can still be taken. */
export function waitingQuery(patientIds: string[]) {
  return queryOptions({
    queryKey: ["waiting", patientIds],
    queryFn: () => getWaiting(patientIds),
    enabled: patientIds.length > 0,
    meta: { isPersonal: true },
  });
}

export type Waiting = Awaited<ReturnType<typeof getWaiting>>[number];

async function getWaiting(patientIds: string[]) {
  return rowsOf(
    await supabase()
      .from("waitlist_entries")
      .select(
        `id, status, created_at, patient_id, services (name), clinics (name, slug, time_zone),
         patients (full_name, user_id),
         waitlist_offers (id, starts_at, expires_at, status, providers (full_name))`,
      )
      .in("patient_id", patientIds)
      .in("status", ["waiting", "offered"])
      .order("created_at"),
  );
}

export interface Wishes {
  serviceId: string;
  patientId: string;
  providerId: string | null;
  placeId: string | null;
  earliest: string;
  latest: string;
  weekdays: number[];
  fromClock: string;
  toClock: string;
}

/** Again for the same service, the wishes change and the place on the list stays. */
export async function joinWaitlist(wishes: Wishes): Promise<void> {
  rowsOf(
    await supabase().rpc("join_waitlist", {
      service_id: wishes.serviceId,
      patient_id: wishes.patientId,
      from_clock: wishes.fromClock,
      to_clock: wishes.toClock,
      ...(wishes.providerId && { provider_ids: [wishes.providerId] }),
      ...(wishes.placeId && { location_id: wishes.placeId }),
      ...(wishes.earliest && { earliest: wishes.earliest }),
      ...(wishes.latest && { latest: wishes.latest }),
      ...(wishes.weekdays.length && { weekdays: wishes.weekdays }),
    }),
  );
}

export async function leaveWaitlist(entryId: string): Promise<void> {
  rowsOf(await supabase().rpc("leave_waitlist", { entry_id: entryId }));
}

export async function acceptOffer(offerId: string) {
  return rowsOf(
    await supabase().rpc("accept_offer", { offer_id: offerId }),
  ) as { id: string };
}

export async function declineOffer(offerId: string): Promise<void> {
  rowsOf(await supabase().rpc("decline_offer", { offer_id: offerId }));
}
