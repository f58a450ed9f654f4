import { queryOptions } from "@tanstack/react-query";
import * as z from "zod/mini";
import { askApi } from "@/lib/api";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

export const KINDS = ["patients", "providers", "synthea"] as const;
export type Kind = (typeof KINDS)[number];

const MEDIA_TYPES = {
  patients: "text/csv",
  providers: "text/csv",
  synthea: "application/zip",
};
const RUNNING = new Set(["queued", "running"]);
const EVERY_MILLISECONDS = 1000;

const startedShape = z.object({ id: z.string() });

interface Upload {
  clinicId: string;
  kind: Kind;
  isDryRun: boolean;
  file: File;
  /** The same for the same upload: asked again, it is not imported twice. */
  key: string;
}

/**
 * Hands the file over; the id of the job that takes it in. Rejects with a DOMException if the file
 * was changed or removed since it was chosen.
 */
export async function startImport(
  { clinicId, kind, isDryRun, file, key }: Upload,
): Promise<string> {
  const search = new URLSearchParams({ kind, dry_run: String(isDryRun) });
  const content = await file.arrayBuffer();
  const answer = await askApi(`/v1/clinics/${clinicId}/imports?${search}`, {
    method: "POST",
    headers: { "Content-Type": MEDIA_TYPES[kind], "Idempotency-Key": key },
    body: content,
  });
  return startedShape.parse(await answer.json()).id;
}

/** The clinic's latest imports, read again each second while one of them is running. */
export function importsQuery(clinicId: string) {
  return queryOptions({
    queryKey: ["imports", clinicId],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("import_jobs")
          .select(
            `id, kind, dry_run, status, error, created_at, ended_at,
             import_files!import_files_of_clinic (name, size_bytes, done_bytes, rows_read,
               imported, already_there, rejected)`,
          )
          .eq("clinic_id", clinicId)
          .order("created_at", { ascending: false })
          .limit(10),
      ),
    refetchInterval: ({ state }) =>
      state.data?.some(({ status }) => RUNNING.has(status)) ? EVERY_MILLISECONDS : false,
    meta: { isPersonal: true },
  });
}

export type ImportJob = NonNullable<
  Awaited<ReturnType<NonNullable<ReturnType<typeof importsQuery>["queryFn"]>>>
>[number];

export function isRunning({ status }: ImportJob): boolean {
  return RUNNING.has(status);
}

/** From 0 to 1, by bytes: files are not counted before they are read. */
export function progressOf({ status, import_files }: ImportJob): number {
  if (!RUNNING.has(status)) return 1;
  const size = import_files.reduce((sum, file) => sum + file.size_bytes, 0);
  const done = import_files.reduce((sum, file) => sum + file.done_bytes, 0);
  return size > 0 ? Math.min(1, done / size) : 0;
}

/** The rows that were not taken, and why, as a file. */
export async function readRejects(
  clinicId: string,
  jobId: string,
): Promise<Blob> {
  return await (await askApi(
    `/v1/clinics/${clinicId}/imports/${jobId}/rejects.csv`,
  )).blob();
}
