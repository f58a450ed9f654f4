import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import type { Role } from "@/features/workplace/memberships";

export interface StaffMember {
  member_id: string;
  user_id: string;
  role: Role;
  active: boolean;
  member_since: string;
  provider_id: string | null;
  provider_name: string | null;
  /** These three are for owners and managers. */
  email: string | null;
  has_second_factor: boolean | null;
  last_sign_in_at: string | null;
  may_change: boolean;
}

/** Who works in the clinic, or did. */
export function staffQuery(clinicId: string) {
  return queryOptions({
    queryKey: ["staff", clinicId],
    queryFn: async () =>
      rowsOf(
        await supabase().rpc("clinic_staff", { clinic_id: clinicId }),
      ) as StaffMember[],
    meta: { isPersonal: true },
  });
}

/** Who was invited and has not answered. */
export function invitationsQuery(clinicId: string) {
  return queryOptions({
    queryKey: ["invitations", clinicId],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("staff_invitations")
          .select("id, email, role, created_at, expires_at")
          .eq("clinic_id", clinicId)
          .eq("status", "pending")
          .order("created_at"),
      ),
    meta: { isPersonal: true },
  });
}

export type Invitation = NonNullable<
  Awaited<
    ReturnType<NonNullable<ReturnType<typeof invitationsQuery>["queryFn"]>>
  >
>[number];
