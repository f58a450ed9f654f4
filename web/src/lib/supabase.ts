import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import type { Config } from "./config";
import type { Database } from "./database-types";

export type Tables = Database["public"]["Tables"];
export type Row<Name extends keyof Tables> = Tables[Name]["Row"];

let client: SupabaseClient<Database> | undefined;

/** Called once, before the first page is drawn. */
export function connect(config: Config): void {
  client = createClient<Database>(
    config.supabaseUrl,
    config.supabasePublishableKey,
    {
      auth: { storageKey: "appoint.session", detectSessionInUrl: true },
    },
  );
}

/** The one door to the database; what comes through it is decided there, by row security. */
export function supabase(): SupabaseClient<Database> {
  if (!client) throw new Error("connect() comes first");
  return client;
}
