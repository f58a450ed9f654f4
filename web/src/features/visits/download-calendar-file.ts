import { calendarFile } from "@/lib/calendar-file";
import type { Visit } from "./get-visits";

/** Hands the visit to the device's calendar. Says nothing of why somebody comes. */
export function downloadCalendarFile(visit: Visit): void {
  const file = calendarFile(
    {
      id: visit.id,
      version: visit.version,
      startsAt: visit.starts_at,
      endsAt: visit.ends_at,
      title: `${visit.clinics.name}: ${visit.providers.full_name}`,
      place: [visit.locations.name, visit.locations.address].filter(Boolean)
        .join(", "),
      description: new URL(`/visits/${visit.id}`, location.origin).href,
      isCancelled: visit.status === "cancelled",
    },
    new Date(),
  );
  const address = URL.createObjectURL(
    new Blob([file], { type: "text/calendar" }),
  );
  const link = document.createElement("a");
  link.href = address;
  link.download = "visit.ics";
  link.click();
  URL.revokeObjectURL(address);
}
