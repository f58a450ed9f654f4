import "@/styles/hours.css";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { ExceptionForm } from "@/features/hours/exception-form";
import { ExceptionsList } from "@/features/hours/exceptions-list";
import { locationsQuery } from "@/features/hours/locations";
import { WeekEditor } from "@/features/hours/week-editor";
import { weeklyHoursQuery } from "@/features/hours/weekly-hours";
import { ProviderChoice, useChosenProvider } from "@/features/workplace/provider-choice";
import { useWorkplace } from "@/features/workplace/workplace";
import { now } from "@/lib/clock";
import { dayOf } from "@/lib/zoned-time";

export function Component() {
  const { t } = useTranslation("provider");
  const { clinicId, role, zone } = useWorkplace();
  const provider = useChosenProvider();
  return (
    <Page title={t("hours.title")} lead={t("hours.lead")}>
      <ProviderChoice />
      {provider && (
        <>
          <section aria-labelledby="weekly">
            <h2 id="weekly">{t("hours.weekly")}</h2>
            <Weeks
              key={provider.id}
              clinicId={clinicId}
              providerId={provider.id}
            />
          </section>
          <section aria-labelledby="exceptions">
            <h2 id="exceptions">{t("exceptions.title")}</h2>
            <Exceptions
              key={provider.id}
              clinicId={clinicId}
              providerId={provider.id}
              zone={zone}
              mayChangeClinic={role === "owner" || role === "manager"}
            />
          </section>
        </>
      )}
    </Page>
  );
}

function Weeks(
  { clinicId, providerId }: { clinicId: string; providerId: string },
) {
  const { data: locations } = useSuspenseQuery(locationsQuery(clinicId));
  const { data: rows } = useSuspenseQuery(weeklyHoursQuery(providerId));
  return (
    <div className="week-editors">
      {locations.map((location) => (
        <WeekEditor
          key={location.id}
          providerId={providerId}
          location={location}
          rows={rows}
        />
      ))}
    </div>
  );
}

interface ExceptionsProps {
  clinicId: string;
  providerId: string;
  zone: string;
  mayChangeClinic: boolean;
}

function Exceptions(
  { clinicId, providerId, zone, mayChangeClinic }: ExceptionsProps,
) {
  const { data: locations } = useSuspenseQuery(locationsQuery(clinicId));
  const today = dayOf(now(), zone);
  return (
    <div className="exceptions">
      <ExceptionForm
        providerId={providerId}
        locations={locations}
        today={today}
        zone={zone}
      />
      <div>
        <ExceptionsList
          clinicId={clinicId}
          providerId={providerId}
          today={today}
          zone={zone}
          mayChangeClinic={mayChangeClinic}
        />
      </div>
    </div>
  );
}
