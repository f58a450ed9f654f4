import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

// What the view says, by what it is called in the words.
const KINDS = {
  "message not sent": "message_not_sent",
  "message keeps failing": "message_failing",
  "patient cannot be told": "patient_untold",
  "outside the hours": "outside_hours",
  "session outside the hours": "session_outside_hours",
  "without its room": "without_room",
  "session without its room": "session_without_room",
  "waits for approval": "waits_for_approval",
  "outcome unknown": "outcome_unknown",
  overbooked: "overbooked",
} as const;

export type AttentionKind =
  | (typeof KINDS)[keyof typeof KINDS]
  | "calendar_stale"
  | "calendar_unclear";

export interface AttentionVisit {
  id: string;
  version: number;
  starts_at: string;
  status: string;
  patient_id: string;
  patients: { full_name: string };
  providers: { full_name: string };
  services: { name: string };
}

export interface AttentionSession {
  id: string;
  starts_at: string;
  services: { name: string };
  providers: { full_name: string };
}

export interface Attention {
  key: string;
  kind: AttentionKind;
  since: string;
  /** The database's own sentence: error codes and numbers stand in it. */
  detail: string | null;
  notificationId: string | null;
  visit: AttentionVisit | null;
  session: AttentionSession | null;
  calendar: { name: string; provider: string } | null;
}

/** What somebody in the clinic should look at, longest waiting first. */
export function attentionQuery(clinicId: string) {
  return queryOptions({
    queryKey: ["attention", clinicId],
    queryFn: () => getAttention(clinicId),
    refetchInterval: 60_000,
    meta: { isPersonal: true },
  });
}

const MOST = 300;

async function getAttention(clinicId: string): Promise<Attention[]> {
  const [waiting, calendars] = await Promise.all([
    supabase().from("needs_attention")
      .select("what, detail, since, appointment_id, notification_id, session_id")
      .eq("clinic_id", clinicId).order("since").limit(MOST),
    supabase().from("outside_calendars")
      .select("id, name, state, last_fetched_at, last_error, created_at, providers (full_name)")
      .eq("clinic_id", clinicId).or("state.in.(stale,failing),skipped_events.gt.0")
      .order("last_fetched_at"),
  ]);
  const rows = rowsOf(waiting);
  const ids = [...new Set(rows.flatMap(({ appointment_id }) => appointment_id ?? []))];
  const visits = new Map((await getVisits(ids)).map((visit) => [visit.id, visit]));
  const sessions = await getSessions(rows.flatMap(({ session_id }) => session_id ?? []));
  return [
    ...rowsOf(calendars).map((calendar): Attention => ({
      key: `calendar ${calendar.id}`,
      kind: calendar.state === "stale" || calendar.state === "failing"
        ? "calendar_stale"
        : "calendar_unclear",
      since: calendar.last_fetched_at ?? calendar.created_at,
      detail: calendar.last_error,
      notificationId: null,
      visit: null,
      session: null,
      calendar: { name: calendar.name, provider: calendar.providers.full_name },
    })),
    ...rows.flatMap((row): Attention[] =>
      isKnown(row.what)
        ? [{
          key: `${row.what} ${row.appointment_id ?? row.session_id} ${row.notification_id}`,
          kind: KINDS[row.what],
          since: row.since ?? "",
          detail: row.detail,
          notificationId: row.notification_id,
          visit: visits.get(row.appointment_id ?? "") ?? null,
          session: sessions.find(({ id }) => id === row.session_id) ?? null,
          calendar: null,
        }]
        : []
    ),
  ];
}

function isKnown(what: string | null): what is keyof typeof KINDS {
  return what !== null && what in KINDS;
}

// As many ids as an address bears.
const AT_ONCE = 100;

async function getVisits(ids: string[]): Promise<AttentionVisit[]> {
  const parts = Array.from(
    { length: Math.ceil(ids.length / AT_ONCE) },
    (_, index) => ids.slice(index * AT_ONCE, (index + 1) * AT_ONCE),
  );
  const answers = await Promise.all(parts.map((part) =>
    supabase().from("appointments")
      .select(
        `id, version, starts_at, status, patient_id, patients (full_name),
         providers (full_name), services (name)`,
      )
      .in("id", part)
  ));
  return answers.flatMap((answer) => rowsOf(answer));
}

export async function requeue(notificationId: string): Promise<void> {
  rowsOf(await supabase().rpc("requeue_notification", { notification_id: notificationId }));
}

/** Says that the patient knows, though no mail could tell them. */
export async function markTold(notificationId: string): Promise<void> {
  rowsOf(await supabase().rpc("mark_told", { notification_id: notificationId }));
}

/** All that were given up, but for those that a person has to look at; how many. */
export async function requeueAll(clinicId: string): Promise<number> {
  return rowsOf(await supabase().rpc("requeue_dead_notifications", { clinic_id: clinicId }));
}

async function getSessions(ids: string[]): Promise<AttentionSession[]> {
  if (ids.length === 0) return [];
  return rowsOf(
    await supabase().from("group_sessions")
      .select("id, starts_at, services (name), providers (full_name)")
      .in("id", ids.slice(0, AT_ONCE)),
  );
}
