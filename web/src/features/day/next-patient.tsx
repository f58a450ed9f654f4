import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { PersonMark } from "@/components/person-mark";
import { useLanguage } from "@/lib/hooks";
import { clockTime } from "@/lib/zoned-time";
import { StatusSteps } from "../desk/visit-sheet";
import { type DayVisit, nextVisit } from "./day-visits";

interface NextPatientProps {
  visits: DayVisit[];
  now: number;
  onOpen: (id: string) => void;
}

/** Who comes next to one provider, with the next step at hand; and how the day stands. */
export function NextPatient({ visits, now, onOpen }: NextPatientProps) {
  const { t } = useTranslation("workplace");
  const language = useLanguage();
  const next = nextVisit(visits, now);
  const count = (...statuses: DayVisit["status"][]) =>
    visits.filter(({ status }) => statuses.includes(status)).length;
  return (
    <section className="next-patient" aria-label={t("day.next_patient")}>
      {next
        ? (
          <div className="card is-next" data-next={next.id}>
            <PersonMark name={next.patients.full_name} />
            <div className="card-body">
              <span className="tags">
                <span className="tag tag-next">{t("day.next_patient")}</span>
                <span className={`status status-${next.status}`}>
                  {t(`day.status_${next.status}`)}
                </span>
              </span>
              <strong>
                {clockTime(next.starts_at, next.locations.time_zone, language)}{" "}
                {next.patients.full_name}
              </strong>
              <span className="muted">{next.services.name} · {next.locations.name}</span>
            </div>
            <div className="actions">
              <StatusSteps visit={next} />
              <Button
                aria-label={t("day.details_of", { name: next.patients.full_name })}
                onClick={() => onOpen(next.id)}
              >
                {t("day.details")}
              </Button>
            </div>
          </div>
        )
        : <p className="muted">{t("day.nobody_next")}</p>}
      <dl className="tally">
        <div>
          <dt>{t("day.to_come")}</dt>
          <dd>{count("booked", "pending")}</dd>
        </div>
        <div>
          <dt>{t("day.here")}</dt>
          <dd>{count("arrived")}</dd>
        </div>
        <div>
          <dt>{t("day.seen")}</dt>
          <dd>{count("fulfilled")}</dd>
        </div>
        <div>
          <dt>{t("day.missed")}</dt>
          <dd>{count("noshow")}</dd>
        </div>
      </dl>
    </section>
  );
}
