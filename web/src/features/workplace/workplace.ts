import { useOutletContext } from "react-router";
import type { Membership } from "./memberships";
import type { Clinic } from "./get-workplace";

export interface Workplace extends Pick<Membership, "role"> {
  userId: string;
  clinicId: string;
  /** IANA name; the clock on the clinic's wall. */
  zone: string;
  clinic: Clinic;
}

/** The clinic the person works in on this page; only below `/staff/:clinicId`. */
export function useWorkplace(): Workplace {
  return useOutletContext<Workplace>();
}
