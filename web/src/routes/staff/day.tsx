import "@/styles/day.css";
import "@/styles/desk.css";
import { useMemo } from "react";
import { DayBoard } from "@/features/day/day-board";
import { useWorkplace } from "@/features/workplace/workplace";

export function Component() {
  const { clinicId, clinic, userId, zone } = useWorkplace();
  const providers = useMemo(
    () => clinic.providers.filter(({ active }) => active),
    [clinic.providers],
  );
  return (
    <DayBoard
      clinicId={clinicId}
      clinicName={clinic.name}
      zone={zone}
      providers={providers}
      userId={userId}
    />
  );
}
