import { queryOptions } from "@tanstack/react-query";
import { keyOf, Refusal, rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** Who it is and when they come; any member of the clinic reads this, and nobody is told. */
export function patientQuery(clinicId: string, patientId: string) {
  return queryOptions({
    queryKey: ["patient", clinicId, patientId],
    queryFn: () => getPatient(clinicId, patientId),
    meta: { isPersonal: true },
  });
}

async function getPatient(clinicId: string, patientId: string) {
  const [patient, visits, attendance] = await Promise.all([
    supabase().from("patients").select("id, full_name, user_id, merged_into, erased_at, created_at")
      .eq("clinic_id", clinicId).eq("id", patientId).maybeSingle(),
    supabase().from("appointments")
      .select(
        `id, starts_at, ends_at, status, cancelled_late, services (name), providers (full_name),
         locations (time_zone), appointment_reasons (id)`,
      )
      .eq("clinic_id", clinicId).eq("patient_id", patientId)
      .not("status", "in", "(held,entered_in_error)")
      .order("starts_at", { ascending: false }).limit(200),
    supabase().from("patient_attendance")
      .select("attended, no_shows, late_cancellations, unknown, books_by_phone_only")
      .eq("clinic_id", clinicId).eq("patient_id", patientId).maybeSingle(),
  ]);
  const found = rowsOf(patient);
  if (!found) throw new Refusal("not_found");
  return { patient: found, visits: rowsOf(visits), attendance: rowsOf(attendance) };
}

export type PatientVisit = Awaited<ReturnType<typeof getPatient>>["visits"][number];

/**
 * Contacts and date of birth. Each look is on record, so the record is opened once for as long as the
 * page stands. Null for those who may not.
 */
export function openPatientQuery(patientId: string) {
  return queryOptions({
    queryKey: ["open-patient", patientId],
    queryFn: async () => {
      const answer = await supabase().rpc("open_patient", { patient_id: patientId });
      if (answer.error && keyOf(answer.error) === "not_allowed") return null;
      return rowsOf(answer);
    },
    staleTime: Infinity,
    refetchOnReconnect: false,
    meta: { isPersonal: true },
  });
}

export interface Contacts {
  full_name: string;
  phone: string;
  email: string;
  date_of_birth: string;
  locale: string;
}

export async function correctPatient(patientId: string, given: Contacts): Promise<void> {
  rowsOf(
    await supabase().from("patients")
      .update({
        full_name: given.full_name.trim(),
        phone: given.phone.trim() || null,
        email: given.email.trim() || null,
        date_of_birth: given.date_of_birth || null,
        locale: given.locale,
      })
      .eq("id", patientId).select("id"),
  );
}
