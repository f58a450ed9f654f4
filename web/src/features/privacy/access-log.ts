import { infiniteQueryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

const PAGE = 30;

/** Who read or changed what about these patients, newest first, a page at a time. */
export function accessLogQuery(patientIds: string[]) {
  return infiniteQueryOptions({
    queryKey: ["access-log", patientIds],
    queryFn: ({ pageParam }) => accessesBefore(patientIds, pageParam),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.length < PAGE ? null : page.at(-1)?.id ?? null,
    meta: { isPersonal: true },
  });
}

export type Access = Awaited<ReturnType<typeof accessesBefore>>[number];

async function accessesBefore(patientIds: string[], id: number | null) {
  const asked = supabase()
    .from("access_log")
    .select(
      "id, clinic_id, patient_id, action, subject, actor_id, acted_as, happened_at",
    )
    .in("patient_id", patientIds)
    .order("id", { ascending: false })
    .limit(PAGE);
  return rowsOf(await (id === null ? asked : asked.lt("id", id)));
}
