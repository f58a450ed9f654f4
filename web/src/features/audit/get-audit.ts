import { infiniteQueryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import type { Database } from "@/lib/database-types";
import { addDays, type Day, isDay, startOfDay } from "@/lib/zoned-time";

export const ACTIONS = [
  "opened",
  "added",
  "changed",
  "removed",
  "exported",
  "erased",
] as const;
export type Action = Database["public"]["Enums"]["access_action"];

export interface AuditFilter {
  action: Action | null;
  actorId: string | null;
  patientId: string | null;
  /** Both included, on the clinic's wall; empty: without bound. */
  /** As the address has them; what is no day, or none yet while it is typed, narrows nothing. */
  from: string;
  until: string;
}

const PAGE = 50;

/** Who opened or changed what in a clinic, the latest first, a page at a time. */
export function auditQuery(
  clinicId: string,
  zone: string,
  filter: AuditFilter,
) {
  return infiniteQueryOptions({
    queryKey: ["audit", clinicId, filter],
    queryFn: ({ pageParam }) => getEntries(clinicId, zone, filter, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.length < PAGE ? null : page.at(-1)?.happened_at ?? null,
    meta: { isPersonal: true },
  });
}

export type AuditEntry = Awaited<ReturnType<typeof getEntries>>[number];

async function getEntries(
  clinicId: string,
  zone: string,
  filter: AuditFilter,
  before: string | null,
) {
  let asked = supabase()
    .from("access_log")
    .select(
      "id, patient_id, action, subject, changed_columns, actor_id, actor_role, acted_as, happened_at",
    )
    .eq("clinic_id", clinicId);
  if (filter.action) asked = asked.eq("action", filter.action);
  if (filter.actorId) asked = asked.eq("actor_id", filter.actorId);
  if (filter.patientId) asked = asked.eq("patient_id", filter.patientId);
  if (isDay(filter.from)) asked = asked.gte("happened_at", instant(filter.from, zone));
  if (isDay(filter.until)) {
    asked = asked.lt("happened_at", instant(addDays(filter.until, 1), zone));
  }
  if (before !== null) asked = asked.lt("happened_at", before);
  const entries = rowsOf(
    await asked
      .order("happened_at", { ascending: false })
      .order("id", { ascending: false })
      .limit(PAGE),
  );
  const names = await namesOf(entries.map(({ patient_id }) => patient_id));
  return entries.map((entry) => ({
    ...entry,
    patient: entry.patient_id && (names.get(entry.patient_id) ?? null),
  }));
}

// The log names nobody; who it is about is read with the reader's own rights.
async function namesOf(ids: (string | null)[]): Promise<Map<string, string>> {
  const asked = [...new Set(ids.filter((id) => id !== null))];
  if (asked.length === 0) return new Map();
  const patients = rowsOf(
    await supabase().from("patients").select("id, full_name").in("id", asked),
  );
  return new Map(patients.map(({ id, full_name }) => [id, full_name]));
}

function instant(day: Day, zone: string): string {
  return new Date(startOfDay(day, zone)).toISOString();
}
