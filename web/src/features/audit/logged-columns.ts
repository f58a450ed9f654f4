import type { Database } from "@/lib/database-types";

type Columns<Table extends keyof Database["public"]["Tables"]> =
  keyof Database["public"]["Tables"][Table]["Row"];

// What a change can name: a new column of these tables needs a word here.
type LoggedColumn =
  | Exclude<
    | Columns<"patients">
    | Columns<"guardians">
    | Columns<"guardian_invitations">
    | Columns<"appointment_reasons">
    | Columns<"members">
    | Columns<"staff_invitations">
    | Columns<"providers">
    | Columns<"clinics">,
    "id" | "clinic_id" | "patient_id" | "appointment_id" | "created_at" | "updated_at"
  >
  | "second_factor";

/** Which of the words `audit.column_…` says what a column holds. */
const WORDS = {
  full_name: "name",
  name: "name",
  date_of_birth: "born",
  email: "email",
  phone: "phone",
  locale: "language",
  user_id: "account",
  external_id: "number",
  merged_into: "merged",
  erased_at: "erased",
  starts_at: "starts",
  ends_at: "ends",
  expires_at: "ends",
  accepted_at: "accepted",
  created_by: "author",
  invited_by: "author",
  written_by: "author",
  status: "status",
  kind: "kind",
  reason: "reason",
  role: "role",
  active: "access",
  speciality: "speciality",
  slug: "address",
  time_zone: "zone",
  books_publicly: "public",
  staff_needs_second_factor: "second_factor",
  second_factor: "second_factor",
  hold_minutes: "limits",
  offer_minutes: "limits",
  late_cancel_hours: "limits",
  max_holds_per_person: "limits",
  max_open_bookings_per_patient: "limits",
  max_missed_visits: "limits",
  missed_visits_window_days: "limits",
  reminder_offsets_minutes: "messages",
  follow_up_minutes: "messages",
  quiet_from: "messages",
  quiet_until: "messages",
  clock_hours: "messages",
  waitlist_policy: "waiting_list",
  audit_retention_days: "retention",
} as const satisfies Record<LoggedColumn, string>;

export type ColumnWord = (typeof WORDS)[LoggedColumn] | "other";

/** Each word once, in the order of the columns. */
export function wordsOfColumns(columns: readonly string[]): ColumnWord[] {
  return [
    ...new Set(columns.map((column) => isLogged(column) ? WORDS[column] : "other")),
  ];
}

function isLogged(column: string): column is LoggedColumn {
  return Object.hasOwn(WORDS, column);
}
