import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** The places of a clinic, each with its own clock. */
export function locationsQuery(clinicId: string) {
  return queryOptions({
    queryKey: ["locations", clinicId],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("locations")
          .select("id, name, time_zone")
          .eq("clinic_id", clinicId)
          .order("name"),
      ),
    staleTime: 300_000,
    meta: { isPersonal: true },
  });
}
