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
  const clinic = rowsOf(
    await supabase()
      .from("clinics")
      .select("id, name, slug, time_zone, providers (id, full_name, user_id, active)")
      .eq("id", clinicId)
      .order("full_name", { referencedTable: "providers" })
      .maybeSingle(),
  );
  if (!clinic) throw new Refusal("not_found");
  return clinic;
}
