import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

/** Invitations to that address, which is the signed-in person's own. */
export function myInvitationsQuery(email: string) {
  return queryOptions({
    queryKey: ["my-invitations", email],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("staff_invitations")
          .select("id, role, clinics (name)")
          .eq("email", email.toLowerCase())
          .eq("status", "pending")
          .gt("expires_at", new Date().toISOString())
          .order("created_at"),
      ),
    meta: { isPersonal: true },
  });
}

export type MyInvitation = NonNullable<
  Awaited<
    ReturnType<NonNullable<ReturnType<typeof myInvitationsQuery>["queryFn"]>>
  >
>[number];

/** Makes the person a member; the clinic's id. */
export async function acceptInvitation(id: string): Promise<string> {
  return rowsOf(
    await supabase().rpc("accept_invitation", { invitation_id: id }),
  ).clinic_id;
}
