import { keyOf, Refusal } from "@/lib/errors";
import { fullClient } from "@/lib/supabase";

export interface Enrolment {
  factorId: string;
  /** An image that authenticator apps read. */
  qrCode: string;
  /** For typing it in where the image cannot be read. */
  secret: string;
}

/** The person's working authenticator app, or null if there is none yet. */
export async function knownFactor(): Promise<string | null> {
  const { data, error } = await (await fullClient()).auth.mfa.listFactors();
  if (error) throw new Refusal(keyOf(error));
  return data.totp[0]?.id ?? null;
}

/** Begins with a new authenticator app; what was begun before and never finished is dropped. */
export async function enrol(): Promise<Enrolment> {
  const { auth } = await fullClient();
  const known = await auth.mfa.listFactors();
  if (known.error) throw new Refusal(keyOf(known.error));
  for (
    const factor of known.data.all.filter(({ status }) => status === "unverified")
  ) {
    await auth.mfa.unenroll({ factorId: factor.id });
  }
  const { data, error } = await auth.mfa.enroll({
    factorType: "totp",
    issuer: "Appoint",
  });
  if (error) throw new Refusal(keyOf(error));
  return {
    factorId: data.id,
    // It is an address that holds an image, which would end at a colour's #.
    qrCode: data.totp.qr_code.replaceAll("#", "%23"),
    secret: data.totp.secret,
  };
}

/** Signs in with the second factor; from then on the session counts as such. */
export async function verify(factorId: string, code: string): Promise<void> {
  const { error } = await (await fullClient()).auth.mfa.challengeAndVerify({
    factorId,
    code,
  });
  if (error) throw new Refusal(keyOf(error));
}
