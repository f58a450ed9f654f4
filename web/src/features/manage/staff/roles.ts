import type { Role } from "@/features/workplace/memberships";

const ROLES: readonly Role[] = ["front_desk", "provider", "manager", "owner"];

/** What is offered to choose from; who may give which role is decided by the database. */
export function rolesBelow(own: Role): readonly Role[] {
  return own === "owner" ? ROLES : ROLES.slice(0, 2);
}
