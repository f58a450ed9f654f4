// The two questions that the feed asks the database, with the project's secret key: who asks has no
// account, and the functions of schema `worker` decide by the hash of the secret.

import { secretKey } from "../_shared/secret_key.ts";

/** One row of `worker.read_feed`: events side by side in arrays, times in seconds since 1970. */
export interface Feed {
  version: string;
  is_of_provider: boolean;
  details: "busy" | "titles";
  locale: string;
  clinic_name: string;
  clinic_time_zone: string;
  owner_name: string | null;
  ids: string[];
  versions: number[];
  starts: number[];
  ends: number[];
  changed: number[];
  statuses: string[];
  zones: string[];
  places: string[];
  services: string[] | null;
  people: string[] | null;
}

/** A tag that changes with whatever the feed tells; null: there is no such feed. */
export function feedVersion(tokenHash: string): Promise<string | null> {
  return call<string | null>("feed_version", tokenHash);
}

/** All that the feed tells; null: there is no such feed. */
export async function readFeed(tokenHash: string): Promise<Feed | null> {
  const rows = await call<Feed[]>("read_feed", tokenHash);
  return rows[0] ?? null;
}

async function call<Result>(name: string, tokenHash: string): Promise<Result> {
  const answer = await fetch(`${Deno.env.get("SUPABASE_URL")}/rest/v1/rpc/${name}`, {
    method: "POST",
    headers: {
      apikey: secretKey(),
      "Content-Type": "application/json",
      "Content-Profile": "worker",
    },
    body: JSON.stringify({ token_hash: tokenHash }),
    signal: AbortSignal.timeout(20_000),
  });
  if (!answer.ok) {
    await answer.body?.cancel();
    throw new Error(`${name} answered ${answer.status}`);
  }
  return await answer.json();
}
