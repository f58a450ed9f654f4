import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import type { Database } from "@/lib/database-types";

export type Role = Database["public"]["Enums"]["member_role"];

export interface Membership {
  clinic_id: string;
  clinic_name: string;
  role: Role;
  /** Nothing of the clinic is reached until the person signed in with a second factor. */
  needs_second_factor: boolean;
}

/** Where the signed-in person works; empty for patients. */
export function membershipsQuery(userId: string | undefined) {
  return queryOptions({
    queryKey: ["memberships", userId],
    queryFn: async () => rowsOf(await supabase().rpc("my_memberships")) as Membership[],
    enabled: userId !== undefined,
    staleTime: 300_000,
    meta: { isPersonal: true },
  });
}
