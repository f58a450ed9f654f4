import { insideOnly } from "@/lib/addresses";
import { keyOf, Refusal } from "@/lib/errors";
import { fullClient } from "@/lib/supabase";

/** What a link of Auth can be for, and what its page speaks of. */
const KINDS = {
  signup: "confirm",
  invite: "confirm",
  magiclink: "enter",
  recovery: "enter",
  email_change: "change",
} as const;
type Kind = keyof typeof KINDS;

export interface MailedLink {
  kind: Kind;
  words: (typeof KINDS)[Kind];
  tokenHash: string;
  /** Where the person wanted to go, on this site. */
  next: string;
}

/**
 * What the fragment of a link says, which no server is sent; null when it was cut short.
 * `supabase/functions/send-auth-email/letters.ts` writes it.
 */
export function mailedLinkIn(fragment: string): MailedLink | null {
  const told = new URLSearchParams(fragment.slice(1));
  const kind = told.get("type");
  const tokenHash = told.get("token_hash");
  if (!isKind(kind) || !tokenHash) return null;
  return { kind, words: KINDS[kind], tokenHash, next: insideOnly(told.get("redirect_to")) };
}

/** Uses the link up. False: the one in the mail to the other address is needed, too. */
export async function followLink({ kind, tokenHash }: MailedLink): Promise<boolean> {
  const { data, error } = await (await fullClient()).auth.verifyOtp({
    token_hash: tokenHash,
    type: kind,
  });
  if (!error) return data.session !== null;
  const key = keyOf(error);
  throw new Refusal(key === "code_wrong" || key === "email_refused" ? "link_expired" : key);
}

function isKind(text: string | null): text is Kind {
  return text !== null && Object.hasOwn(KINDS, text);
}
