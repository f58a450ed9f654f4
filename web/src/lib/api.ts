import { DATABASE_KEYS, type ErrorKey, Refusal } from "./errors";
import { currentConfig } from "./config";
import { fullClient } from "./supabase";

// Keys of the API alone (docs/errors.md) that people can do something about.
const KEYS: Record<string, ErrorKey> = {
  too_many_requests: "too_many_requests",
  unavailable: "unavailable",
  request_in_progress: "too_many_requests",
  body_too_large: "limit_reached",
  unsupported_media_type: "invalid_input",
};
const KNOWN = new Set<string>(DATABASE_KEYS);

/**
 * Asks the API, as the signed-in person, for what a browser must never do itself. The path starts
 * with `/v1`. Refusals are thrown with the same keys as the database's.
 */
export async function askApi(
  path: string,
  request: RequestInit = {},
): Promise<Response> {
  const { apiUrl } = currentConfig();
  if (!apiUrl) throw new Refusal("unavailable");
  const { data } = await (await fullClient()).auth.getSession();
  const headers = new Headers(request.headers);
  if (data.session) {
    headers.set("Authorization", `Bearer ${data.session.access_token}`);
  }
  const answer = await fetch(`${apiUrl}${path}`, { ...request, headers });
  if (!answer.ok) throw new Refusal(await keyOfProblem(answer));
  return answer;
}

async function keyOfProblem(answer: Response): Promise<ErrorKey> {
  const problem: unknown = await answer.json().catch(() => null);
  const key = typeof problem === "object" && problem && "key" in problem ? problem.key : "";
  if (typeof key !== "string") return "unexpected";
  return KNOWN.has(key) ? key as ErrorKey : KEYS[key] ?? "unexpected";
}
