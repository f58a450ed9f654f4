import { useTranslation } from "react-i18next";
import { When } from "@/components/when";
import { useLanguage } from "@/lib/hooks";
import { formatter } from "@/lib/zoned-time";
import type { DayVisit } from "../day/day-visits";

interface VisitFactsProps {
  visit: DayVisit;
  /** The rooms and devices that are kept for it. */
  rooms: string[];
}

/** What, when, where and with whom; how it was booked, and whether the patient said they will come. */
export function VisitFacts({ visit, rooms }: VisitFactsProps) {
  const { t } = useTranslation(["desk", "workplace"]);
  const language = useLanguage();
  const zone = visit.locations.time_zone;
  const bookedOn = formatter(language, zone, { day: "numeric", month: "long", year: "numeric" })
    .format(new Date(visit.created_at));
  return (
    <>
      <span className="tags">
        <span className={`status status-${visit.status}`}>
          {t(`workplace:day.status_${visit.status}`)}
        </span>
        {visit.overbook_reason && <span className="tag">{t("workplace:day.overbooked")}</span>}
        {hasConfirmed(visit) && <span className="status">{t("visit.confirmed")}</span>}
      </span>
      <dl className="facts">
        <dt>{t("visit.when")}</dt>
        <dd>
          <When startsAt={visit.starts_at} endsAt={visit.ends_at} zone={zone} />
        </dd>
        <dt>{t("visit.what")}</dt>
        <dd>{visit.services.name}</dd>
        <dt>{t("visit.with")}</dt>
        <dd>{visit.providers.full_name}, {visit.locations.name}</dd>
        {rooms.length > 0 && (
          <>
            <dt>{t("visit.room")}</dt>
            <dd>{rooms.join(", ")}</dd>
          </>
        )}
        <dt>{t("visit.booked")}</dt>
        <dd>{bookedOn}, {t(`visit.by_${visit.booked_via}`)}</dd>
        {visit.overbook_reason && (
          <>
            <dt>{t("visit.overbook_reason")}</dt>
            <dd>{visit.overbook_reason}</dd>
          </>
        )}
      </dl>
    </>
  );
}

// To the visit as it is now: who agreed to another time has not agreed to this one.
function hasConfirmed({ version, visit_confirmations }: DayVisit): boolean {
  return visit_confirmations.some(({ appointment_version }) => appointment_version === version);
}
