import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** All kinds of visit of a clinic, with who gives them and what they need. */
export function servicesQuery(clinicId: string) {
  return queryOptions({
    queryKey: ["services", clinicId],
    queryFn: () => getServices(clinicId),
    meta: { isPersonal: true },
  });
}

export type ManagedService = Awaited<ReturnType<typeof getServices>>[number];

async function getServices(clinicId: string) {
  return rowsOf(
    await supabase()
      .from("services")
      .select(
        `*, provider_services (provider_id, duration_minutes, weight, max_per_day, max_per_week),
         service_needs (id, kind, resource_id, quantity)`,
      )
      .eq("clinic_id", clinicId)
      .order("active", { ascending: false })
      .order("name"),
  );
}

/** Rooms and equipment of a clinic, by place. */
export function resourcesQuery(clinicId: string) {
  return queryOptions({
    queryKey: ["resources", clinicId],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("resources")
          .select("id, kind, name, active, location_id")
          .eq("clinic_id", clinicId)
          .order("active", { ascending: false })
          .order("name"),
      ),
    meta: { isPersonal: true },
  });
}

export type Resource = NonNullable<
  Awaited<ReturnType<NonNullable<ReturnType<typeof resourcesQuery>["queryFn"]>>>
>[number];
