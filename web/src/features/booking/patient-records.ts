import { queryOptions } from "@tanstack/react-query";
import { currentLanguage } from "@/lib/i18n";
import { rowsOf } from "@/lib/errors";
import { type Row, supabase } from "@/lib/supabase";

export type PatientRecord = Row<"patients">;

/** The signed-in person's records in all clinics and those of whom they care for; own ones first. */
export const recordsQuery = queryOptions({
  queryKey: ["records"],
  queryFn: async () => rowsOf(await supabase().rpc("my_records")) as PatientRecord[],
  staleTime: 60_000,
  meta: { isPersonal: true },
});

export function recordsIn(
  records: PatientRecord[],
  clinicId: string,
): PatientRecord[] {
  return records.filter((record) => record.clinic_id === clinicId && !record.merged_into);
}

/** The person's own record in the clinic, made if missing, with mails in the language they read. */
export async function registerPatient(
  clinicId: string,
  fullName: string,
): Promise<PatientRecord> {
  const record = rowsOf(
    await supabase().rpc("register_patient", {
      clinic_id: clinicId,
      full_name: fullName,
    }),
  ) as PatientRecord;
  const locale = currentLanguage();
  if (record.locale !== locale) {
    await supabase().from("patients").update({ locale }).eq("id", record.id);
  }
  return record;
}

export async function registerDependant(
  clinicId: string,
  fullName: string,
  dateOfBirth: string,
): Promise<PatientRecord> {
  return rowsOf(
    await supabase().rpc("register_dependant", {
      clinic_id: clinicId,
      full_name: fullName,
      date_of_birth: dateOfBirth,
    }),
  ) as PatientRecord;
}
