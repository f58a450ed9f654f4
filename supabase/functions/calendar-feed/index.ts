// A calendar subscription: GET /calendar-feed/<secret>.ics answers iCalendar (RFC 5545).
//
// Calendar programs cannot sign in, so the secret in the address is the key; only its hash reaches
// the database. Unknown, revoked and malformed addresses look the same. Programs ask again and again
// for what has not changed: then one small question to the database answers 304.

import { type Feed, feedVersion, readFeed } from "./database.ts";
import { calendarOf } from "./calendar.ts";

const SECRET = /\/([A-Za-z0-9_-]{43})\.ics$/;
const FRESH_FOR = "private, max-age=300, must-revalidate";

Deno.serve(async (request) => {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return plain(405, "This address is for reading.", { Allow: "GET, HEAD" });
  }
  const secret = SECRET.exec(new URL(request.url).pathname)?.[1];
  if (!secret) return notFound();
  try {
    return await answer(request, await hashOf(secret));
  } catch (error) {
    // Never the address: it is the key.
    console.error("calendar-feed failed:", (error as Error).message);
    return plain(503, "The calendar cannot be read right now.", { "Retry-After": "60" });
  }
});

async function answer(request: Request, tokenHash: string): Promise<Response> {
  const known = tagsOf(request.headers.get("if-none-match"));
  if (known.length > 0) {
    const version = await feedVersion(tokenHash);
    if (version === null) return notFound();
    if (known.includes(version) || known.includes("*")) {
      return new Response(null, { status: 304, headers: cachingOf(version) });
    }
  }
  const feed: Feed | null = await readFeed(tokenHash);
  if (feed === null) return notFound();
  const body = new TextEncoder().encode(calendarOf(feed));
  return new Response(request.method === "HEAD" ? null : body, {
    headers: {
      ...cachingOf(feed.version),
      "Content-Type": "text/calendar; charset=utf-8",
      "Content-Disposition": 'inline; filename="appointments.ics"',
    },
  });
}

/** The tags a client knows, without quotes and weakness: proxies that compress weaken them. */
function tagsOf(header: string | null): string[] {
  return (header ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, "").replaceAll('"', ""))
    .filter(Boolean);
}

function cachingOf(version: string): Record<string, string> {
  return { ETag: `"${version}"`, "Cache-Control": FRESH_FOR, "X-Robots-Tag": "noindex" };
}

function notFound(): Response {
  return plain(404, "There is no calendar at this address.");
}

function plain(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(text, { status, headers: { "Cache-Control": "no-store", ...headers } });
}

async function hashOf(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
