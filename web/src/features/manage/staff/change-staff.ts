/** What the API does about staff; each as the signed-in person, once. */
import * as z from "zod/mini";
import type { Role } from "@/features/workplace/memberships";
import { supabase } from "@/lib/supabase";
import { changeByApi } from "../ask-api";
import { saved } from "../saved";

const done = z.unknown();
const reset = z.object({ removed: z.number() });

const membersPath = (clinicId: string, memberId: string) =>
  `/v1/clinics/${clinicId}/members/${memberId}`;

export async function invite(clinicId: string, email: string, role: Role) {
  const path = `/v1/clinics/${clinicId}/staff-invitations`;
  await changeByApi({
    method: "POST",
    path,
    body: { email, role },
    answer: done,
  });
}

export async function resendInvitation(clinicId: string, invitationId: string) {
  const path = `/v1/clinics/${clinicId}/staff-invitations/${invitationId}/resend`;
  await changeByApi({ method: "POST", path, answer: done });
}

export async function revokeInvitation(invitationId: string) {
  saved(
    await supabase()
      .from("staff_invitations")
      .update({ status: "revoked" })
      .eq("id", invitationId)
      .select("id"),
  );
}

export async function changeMember(
  clinicId: string,
  memberId: string,
  changes: { role?: Role; active?: boolean },
) {
  const path = membersPath(clinicId, memberId);
  await changeByApi({ method: "PATCH", path, body: changes, answer: done });
}

export async function removeMember(clinicId: string, memberId: string) {
  await changeByApi({
    method: "DELETE",
    path: membersPath(clinicId, memberId),
    answer: done,
  });
}

/** For who lost their device; the number of factors that were removed. */
export async function resetSecondFactor(
  clinicId: string,
  memberId: string,
): Promise<number> {
  const path = `${membersPath(clinicId, memberId)}/second-factor-reset`;
  return (await changeByApi({ method: "POST", path, answer: reset })).removed;
}
