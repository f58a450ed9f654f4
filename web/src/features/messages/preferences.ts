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

/** What a member wants to be told by a clinic; null: as the role says. */
export interface MemberPreferences {
  language: string | null;
  new_bookings: boolean | null;
  late_cancellations: boolean | null;
  daily_agenda: boolean | null;
}

/** As long as nothing has been said. */
export const AS_THE_ROLE_SAYS: MemberPreferences = {
  language: null,
  new_bookings: null,
  late_cancellations: null,
  daily_agenda: null,
};

export function memberPreferencesQuery(userId: string) {
  return queryOptions({
    queryKey: ["preferences", "of_member", userId],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("notification_preferences")
          .select("clinic_id, language, new_bookings, late_cancellations, daily_agenda")
          .eq("user_id", userId),
      ),
    meta: { isPersonal: true },
  });
}

export async function saveMemberPreferences(
  member: { clinic_id: string; user_id: string },
  preferences: MemberPreferences,
): Promise<void> {
  rowsOf(
    await supabase()
      .from("notification_preferences")
      .upsert({ ...member, ...preferences }, { onConflict: "clinic_id,user_id" }),
  );
}
