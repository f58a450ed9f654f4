import { queryOptions } from "@tanstack/react-query";
import { Refusal, rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** A clinic as those who work there need it; refuses with `not_found` for others. */
export function workplaceQuery(clinicId: string) {
  return queryOptions({
    queryKey: ["workplace", clinicId],
    queryFn: () => getWorkplace(clinicId),
    staleTime: 300_000,
    meta: { isPersonal: true },
  });
}

export type Clinic = Awaited<ReturnType<typeof getWorkplace>>;

async function getWorkplace(clinicId: string) {
  const [clinic, staff] = await Promise.all([
    supabase()
      .from("clinics")
      .select("id, name, slug, time_zone, locale, providers (id, full_name, active)")
      .eq("id", clinicId)
      .order("full_name", { referencedTable: "providers" })
      .maybeSingle(),
    supabase().rpc("clinic_staff", { clinic_id: clinicId }),
  ]);
  const found = rowsOf(clinic);
  if (!found) throw new Refusal("not_found");
  const members = rowsOf(staff);
  return {
    ...found,
    providers: found.providers.map((provider) => ({
      ...provider,
      user_id: members.find((member) => member.provider_id === provider.id)?.user_id ?? null,
    })),
  };
}
