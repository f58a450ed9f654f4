import * as z from "zod/mini";
import { supabase } from "@/lib/supabase";
import type { Database } from "@/lib/database-types";
import { changeByApi } from "../ask-api";
import { saved } from "../saved";

export interface ClinicChanges {
  name?: string;
  slug?: string;
  time_zone?: string;
  books_publicly?: boolean;
  staff_needs_second_factor?: boolean;
}

/** What needs more than a column's check goes through the API. */
export async function changeClinic(clinicId: string, changes: ClinicChanges) {
  await changeByApi({
    method: "PATCH",
    path: `/v1/clinics/${clinicId}`,
    body: changes,
    answer: z.unknown(),
  });
}

export type Rules = Database["public"]["Tables"]["clinics"]["Update"];

export async function changeRules(clinicId: string, rules: Rules) {
  saved(
    await supabase().from("clinics").update(rules).eq("id", clinicId).select(
      "id",
    ),
  );
}
