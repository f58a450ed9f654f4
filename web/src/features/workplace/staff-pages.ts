import {
  CalendarDays,
  CalendarSync,
  ChartColumn,
  CircleAlert,
  Clock,
  Hourglass,
  type LucideIcon,
  ScrollText,
  Settings2,
  Sun,
  UsersRound,
} from "lucide-react";
import type { Role } from "./memberships";

interface StaffPage {
  /** The last part of the address, and the key of its name under `staff` in the words. */
  name:
    | "day"
    | "waiting"
    | "attention"
    | "patients"
    | "week"
    | "hours"
    | "calendars"
    | "numbers"
    | "manage"
    | "audit";
  icon: LucideIcon;
  /** Who finds it in the menu; what they may do there, the database decides. */
  roles: readonly Role[];
}

const EVERYBODY: readonly Role[] = [
  "owner",
  "manager",
  "front_desk",
  "provider",
];

/** The pages of a workplace, in the order of the menu. */
export const STAFF_PAGES: readonly StaffPage[] = [
  { name: "day", icon: Sun, roles: EVERYBODY },
  {
    name: "waiting",
    icon: Hourglass,
    roles: ["owner", "manager", "front_desk"],
  },
  { name: "attention", icon: CircleAlert, roles: EVERYBODY },
  { name: "patients", icon: UsersRound, roles: EVERYBODY },
  { name: "week", icon: CalendarDays, roles: EVERYBODY },
  { name: "hours", icon: Clock, roles: ["owner", "manager", "provider"] },
  {
    name: "calendars",
    icon: CalendarSync,
    roles: ["owner", "manager", "provider"],
  },
  { name: "numbers", icon: ChartColumn, roles: ["owner", "manager"] },
  { name: "manage", icon: Settings2, roles: ["owner", "manager"] },
  { name: "audit", icon: ScrollText, roles: EVERYBODY },
];
