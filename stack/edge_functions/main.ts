// Serves every function of the functions directory in one process, as the edge runtime answers.
//
// A function is imported on its first request and keeps the handler it gave to `Deno.serve`.
// Functions share memory and processor here; hosted ones each have their own isolate.

type Handler = (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response>;
type Jwk = JsonWebKey & { kid?: string; use?: string };

const WALL_CLOCK_LIMIT_MS = 150_000;
const directory = Deno.env.get("FUNCTIONS_DIRECTORY")!;
const unchecked = new Set<string>(JSON.parse(Deno.env.get("FUNCTIONS_OPEN")!));
const jwks: Jwk[] = JSON.parse(Deno.env.get("FUNCTIONS_JWKS")!).keys;
// What is not meant for functions is gone before the first one starts; asking for it, as for any
// variable that is not set, gives undefined.
const visible = new Set<string>(JSON.parse(Deno.env.get("FUNCTIONS_VISIBLE")!));
const port = Number(Deno.env.get("FUNCTIONS_PORT"));
for (const name of Object.keys(Deno.env.toObject())) {
  if (!visible.has(name)) Deno.env.delete(name);
}

const listen = Deno.serve;
const loaded = new Map<string, Promise<Handler | null>>();
let lastImport: Promise<unknown> = Promise.resolve();

function failure(status: number, code: string, message: string): Response {
  return Response.json({ code, message }, { status, headers: { "sb-error-code": code } });
}

/** The function's handler, or null if there is no such function. Rejects if it fails to start. */
function find(name: string): Promise<Handler | null> {
  const known = loaded.get(name);
  if (known) return known;
  // One import at a time: whoever calls `Deno.serve` meanwhile is the function being imported.
  const handler = lastImport.then(() => load(name));
  lastImport = handler.catch(() => {});
  loaded.set(name, handler);
  // A missing or broken function is looked at again: somebody is about to write or mend it.
  handler.then((found) => found ?? loaded.delete(name), () => loaded.delete(name));
  return handler;
}

async function load(name: string): Promise<Handler | null> {
  const entry = `${directory}/${name}/index.ts`;
  const stat = await Deno.stat(entry).catch(() => null);
  if (!stat?.isFile) return null;

  let handler: Handler | undefined;
  Deno.serve = ((first: unknown, second?: unknown) => {
    handler = [first, second, (first as { handler?: Handler })?.handler]
      .find((candidate) => typeof candidate === "function") as Handler;
    return { finished: new Promise(() => {}), shutdown: async () => {}, ref() {}, unref() {} };
  }) as unknown as typeof Deno.serve;
  const module = await import(`file://${entry}?${stat.mtime?.getTime()}`);
  handler ??= module.default?.fetch?.bind(module.default);
  if (!handler) throw new Error(`${name} does not call Deno.serve`);
  return handler;
}

const algorithms = {
  ES256: {
    import: { name: "ECDSA", namedCurve: "P-256" },
    verify: { name: "ECDSA", hash: "SHA-256" },
    kty: "EC",
  },
  HS256: { import: { name: "HMAC", hash: "SHA-256" }, verify: { name: "HMAC" }, kty: "oct" },
} as const;

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  const binary = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

async function isSigned(token: string, algorithm: keyof typeof algorithms): Promise<boolean> {
  const { import: how, verify, kty } = algorithms[algorithm];
  const [header, payload, signature] = token.split(".");
  const signed = new TextEncoder().encode(`${header}.${payload}`);
  for (const { kid: _kid, key_ops: _ops, use: _use, ...jwk } of jwks) {
    if (jwk.kty !== kty) continue;
    const key = await crypto.subtle.importKey("jwk", jwk, how, false, ["verify"]);
    if (await crypto.subtle.verify(verify, key, bytes(signature), signed)) return true;
  }
  return false;
}

/** Why this caller may not call a function that wants a token; null if they may. */
async function refusal(request: Request): Promise<Response | null> {
  const authorization = request.headers.get("authorization");
  if (!authorization) {
    return failure(401, "UNAUTHORIZED_NO_AUTH_HEADER", "Missing authorization header");
  }
  const token = authorization.replace(/^Bearer /i, "");
  try {
    const [header, claims] = token.split(".", 2).map((part) =>
      JSON.parse(new TextDecoder().decode(bytes(part)))
    );
    if (!(header.alg in algorithms)) {
      return failure(401, "UNAUTHORIZED_UNSUPPORTED_TOKEN_ALGORITHM", "Unsupported JWT algorithm");
    }
    const now = Date.now() / 1000;
    const isCurrent = typeof claims.exp !== "number" || claims.exp > now;
    if (isCurrent && await isSigned(token, header.alg)) return null;
    const kind = header.alg === "HS256" ? "LEGACY" : "ASYMMETRIC";
    return failure(401, `UNAUTHORIZED_${kind}_JWT`, "Invalid JWT");
  } catch {
    return failure(401, "UNAUTHORIZED_INVALID_JWT_FORMAT", "Invalid JWT");
  }
}

async function withinLimit(answer: Response | Promise<Response>): Promise<Response> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<Response>((resolve) => {
    timer = setTimeout(
      () =>
        resolve(
          failure(
            546,
            "WORKER_LIMIT",
            "Function failed due to not having enough compute resources (please check logs)",
          ),
        ),
      WALL_CLOCK_LIMIT_MS,
    );
  });
  try {
    return await Promise.race([answer, limit]);
  } finally {
    clearTimeout(timer);
  }
}

async function answer(request: Request, info: Deno.ServeHandlerInfo): Promise<Response> {
  const name = new URL(request.url).pathname.split("/")[1];
  if (name === "_health") return Response.json({ status: "ok" });
  // `_shared` and the like are not functions, and a name never leads out of the directory.
  if (!/^[a-z0-9][\w-]*$/i.test(name)) {
    return failure(404, "NOT_FOUND", "Requested function was not found");
  }
  let handler: Handler | null;
  try {
    handler = await find(name);
  } catch (error) {
    console.error(`${name} failed to start:`, error);
    return failure(503, "BOOT_ERROR", "Function failed to start (please check logs)");
  }
  if (!handler) return failure(404, "NOT_FOUND", "Requested function was not found");
  if (request.method !== "OPTIONS" && !unchecked.has(name)) {
    const refused = await refusal(request);
    if (refused) return refused;
  }
  try {
    return await withinLimit(handler(request, info));
  } catch (error) {
    console.error(`${name} failed:`, error);
    return failure(500, "WORKER_ERROR", "Function exited due to an error (please check logs)");
  }
}

// One function's forgotten promise must not end the others.
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  console.error("unhandled rejection:", event.reason);
});

listen({
  hostname: "127.0.0.1",
  port,
  onListen: () => console.log(`Edge functions for development on http://127.0.0.1:${port}`),
}, answer);
