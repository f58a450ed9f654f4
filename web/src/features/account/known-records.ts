import { queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import { type PatientRecord, recordsQuery } from "../booking/patient-records";

export interface KnownRecord extends PatientRecord {
  clinic: { id: string; name: string; slug: string; time_zone: string };
  isOwn: boolean;
}

function clinicsOf(ids: string[]) {
  return queryOptions({
    queryKey: ["clinics-of-records", ids],
    queryFn: async () =>
      ids.length === 0 ? [] : rowsOf(
        await supabase().from("clinics").select("id, name, slug, time_zone").in(
          "id",
          ids,
        ),
      ),
    staleTime: 300_000,
    meta: { isPersonal: true },
  });
}

/** The person's records and those of whom they care for, each with its clinic. */
export function useKnownRecords(userId: string): KnownRecord[] {
  const { data: records } = useSuspenseQuery(recordsQuery);
  const ids = [...new Set(records.map(({ clinic_id }) => clinic_id))].sort();
  const { data: clinics } = useSuspenseQuery(clinicsOf(ids));
  return records.flatMap((record) => {
    const clinic = clinics.find(({ id }) => id === record.clinic_id);
    const isInUse = clinic && !record.merged_into && !record.erased_at;
    return isInUse ? [{ ...record, clinic, isOwn: record.user_id === userId }] : [];
  });
}
