import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** What a clinic offers, by whom, and where: for the forms and columns of its staff. */
export function offeringsQuery(clinicId: string) {
  return queryOptions({
    queryKey: ["offerings", clinicId],
    queryFn: () => getOfferings(clinicId),
    staleTime: 300_000,
    meta: { isPersonal: true },
  });
}

export type Offerings = Awaited<ReturnType<typeof getOfferings>>;
export type Service = Offerings["services"][number];

async function getOfferings(clinicId: string) {
  const [services, locations, resources] = await Promise.all([
    supabase().from("services")
      .select("id, name, duration_minutes, slot_interval_minutes, provider_services (provider_id)")
      .eq("clinic_id", clinicId).eq("active", true).eq("capacity", 1).order("name"),
    supabase().from("locations").select("id, name, time_zone").eq("clinic_id", clinicId)
      .order("name"),
    supabase().from("resources").select("id, name, kind, location_id, locations (name)")
      .eq("clinic_id", clinicId).eq("active", true).order("kind").order("name"),
  ]);
  return {
    services: rowsOf(services),
    locations: rowsOf(locations),
    resources: rowsOf(resources),
  };
}
