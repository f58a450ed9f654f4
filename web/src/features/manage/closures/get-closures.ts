import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import type { Day } from "@/lib/zoned-time";

/** When the clinic or one of its places is closed, or open besides its hours, from that day on. */
export function closuresQuery(clinicId: string, today: Day) {
  return queryOptions({
    queryKey: ["exceptions", clinicId, "clinic", today],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("availability_exceptions")
          .select(
            `id, kind, starts_on, ends_on, opens, closes, reason, external_id,
             locations (id, name)`,
          )
          .eq("clinic_id", clinicId)
          .is("provider_id", null)
          .gte("ends_on", today)
          .order("starts_on")
          .limit(500),
      ),
    meta: { isPersonal: true },
  });
}

export type Closure = NonNullable<
  Awaited<ReturnType<NonNullable<ReturnType<typeof closuresQuery>["queryFn"]>>>
>[number];
