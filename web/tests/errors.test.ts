import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AuthApiError, AuthRetryableFetchError } from "@supabase/supabase-js";
import { expect, test } from "vitest";
import { DATABASE_KEYS, keyOf, Refusal } from "@/lib/errors";

test("the client knows every key of docs/errors.md and no other", () => {
  const page = readFileSync(
    join(import.meta.dirname, "../../docs/errors.md"),
    "utf8",
  );
  const listed = [...page.matchAll(/^\| `([a-z_]+)` \| \d{3} \|/gm)].map((
    [, key],
  ) => key);
  expect([...DATABASE_KEYS].sort()).toEqual(listed.sort());
});

test.each(DATABASE_KEYS)("an answer with %s keeps its key", (key) => {
  expect(keyOf({ code: "PT409", message: key, details: null, hint: "" })).toBe(
    key,
  );
});

test.each([
  [{ code: "42501", message: "permission denied for table x" }, "not_allowed"],
  [
    { code: "22P02", message: "invalid input syntax for type uuid" },
    "invalid_input",
  ],
  [{ code: "PGRST301", message: "JWT expired" }, "not_signed_in"],
  [{ code: "PT409", message: "never_heard_of" }, "unexpected"],
  [{ code: "57014", message: "canceling statement" }, "unexpected"],
  [{ code: "", message: "TypeError: Failed to fetch" }, "connection_lost"],
  [
    new TypeError("NetworkError when attempting to fetch resource."),
    "connection_lost",
  ],
  [new AuthApiError("Token has expired", 403, "otp_expired"), "code_wrong"],
  [
    new AuthApiError("Invalid login credentials", 400, "invalid_credentials"),
    "password_wrong",
  ],
  [
    new AuthApiError("slow down", 429, "over_email_send_rate_limit"),
    "too_many_requests",
  ],
  [new AuthRetryableFetchError("Failed to fetch", 0), "connection_lost"],
  [new AuthRetryableFetchError("bad gateway", 502), "unavailable"],
  [new Refusal("slot_taken"), "slot_taken"],
  // Browsers' own errors have a code, too: a number.
  [new DOMException("The file was changed.", "NotReadableError"), "unexpected"],
  [undefined, "unexpected"],
])("%o is told as %s", (error, key) => {
  expect(keyOf(error)).toBe(key);
});
