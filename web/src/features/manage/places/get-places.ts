import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** The places of a clinic, with their rooms and equipment. */
export function placesQuery(clinicId: string) {
  return queryOptions({
    queryKey: ["places", clinicId],
    queryFn: () => getPlaces(clinicId),
    meta: { isPersonal: true },
  });
}

export type ManagedPlace = Awaited<ReturnType<typeof getPlaces>>[number];
export type PlaceResource = ManagedPlace["resources"][number];

async function getPlaces(clinicId: string) {
  return rowsOf(
    await supabase()
      .from("locations")
      .select(
        "id, name, address, phone, time_zone, resources (id, kind, name, active)",
      )
      .eq("clinic_id", clinicId)
      .order("name")
      .order("name", { referencedTable: "resources" }),
  );
}
