import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** Everybody who sees patients, or did. */
export function providersQuery(clinicId: string) {
  return queryOptions({
    queryKey: ["providers", clinicId],
    queryFn: () => getProviders(clinicId),
    meta: { isPersonal: true },
  });
}

export type ManagedProvider = Awaited<ReturnType<typeof getProviders>>[number];

async function getProviders(clinicId: string) {
  return rowsOf(
    await supabase()
      .from("providers")
      .select(
        `id, full_name, speciality, active, weekly_hours (id),
         provider_services (service_id, services (name))`,
      )
      .eq("clinic_id", clinicId)
      .order("active", { ascending: false })
      .order("full_name"),
  );
}
