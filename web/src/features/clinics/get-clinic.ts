import { queryOptions } from "@tanstack/react-query";
import { Refusal, rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** A clinic with what a visitor needs to book there; refuses with `not_found` if one may not see it. */
export function clinicQuery(slug: string) {
  return queryOptions({
    queryKey: ["clinic", slug],
    queryFn: () => getClinic(slug),
    staleTime: 300_000,
  });
}

export type Clinic = Awaited<ReturnType<typeof getClinic>>;
export type Service = Clinic["services"][number];
export type Provider = Clinic["providers"][number];
export type Place = Clinic["locations"][number];

async function getClinic(slug: string) {
  const clinic = rowsOf(
    await supabase()
      .from("clinics")
      .select(
        `id, slug, name, time_zone, books_publicly,
         locations (id, name, address, phone, time_zone),
         services (id, name, description, preparation, duration_minutes, capacity, active,
           buffer_before_minutes, buffer_after_minutes, needs_approval, new_patients_only,
           horizon_days, cancel_notice_minutes),
         providers (id, full_name, speciality, active,
           provider_services (service_id, duration_minutes))`,
      )
      .eq("slug", slug)
      .order("name", { referencedTable: "services" })
      .order("full_name", { referencedTable: "providers" })
      .order("name", { referencedTable: "locations" })
      .maybeSingle(),
  );
  if (!clinic) throw new Refusal("not_found");
  const providers = clinic.providers.filter((provider) => provider.active);
  const offered = clinic.services.filter((service) =>
    service.active && offeredBy(providers, service.id).length > 0
  );
  return {
    ...clinic,
    providers,
    services: offered.filter((service) => service.capacity === 1),
    /** Planned by the clinic and joined; they have no free times of their own. */
    groups: offered.filter((service) => service.capacity > 1),
  };
}

export function offeredBy<
  Offering extends { provider_services: { service_id: string }[] },
>(
  providers: Offering[],
  serviceId: string,
): Offering[] {
  return providers.filter((provider) =>
    provider.provider_services.some((offered) => offered.service_id === serviceId)
  );
}

/** Refuses with `not_found` for a service that is not booked online here. */
export function serviceOf(
  clinic: Clinic,
  serviceId: string,
  among: "services" | "groups" = "services",
): Service {
  const service = clinic[among].find(({ id }) => id === serviceId);
  if (!service) throw new Refusal("not_found");
  return service;
}
