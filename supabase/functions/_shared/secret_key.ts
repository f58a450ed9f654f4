// The key with the service's rights, sent as `apikey` alone: it is no token.

/** The project's secret key, or the legacy one where there is no other. */
export function secretKey(): string {
  const keys = JSON.parse(Deno.env.get("SUPABASE_SECRET_KEYS") ?? "{}");
  return keys.default ?? Deno.env.get("SUPABASE_SERVICE_ROLE_KEY");
}
