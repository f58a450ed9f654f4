// Auth's "send e-mail" hook: puts log-in mail into the same queue as all other mail, ahead of it.
//
// Auth signs what it sends by Standard Webhooks, and that signature is the only key. The id of the
// request makes a repeated one the same message. Codes and addresses go to the database and nowhere
// else: not into logs, not into answers.

import { secretKey } from "../_shared/secret_key.ts";
import { isSigned } from "./signature.ts";
import { type Letter, lettersOf, type Payload } from "./letters.ts";

const url = Deno.env.get("SUPABASE_URL")!;
const secret = Deno.env.get("SEND_EMAIL_HOOK_SECRET") ?? "";
// Of several addresses, links lead to the first.
const site = Deno.env.get("APPOINT_SITE_URL")!.split(",")[0].trim().replace(/\/+$/, "");

Deno.serve(async (request) => {
  if (request.method !== "POST") return refusal(405, "This address takes POST.");
  const body = await request.text();
  if (!await isSigned(secret, request.headers, body)) {
    return refusal(401, "The signature does not hold.");
  }
  let letters: Letter[];
  try {
    letters = lettersOf(JSON.parse(body) as Payload, site);
  } catch {
    return refusal(400, "This is not a mail of Auth.");
  }
  try {
    const id = request.headers.get("webhook-id")!;
    await Promise.all(letters.map((letter, position) => queue(id, position, letter)));
    return Response.json({});
  } catch (error) {
    console.error("send-auth-email failed:", (error as Error).message);
    // Auth asks again when it hears that the hook is busy.
    return new Response(null, { status: 503, headers: { "Retry-After": "1" } });
  }
});

async function queue(requestId: string, position: number, letter: Letter): Promise<void> {
  const answer = await fetch(`${url}/rest/v1/rpc/queue_log_in_mail`, {
    method: "POST",
    headers: {
      "apikey": secretKey(),
      "Content-Type": "application/json",
      "Content-Profile": "worker",
    },
    body: JSON.stringify({ request_id: requestId, position, ...letter }),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`the database answered ${answer.status}`);
}

function refusal(status: number, message: string): Response {
  return Response.json({ error: { http_code: status, message } }, { status });
}
