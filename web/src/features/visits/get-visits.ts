import { queryOptions } from "@tanstack/react-query";
import { Refusal, rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

const SHOWN =
  `id, starts_at, ends_at, status, version, patient_id, service_id, provider_id, clinic_id,
  session_id, hold_expires_at,
  services (id, name, preparation, cancel_notice_minutes),
  providers (id, full_name, speciality),
  locations (id, name, address, phone, time_zone),
  patients (id, full_name, user_id),
  visit_confirmations (appointment_version),
  clinics (id, slug, name)` as const;

export type Visit = Awaited<ReturnType<typeof getVisit>>;

/** The visits of the given patients, newest first; held ones are not visits yet. */
export function visitsQuery(patientIds: string[]) {
  return queryOptions({
    queryKey: ["visits", patientIds],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("appointments")
          .select(SHOWN)
          .in("patient_id", patientIds)
          .not("status", "in", "(held,entered_in_error)")
          .order("starts_at", { ascending: false })
          .limit(200),
      ),
    enabled: patientIds.length > 0,
    meta: { isPersonal: true },
  });
}

/** Whether the patient said that they will come, to the visit as it is now. */
export function isConfirmed(visit: Visit): boolean {
  return visit.visit_confirmations.some(({ appointment_version }) =>
    appointment_version === visit.version
  );
}

/** One visit; refuses with `not_found` for other people's. */
export function visitQuery(id: string) {
  return queryOptions({
    queryKey: ["visit", id],
    queryFn: () => getVisit(id),
    meta: { isPersonal: true },
  });
}

async function getVisit(id: string) {
  const visit = rowsOf(
    await supabase().from("appointments").select(SHOWN).eq("id", id)
      .maybeSingle(),
  );
  if (!visit) throw new Refusal("not_found");
  return visit;
}
