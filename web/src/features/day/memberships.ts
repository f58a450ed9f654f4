import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** Where the signed-in person works; empty for patients. */
export function membershipsQuery(userId: string | undefined) {
  return queryOptions({
    queryKey: ["memberships", userId],
    queryFn: async () =>
      rowsOf(await supabase().rpc("my_memberships")) as {
        clinic_id: string;
        clinic_name: string;
      }[],
    enabled: userId !== undefined,
    staleTime: 300_000,
    meta: { isPersonal: true },
  });
}
