import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** What somebody wants of a clinic's messages; times are wall-clock time at the clinic. */
export interface Preferences {
  language: string | null;
  quiet_from: string | null;
  quiet_until: string | null;
  reminders: boolean;
  follow_ups: boolean;
}

/** As long as nothing has been said; what a clinic does then is its own setting. */
export const DEFAULTS: Preferences = {
  language: null,
  quiet_from: null,
  quiet_until: null,
  reminders: true,
  follow_ups: true,
};

export function preferencesQuery(patientIds: string[]) {
  return queryOptions({
    queryKey: ["preferences", patientIds],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("notification_preferences")
          .select(
            "patient_id, language, quiet_from, quiet_until, reminders, follow_ups",
          )
          .in("patient_id", patientIds),
      ),
    meta: { isPersonal: true },
  });
}

export async function savePreferences(
  patient: { id: string; clinic_id: string },
  preferences: Preferences,
): Promise<void> {
  rowsOf(
    await supabase()
      .from("notification_preferences")
      .upsert(
        {
          clinic_id: patient.clinic_id,
          patient_id: patient.id,
          ...preferences,
        },
        { onConflict: "clinic_id,patient_id" },
      ),
  );
}
