import "@/styles/day.css";
import "@/styles/desk.css";
import { useMemo } from "react";
import { Page } from "@/components/page";
import { DayBoard } from "@/features/day/day-board";
import { useWorkplace } from "@/features/workplace/workplace";

export function Component() {
  const { clinicId, clinic, userId, zone } = useWorkplace();
  const providers = useMemo(
    () => clinic.providers.filter(({ active }) => active),
    [clinic.providers],
  );
  return (
    <Page title={clinic.name}>
      <DayBoard
        clinicId={clinicId}
        zone={zone}
        providers={providers}
        userId={userId}
      />
    </Page>
  );
}
