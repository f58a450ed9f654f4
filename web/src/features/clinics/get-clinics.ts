import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** The clinics one may see: those that book publicly, and one's own. */
export const clinicsQuery = queryOptions({
  queryKey: ["clinics"],
  queryFn: async () =>
    rowsOf(
      await supabase()
        .from("clinics")
        .select("id, slug, name, locations (id, name, address)")
        .order("name")
        .limit(200),
    ),
  staleTime: 300_000,
});
