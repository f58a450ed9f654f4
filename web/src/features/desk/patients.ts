import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

export interface PatientName {
  id: string;
  full_name: string;
  /** Of one among several with the same name, where it is known. */
  birth_year?: number | null;
}

const SHOWN = 8;

/** The clinic's patients with these words in their names, in any order. */
export function patientsNamedQuery(clinicId: string, typed: string) {
  const words = typed.trim().split(/\s+/).filter(Boolean).slice(0, 5);
  return queryOptions({
    queryKey: ["patients", clinicId, words.join(" ").toLowerCase()],
    queryFn: () => patientsNamed(clinicId, words),
    enabled: words.join("").length >= 2,
    staleTime: 30_000,
    meta: { isPersonal: true },
  });
}

/** By a function: a name in an address would stand in logs. */
async function patientsNamed(clinicId: string, words: string[]): Promise<PatientName[]> {
  const found = rowsOf(
    await supabase().rpc("find_patients", {
      clinic_id: clinicId,
      name: words.join(" "),
      max_results: SHOWN,
    }),
  );
  return found.map(({ patient_id, ...name }) => ({ id: patient_id, ...name }));
}

export interface NewPatient {
  full_name: string;
  phone: string;
  email: string;
  date_of_birth: string;
  /** Language of messages. */
  locale: string;
}

/** A record for somebody who has no log-in. `register_patient` would make the caller's own. */
export async function addPatient(clinicId: string, given: NewPatient): Promise<PatientName> {
  const known = Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, value.trim()]).filter(([, value]) => value),
  );
  return rowsOf(
    await supabase().from("patients")
      .insert({
        full_name: given.full_name.trim(),
        locale: given.locale,
        ...known,
        clinic_id: clinicId,
      })
      .select("id, full_name").single(),
  );
}
