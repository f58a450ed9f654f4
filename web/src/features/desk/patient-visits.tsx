import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { paths } from "@/config/paths";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import { clockTime, dayOf, formatter } from "@/lib/zoned-time";
import type { PatientVisit } from "./patient-card-data";
import { VisitReasons } from "./visit-reasons";

interface PatientVisitsProps {
  clinicId: string;
  visits: PatientVisit[];
}

/** What is to come and what was, the nearest first. */
export function PatientVisits({ clinicId, visits }: PatientVisitsProps) {
  const { t } = useTranslation("desk");
  const isComing = ({ starts_at, status }: PatientVisit) =>
    Date.parse(starts_at) > now() && status !== "cancelled";
  const coming = visits.filter(isComing).reverse();
  const past = visits.filter((visit) => !isComing(visit));
  return (
    <section className="patient-visits">
      <h2>{t("patient.coming")}</h2>
      {coming.length === 0 && <p className="muted">{t("patient.none_coming")}</p>}
      <VisitRows clinicId={clinicId} visits={coming} />
      <h2>{t("patient.past")}</h2>
      {past.length === 0 && <p className="muted">{t("patient.none_past")}</p>}
      <VisitRows clinicId={clinicId} visits={past} />
    </section>
  );
}

function VisitRows({ clinicId, visits }: PatientVisitsProps) {
  const { t } = useTranslation(["desk", "workplace"]);
  const language = useLanguage();
  const date = (visit: PatientVisit) =>
    formatter(language, visit.locations.time_zone, {
      weekday: "short",
      day: "numeric",
      month: "short",
      year: "numeric",
    }).format(new Date(visit.starts_at));
  return (
    <ul className="visit-rows">
      {visits.map((visit) => {
        const zone = visit.locations.time_zone;
        const search = new URLSearchParams({
          day: dayOf(visit.starts_at, zone),
          with: "",
          visit: visit.id,
        });
        return (
          <li key={visit.id}>
            <div>
              <Link to={`${paths.staff(clinicId, "day")}?${search}`}>
                {date(visit)}, {clockTime(visit.starts_at, zone, language)}
              </Link>
              <span className="muted">{visit.services.name} · {visit.providers.full_name}</span>
            </div>
            <span className={`status status-${visit.status}`}>
              {t(`workplace:day.status_${visit.status}`)}
            </span>
            {visit.cancelled_late && <span className="tag">{t("patient.cancelled_late")}</span>}
            <VisitReasons visitId={visit.id} isKnown={visit.appointment_reasons.length > 0} />
          </li>
        );
      })}
    </ul>
  );
}
