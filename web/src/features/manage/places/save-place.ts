import { supabase } from "@/lib/supabase";
import { saved } from "../saved";

export interface PlaceColumns {
  name: string;
  address: string | null;
  phone: string | null;
  time_zone: string;
}

export async function savePlace(
  clinicId: string,
  id: string | undefined,
  columns: PlaceColumns,
) {
  const table = supabase().from("locations");
  saved(
    id
      ? await table.update(columns).eq("id", id).select("id")
      : await table.insert({ ...columns, clinic_id: clinicId }).select("id"),
  );
}

/** Only a place where nothing ever was; the database refuses otherwise. */
export async function removePlace(id: string) {
  saved(await supabase().from("locations").delete().eq("id", id).select("id"));
}

export interface ResourceColumns {
  location_id: string;
  kind: "room" | "equipment";
  name: string;
  active: boolean;
}

export async function saveResource(
  clinicId: string,
  id: string | undefined,
  columns: ResourceColumns,
) {
  const table = supabase().from("resources");
  saved(
    id
      ? await table.update(columns).eq("id", id).select("id")
      : await table.insert({ ...columns, clinic_id: clinicId }).select("id"),
  );
}

export async function removeResource(id: string) {
  saved(await supabase().from("resources").delete().eq("id", id).select("id"));
}
