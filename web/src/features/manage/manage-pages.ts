import {
  Building2,
  CalendarOff,
  FileUp,
  LayoutGrid,
  type LucideIcon,
  Settings2,
  Stethoscope,
  UsersRound,
} from "lucide-react";

interface ManagePage {
  /** The last part of the address, and the key of its name under `pages` in the words. */
  name:
    | "services"
    | "providers"
    | "places"
    | "closures"
    | "people"
    | "settings"
    | "import";
  icon: LucideIcon;
}

/** What owners and managers set up, in the order of the menu. */
export const MANAGE_PAGES: readonly ManagePage[] = [
  { name: "services", icon: LayoutGrid },
  { name: "providers", icon: Stethoscope },
  { name: "places", icon: Building2 },
  { name: "closures", icon: CalendarOff },
  { name: "people", icon: UsersRound },
  { name: "settings", icon: Settings2 },
  { name: "import", icon: FileUp },
];
