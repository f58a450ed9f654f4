import { supabase } from "@/lib/supabase";
import { saved } from "../saved";

export interface ProviderColumns {
  full_name: string;
  speciality: string | null;
  active: boolean;
  user_id: string | null;
}

export async function saveProvider(
  clinicId: string,
  id: string | undefined,
  columns: ProviderColumns,
) {
  const table = supabase().from("providers");
  saved(
    id
      ? await table.update(columns).eq("id", id).select("id")
      : await table.insert({ ...columns, clinic_id: clinicId }).select("id"),
  );
}
