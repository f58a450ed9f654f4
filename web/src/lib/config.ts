import { Refusal } from "./errors";
import { remember, remembered } from "./storage";

/** Which Supabase this page talks to; served beside the page, so that one build fits any stack. */
export interface Config {
  supabaseUrl: string;
  supabasePublishableKey: string;
  /** Left out, what needs the API says that it does not answer. */
  apiUrl?: string;
}

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

/**
 * Asks the server the page came from. Without a connection it is what was told last time. Rejects
 * when there is nothing to go by, or nonsense.
 */
export async function loadConfig(): Promise<LoadedConfig> {
  const asked = Date.now();
  const answer = await fetch("/config.json", { cache: "no-store" }).catch(() => null);
  if (!answer) return { config: keep(lastTold()), clockAhead: 0 };
  if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
  const config = keep(await answer.json());
  remember("config", JSON.stringify(config));
  const date = Date.parse(answer.headers.get("date") ?? "");
  const middle = (asked + Date.now()) / 2;
  return { config, clockAhead: Number.isNaN(date) ? 0 : date + 500 - middle };
}

function lastTold(): unknown {
  const told = remembered("config");
  if (!told) throw new Refusal("connection_lost");
  return JSON.parse(told);
}

function keep(told: unknown): Config {
  const { supabaseUrl, supabasePublishableKey, apiUrl } = (told ?? {}) as Partial<Config>;
  if (!isAddress(supabaseUrl) || !supabasePublishableKey) {
    throw new Error("config.json says too little");
  }
  loaded = {
    supabaseUrl,
    supabasePublishableKey,
    ...(isAddress(apiUrl) && { apiUrl }),
  };
  return loaded;
}

function isAddress(text: unknown): text is string {
  return typeof text === "string" && URL.canParse(text);
}
