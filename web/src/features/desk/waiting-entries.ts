import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import type { Database } from "@/lib/database-types";

export type Urgency = Database["public"]["Enums"]["waitlist_urgency"];

/** Everybody who waits in a clinic, in the order in which they are asked. */
export function waitingEntriesQuery(clinicId: string) {
  return queryOptions({
    queryKey: ["desk-waiting", clinicId],
    queryFn: () => getWaitingEntries(clinicId),
    refetchInterval: 60_000,
    meta: { isPersonal: true },
  });
}

export type WaitingEntry = Awaited<ReturnType<typeof getWaitingEntries>>[number];

const RANK: Record<Urgency, number> = { urgent: 0, soon: 1, routine: 2 };

async function getWaitingEntries(clinicId: string) {
  const [clinic, entries] = await Promise.all([
    supabase().from("clinics").select("waitlist_policy").eq("id", clinicId).maybeSingle(),
    supabase().from("waitlist_entries")
      .select(
        `id, status, created_at, urgency, earliest, latest, weekdays, from_clock, to_clock,
         service_id, patient_id, patients (full_name), services (name), locations (name),
         waitlist_entry_providers (providers (id, full_name)),
         waitlist_offers (id, starts_at, expires_at, status, appointment_id,
           providers (full_name))`,
      )
      .eq("clinic_id", clinicId).in("status", ["waiting", "offered"])
      .order("created_at").order("id").limit(500),
  ]);
  const byUrgency = rowsOf(clinic)?.waitlist_policy === "urgency";
  const found = rowsOf(entries);
  // A stable sort: who has waited longest stays first among equals.
  return byUrgency
    ? [...found].sort((one, other) => RANK[one.urgency] - RANK[other.urgency])
    : found;
}

export async function offerTime(entryId: string, providerId: string, at: number) {
  return rowsOf(
    await supabase().rpc("offer_time", {
      entry_id: entryId,
      provider_id: providerId,
      starts_at: new Date(at).toISOString(),
    }),
  );
}

/** An offer follows its held appointment. */
export async function withdrawOffer(appointmentId: string): Promise<void> {
  rowsOf(await supabase().rpc("cancel_appointment", { appointment_id: appointmentId }));
}

export async function removeEntry(entryId: string): Promise<void> {
  rowsOf(await supabase().rpc("leave_waitlist", { entry_id: entryId }));
}

export interface StaffWishes {
  serviceId: string;
  patientId: string;
  providerId: string;
  earliest: string;
  latest: string;
  urgency: Urgency;
}

/** Again for the same service, the wishes change and the place on the list stays. */
export async function putOnList(wishes: StaffWishes): Promise<void> {
  rowsOf(
    await supabase().rpc("join_waitlist", {
      service_id: wishes.serviceId,
      patient_id: wishes.patientId,
      urgency: wishes.urgency,
      ...(wishes.providerId && { provider_ids: [wishes.providerId] }),
      ...(wishes.earliest && { earliest: wishes.earliest }),
      ...(wishes.latest && { latest: wishes.latest }),
    }),
  );
}
