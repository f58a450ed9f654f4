// Which letters a hook's payload asks for: one, or two when an address changes from old to new.

export interface Payload {
  user: { email?: string; new_email?: string; user_metadata?: { language?: unknown } };
  email_data: {
    token: string;
    token_hash: string;
    token_new?: string;
    token_hash_new?: string;
    redirect_to?: string;
    email_action_type: string;
  };
}

export interface Letter {
  address: string;
  action: string;
  code: string | null;
  link: string | null;
  language: string | null;
}

/** Throws when the payload lacks an address, or has neither code nor link. */
export function lettersOf({ user, email_data: data }: Payload, site: string): Letter[] {
  const language = typeof user.user_metadata?.language === "string"
    ? user.user_metadata.language.slice(0, 35)
    : null;
  const letter = (address: string | undefined, code: string, hash: string): Letter => {
    const link = linkOf(data, hash, site);
    // Auth makes no code for the first address of somebody who had none.
    if (!address || !(code || link)) throw new Error("incomplete");
    return { address, action: data.email_action_type, code: code || null, link, language };
  };
  if (data.email_action_type !== "email_change") {
    return [letter(user.email, data.token, data.token_hash)];
  }
  const next = user.new_email || user.email;
  if (!data.token_new) return [letter(next, data.token, data.token_hash)];
  // Auth names the hashes crosswise: `token_hash` belongs to `token_new`, which is the new address's.
  return [
    letter(next, data.token_new, data.token_hash),
    letter(user.email, data.token, data.token_hash_new ?? ""),
  ];
}

// To a page with a button: Auth's own address uses the code up for whoever opens it, and mail
// programs open links to look for harm. In the fragment, which stands in no server's log.
function linkOf(data: Payload["email_data"], hash: string, site: string): string | null {
  if (data.email_action_type === "reauthentication" || !hash) return null;
  const told = new URLSearchParams({ token_hash: hash, type: data.email_action_type });
  if (data.redirect_to) told.set("redirect_to", data.redirect_to);
  return `${site}/confirm#${told}`;
}
