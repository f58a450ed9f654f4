import { PostgrestClient } from "@supabase/postgrest-js";
import type { SupabaseClient } from "@supabase/supabase-js";
import type { Config } from "./config";
import type { Database } from "./database-types";

export type Tables = Database["public"]["Tables"];
export type Row<Name extends keyof Tables> = Tables[Name]["Row"];

type Client = SupabaseClient<Database>;

export const SESSION_KEY = "appoint.session";

let config: Config | undefined;
let tables: Pick<Client, "from" | "rpc"> | undefined;
let full: Promise<Client> | undefined;
const waiting = new Set<(client: Client) => void>();

/** Called once, before the first page is drawn. */
export function connect(given: Config): void {
  config = given;
  tables = new PostgrestClient<Database>(`${given.supabaseUrl}/rest/v1`, {
    schema: "public",
    // Reads are asked again by TanStack Query; twice as patient is to leave people waiting.
    retry: false,
    fetch: asWhoeverIsSignedIn(given),
  }) as unknown as Client;
  if (mayBeSignedIn()) void fullClient().catch(() => undefined);
}

/** Tables and functions; what comes through this door is decided there, by row security. */
export function supabase(): Pick<Client, "from" | "rpc"> {
  if (!tables) throw new Error("connect() comes first");
  return tables;
}

/**
 * supabase-js with sign-in and Realtime. It is a third of a first load, so it is fetched for those who
 * are signed in, want to be, or look at what changes; visitors who only read do without.
 */
export function fullClient(): Promise<Client> {
  full ??= import("@supabase/supabase-js").then(({ createClient }) => {
    if (!config) throw new Error("connect() comes first");
    const client = createClient<Database>(
      config.supabaseUrl,
      config.supabasePublishableKey,
      {
        auth: { storageKey: SESSION_KEY, detectSessionInUrl: true },
      },
    );
    for (const tell of waiting) tell(client);
    return client;
  }).catch((error: unknown) => {
    full = undefined;
    throw error;
  });
  return full;
}

/** Calls back when the full client is there, whoever asks for it; returns how to stop waiting. */
export function whenFullClient(tell: (client: Client) => void): () => void {
  waiting.add(tell);
  return () => waiting.delete(tell);
}

/** False only where nobody can be signed in: nothing is remembered, and no link signs in. */
export function mayBeSignedIn(): boolean {
  try {
    return full !== undefined || localStorage.getItem(SESSION_KEY) !== null ||
      /[#&](access_token|error)=/.test(location.hash);
  } catch {
    return true;
  }
}

let waitsForSignIn = false;

/**
 * Until the function returned is called, nothing is asked as a visitor: what visitors are told,
 * which is less, must not take the place of what a page shows while its person signs in again.
 */
export function waitForSignIn(): () => void {
  waitsForSignIn = true;
  return () => {
    waitsForSignIn = false;
  };
}

function asWhoeverIsSignedIn(
  { supabasePublishableKey: key }: Config,
): typeof fetch {
  return async (input, init) => {
    const ask = (token: string) => {
      const headers = new Headers(init?.headers);
      headers.set("apikey", key);
      headers.set("Authorization", `Bearer ${token}`);
      return fetch(input, { ...init, headers });
    };
    const token = await accessToken();
    if (!token && waitsForSignIn) {
      return Response.json({ code: "PGRST301", message: "JWT expired" }, {
        status: 401,
      });
    }
    const answer = await ask(token ?? key);
    if (answer.status !== 401 || !token) return answer;
    // By this device's clock the token was good. Nothing has been done yet, so it is asked again.
    const { auth } = await fullClient();
    const { data, error } = await auth.refreshSession();
    if (data.session) return ask(data.session.access_token);
    // Over for good: the page asks to sign in, and keeps what was typed.
    if (error?.name === "AuthApiError") await auth.signOut({ scope: "local" });
    return answer;
  };
}

async function accessToken(): Promise<string | null> {
  if (!mayBeSignedIn()) return null;
  const { data } = await (await fullClient()).auth.getSession();
  return data.session?.access_token ?? null;
}
