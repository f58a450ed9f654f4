// Signatures by Standard Webhooks: HMAC-SHA256 over id, time and body, at most 300 seconds old.

const TOLERANCE_SECONDS = 300;

/** Whether the body was signed with the secret, `v1,whsec_…`, just now. */
export async function isSigned(secret: string, headers: Headers, body: string): Promise<boolean> {
  const id = headers.get("webhook-id");
  const time = headers.get("webhook-timestamp");
  const signatures = headers.get("webhook-signature");
  if (!secret || !id || !time || !signatures || !/^\d{1,12}$/.test(time)) return false;
  if (Math.abs(Date.now() / 1000 - Number(time)) > TOLERANCE_SECONDS) return false;
  try {
    const key = await crypto.subtle.importKey(
      "raw",
      bytesOf(secret.replace(/^v1,/, "").replace(/^whsec_/, "")),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["verify"],
    );
    const signed = new TextEncoder().encode(`${id}.${time}.${body}`);
    for (const signature of signatures.split(" ")) {
      const [version, value] = signature.split(",");
      // `verify` takes the same time wherever the two differ.
      if (version === "v1" && await crypto.subtle.verify("HMAC", key, bytesOf(value), signed)) {
        return true;
      }
    }
  } catch {
    // Not base64, or no secret: nothing that could be signed.
  }
  return false;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
