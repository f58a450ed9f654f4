import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** Who acts for these patients now or later, and who was invited to. */
export function guardiansQuery(patientIds: string[]) {
  return queryOptions({
    queryKey: ["guardians", patientIds],
    queryFn: () => getGuardians(patientIds),
    meta: { isPersonal: true },
  });
}

export type Guardian = Awaited<
  ReturnType<typeof getGuardians>
>["guardians"][number];
export type Invitation = Awaited<ReturnType<typeof getInvitationsToMe>>[number];

async function getGuardians(patientIds: string[]) {
  const [guardians, invitations] = await Promise.all([
    supabase()
      .from("guardians")
      .select("id, patient_id, user_id, starts_at, ends_at, created_at")
      .in("patient_id", patientIds)
      .order("starts_at"),
    supabase()
      .from("guardian_invitations")
      .select("id, patient_id, email, status, ends_at, updated_at")
      .in("patient_id", patientIds)
      .in("status", ["pending", "accepted"]),
  ]);
  return { guardians: rowsOf(guardians), invitations: rowsOf(invitations) };
}

/** Offers of guardianship to the person's own address. */
export function invitationsToMeQuery(email: string) {
  return queryOptions({
    queryKey: ["invitations-to-me", email],
    queryFn: () => getInvitationsToMe(email),
    meta: { isPersonal: true },
  });
}

async function getInvitationsToMe(email: string) {
  return rowsOf(
    await supabase()
      .from("guardian_invitations")
      .select("id, clinic_id, ends_at, clinics (name)")
      .eq("email", email.toLowerCase())
      .eq("status", "pending"),
  );
}

export async function inviteGuardian(
  patientId: string,
  email: string,
): Promise<void> {
  rowsOf(
    await supabase().rpc("invite_guardian", { patient_id: patientId, email }),
  );
}

export async function takeBackInvitation(invitationId: string): Promise<void> {
  rowsOf(
    await supabase().rpc("revoke_guardian_invitation", {
      invitation_id: invitationId,
    }),
  );
}

export async function acceptGuardianship(invitationId: string): Promise<void> {
  rowsOf(
    await supabase().rpc("accept_guardianship", {
      invitation_id: invitationId,
    }),
  );
}

export async function endGuardianship(guardianId: string): Promise<void> {
  rowsOf(await supabase().rpc("end_guardianship", { guardian_id: guardianId }));
}
