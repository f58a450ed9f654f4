import { type LucideIcon, Sun } from "lucide-react";
import type { Role } from "./memberships";

interface StaffPage {
  /** The last part of the address, and the key of its name under `staff` in the words. */
  name: "day";
  icon: LucideIcon;
  /** Who finds it in the menu; what they may do there, the database decides. */
  roles: readonly Role[];
}

const EVERYBODY: readonly Role[] = ["owner", "manager", "front_desk", "provider"];

/** The pages of a workplace, in the order of the menu. */
export const STAFF_PAGES: readonly StaffPage[] = [
  { name: "day", icon: Sun, roles: EVERYBODY },
];
