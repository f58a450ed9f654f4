import * as z from "zod/mini";

const configShape = z.object({
  supabaseUrl: z.url(),
  supabasePublishableKey: z.string().check(z.minLength(1)),
  /** Left out, what needs the API says that it does not answer. */
  apiUrl: z.optional(z.url()),
});

/** Which Supabase this page talks to; served beside the page, so that one build fits any stack. */
export type Config = z.infer<typeof configShape>;

/** Milliseconds by which the server's clock is ahead of this device's. */
export interface LoadedConfig {
  config: Config;
  clockAhead: number;
}

let loaded: Config | undefined;

/** What `loadConfig` was told. */
export function currentConfig(): Config {
  if (!loaded) throw new Error("loadConfig() comes first");
  return loaded;
}

/** Asks the server the page came from. Rejects when it does not answer or answers nonsense. */
export async function loadConfig(): Promise<LoadedConfig> {
  const asked = Date.now();
  const answer = await fetch("/config.json", { cache: "no-store" });
  if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
  const config = configShape.parse(await answer.json());
  loaded = config;
  const date = Date.parse(answer.headers.get("date") ?? "");
  const middle = (asked + Date.now()) / 2;
  return { config, clockAhead: Number.isNaN(date) ? 0 : date + 500 - middle };
}
