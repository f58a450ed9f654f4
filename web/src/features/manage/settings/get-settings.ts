import { queryOptions } from "@tanstack/react-query";
import { Refusal, rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** Everything a clinic can set about itself. */
export function settingsQuery(clinicId: string) {
  return queryOptions({
    queryKey: ["settings", clinicId],
    queryFn: () => getSettings(clinicId),
    meta: { isPersonal: true },
  });
}

export type Settings = Awaited<ReturnType<typeof getSettings>>;

async function getSettings(clinicId: string) {
  const settings = rowsOf(
    await supabase()
      .from("clinics")
      .select(
        `id, name, slug, time_zone, books_publicly, staff_needs_second_factor,
         hold_minutes, max_holds_per_person, max_open_bookings_per_patient,
         late_cancel_hours, missed_visits_window_days, max_missed_visits,
         waitlist_policy, offer_minutes, reminder_offsets_minutes, follow_up_minutes,
         quiet_from, quiet_until, clock_hours, locale, audit_retention_days`,
      )
      .eq("id", clinicId)
      .maybeSingle(),
  );
  if (!settings) throw new Refusal("not_found");
  return settings;
}
