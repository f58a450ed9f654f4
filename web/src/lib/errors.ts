import type { AuthError, PostgrestError } from "@supabase/supabase-js";

/** Every key of docs/errors.md that the database raises; each has words under `errors` in languages/. */
export const DATABASE_KEYS = [
  "not_signed_in",
  "not_allowed",
  "not_found",
  "slot_taken",
  "patient_already_booked",
  "stale_version",
  "illegal_transition",
  "request_id_reused",
  "last_owner",
  "slug_in_use",
  "visits_outside_hours",
  "hold_expired",
  "link_expired",
  "outside_availability",
  "too_soon",
  "too_far_ahead",
  "too_late_to_cancel",
  "limit_reached",
  "invalid_time",
  "invalid_input",
  "new_patients_only",
  "not_durable",
] as const;

/** What else can go wrong for somebody in front of a browser. */
export const OTHER_KEYS = [
  "connection_lost",
  "code_wrong",
  "password_wrong",
  "email_refused",
  "too_many_requests",
  "unavailable",
  "unexpected",
] as const;

export type ErrorKey =
  | (typeof DATABASE_KEYS)[number]
  | (typeof OTHER_KEYS)[number];

/** A refusal with its stable key; the words are looked up where it is shown. */
export class Refusal extends Error {
  readonly key: ErrorKey;

  constructor(key: ErrorKey) {
    super(key);
    this.name = "Refusal";
    this.key = key;
  }
}

const KNOWN = new Set<string>(DATABASE_KEYS);

// PostgreSQL's and PostgREST's own codes, as appoint/errors.py reads them.
const CODES: Record<string, ErrorKey> = {
  "42501": "not_allowed",
  "22P02": "invalid_input",
  "22007": "invalid_input",
  "22008": "invalid_input",
  PGRST116: "not_found",
  PGRST301: "not_signed_in",
  PGRST303: "not_signed_in",
};

const AUTH_CODES: Record<string, ErrorKey> = {
  otp_expired: "code_wrong",
  invalid_credentials: "password_wrong",
  email_address_invalid: "email_refused",
  validation_failed: "email_refused",
  over_email_send_rate_limit: "too_many_requests",
  over_request_rate_limit: "too_many_requests",
};

/** The key of anything that was thrown or answered. */
export function keyOf(error: unknown): ErrorKey {
  if (error instanceof Refusal) return error.key;
  if (isAuth(error)) return keyOfAuth(error);
  if (isPostgrest(error)) return keyOfPostgrest(error);
  return isLostConnection(error) ? "connection_lost" : "unexpected";
}

const MISSED = new Set<ErrorKey>([
  "slot_taken",
  "outside_availability",
  "too_soon",
]);

/** Whether a time was refused that others would be free instead of. */
export function isMissed(error: unknown): boolean {
  return Boolean(error) && MISSED.has(keyOf(error));
}

interface Answer {
  data: unknown;
  error: PostgrestError | null;
}

/** The rows of an answer, or its error thrown as a Refusal. */
export function rowsOf<Given extends Answer>(
  answer: Given,
): Extract<Given, { error: null }>["data"] {
  if (answer.error) throw new Refusal(keyOf(answer.error));
  return answer.data;
}

function keyOfPostgrest(error: PostgrestError): ErrorKey {
  if (error.code?.startsWith("PT") && KNOWN.has(error.message)) {
    return error.message as ErrorKey;
  }
  const key = CODES[error.code ?? ""];
  if (key) return key;
  return isLostConnection(error) ? "connection_lost" : "unexpected";
}

function keyOfAuth(error: AuthError): ErrorKey {
  if (error.name === "AuthRetryableFetchError") {
    return error.status ? "unavailable" : "connection_lost";
  }
  return AUTH_CODES[error.code ?? ""] ??
    (error.status === 429 ? "too_many_requests" : "unexpected");
}

// Not by its class, which would bring all of Auth into the first load.
function isAuth(error: unknown): error is AuthError {
  return typeof error === "object" && error !== null &&
    "__isAuthError" in error;
}

function isPostgrest(error: unknown): error is PostgrestError {
  return typeof error === "object" && error !== null && "code" in error &&
    typeof error.code === "string" && "message" in error;
}

function isLostConnection(error: unknown): boolean {
  const message = typeof error === "object" && error && "message" in error
    ? String(error.message)
    : "";
  return /Failed to fetch|NetworkError|Load failed|fetch failed/i.test(message);
}
