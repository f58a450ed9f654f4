import { keyOf, Refusal } from "@/lib/errors";
import { currentLanguage } from "@/lib/i18n";
import { sayGoodbye } from "@/lib/session";
import { fullClient } from "@/lib/supabase";

/** Mails six digits to the address; makes the account if there is none. */
export async function sendCode(email: string): Promise<void> {
  const { error } = await (await fullClient()).auth.signInWithOtp({
    email,
    options: {
      emailRedirectTo: `${location.origin}/visits`,
      // Of a new account, so that mail to it is in the reader's language.
      data: { language: currentLanguage() },
    },
  });
  if (error) throw new Refusal(keyOf(error));
}

export async function signInWithCode(
  email: string,
  code: string,
): Promise<void> {
  const { error } = await (await fullClient()).auth.verifyOtp({
    email,
    token: code,
    type: "email",
  });
  if (error) throw new Refusal(keyOf(error));
}

export async function signInWithPassword(
  email: string,
  password: string,
): Promise<void> {
  const { error } = await (await fullClient()).auth.signInWithPassword({
    email,
    password,
  });
  if (error) throw new Refusal(keyOf(error));
}

/** Ends the session on this device only. */
export async function signOut(): Promise<void> {
  sayGoodbye();
  await (await fullClient()).auth.signOut({ scope: "local" });
}
