import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { CalendarDays, ChevronRight } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { Notice } from "@/components/notice";
import { Page } from "@/components/page";
import { paths } from "@/config/paths";
import { recordsQuery } from "@/features/booking/patient-records";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";
import { isConfirmed, type Visit, visitsQuery } from "@/features/visits/get-visits";
import { useVisitChanges } from "@/features/visits/use-visit-changes";
import { waitingQuery } from "@/features/waitlist/waiting";
import { WaitingList } from "@/features/waitlist/waiting-list";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import { clockTime, formatter, longDay } from "@/lib/zoned-time";

export function Component() {
  return (
    <SignedInOnly>
      {(session) => <Visits userId={session.user.id} />}
    </SignedInOnly>
  );
}

function Visits({ userId }: { userId: string }) {
  const { t } = useTranslation(["common", "patient"]);
  const [search] = useSearchParams();
  const { data: records } = useSuspenseQuery(recordsQuery);
  const patientIds = records.map(({ id }) => id);
  const { data: visits = [] } = useQuery(visitsQuery(patientIds));
  const { data: waiting = [] } = useQuery(waitingQuery(patientIds));
  useVisitChanges(userId);

  const isComing = (visit: Visit) =>
    ["booked", "pending", "arrived"].includes(visit.status) &&
    Date.parse(visit.ends_at) > now();
  const coming = visits.filter(isComing).reverse();
  const past = visits.filter((visit) => !isComing(visit));
  const isForOthers = records.some((record) => record.user_id !== userId);
  return (
    <Page title={t("visits.title")} isNarrow>
      {search.has("together") && <Notice kind="good">{t("patient:together.booked")}</Notice>}
      <WaitingList waiting={waiting} />
      <section aria-labelledby="coming">
        <h2 id="coming">{t("visits.coming")}</h2>
        {coming.length === 0 && (
          <div className="empty">
            <CalendarDays aria-hidden size={32} />
            <p>{t("visits.none_coming")}</p>
            <Link className="button button-primary" to={paths.home}>
              {t("visit.again")}
            </Link>
          </div>
        )}
        <VisitCards visits={coming} showsPatient={isForOthers} />
      </section>
      {past.length > 0 && (
        <section aria-labelledby="past">
          <h2 id="past">{t("visits.past")}</h2>
          <VisitCards visits={past} showsPatient={isForOthers} />
        </section>
      )}
    </Page>
  );
}

function VisitCards(
  { visits, showsPatient }: { visits: Visit[]; showsPatient: boolean },
) {
  const { t } = useTranslation(["common", "patient"]);
  const language = useLanguage();
  return (
    <ul className="cards">
      {visits.map((visit) => {
        const zone = visit.locations.time_zone;
        return (
          <li key={visit.id}>
            <Link className="card card-link" to={paths.visit(visit.id)}>
              <span className="date-mark" aria-hidden>
                <span>
                  {formatter(language, zone, { month: "short" }).format(
                    new Date(visit.starts_at),
                  )}
                </span>
                <strong>
                  {formatter(language, zone, { day: "numeric" }).format(
                    new Date(visit.starts_at),
                  )}
                </strong>
              </span>
              <span className="card-body">
                <strong>
                  {longDay(visit.starts_at, zone, language)},{" "}
                  {clockTime(visit.starts_at, zone, language)}
                </strong>
                <span>{visit.services.name} · {visit.providers.full_name}</span>
                <span className="muted">
                  {showsPatient ? `${visit.patients.full_name} · ` : ""}
                  {visit.clinics.name}
                </span>
                <span className={`status status-${visit.status}`}>
                  {visit.status === "booked" && isConfirmed(visit)
                    ? t("patient:come.confirmed")
                    : t(`visit.status_${visit.status}`)}
                </span>
              </span>
              <ChevronRight aria-hidden size={20} />
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
