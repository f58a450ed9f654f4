import "@/styles/day.css";
import { Page } from "@/components/page";
import { DayBoard } from "@/features/day/day-board";
import { useWorkplace } from "@/features/workplace/workplace";

export function Component() {
  const { clinicId, clinic, userId, zone } = useWorkplace();
  return (
    <Page title={clinic.name}>
      <DayBoard
        clinicId={clinicId}
        zone={zone}
        providers={clinic.providers.filter(({ active }) => active)}
        userId={userId}
      />
    </Page>
  );
}
