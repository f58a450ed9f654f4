import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { ErrorNotice } from "@/components/notice";
import { useLanguage } from "@/lib/hooks";
import { clockTime } from "@/lib/zoned-time";
import { changeStatus, type DayVisit, type Status, stepsFrom } from "./day-visits";

/** One visit of the day, with what can be done about it next. */
export function DayCard({ visit, isNext }: { visit: DayVisit; isNext: boolean }) {
  const { t } = useTranslation("workplace");
  const language = useLanguage();
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (status: Status) => changeStatus(visit, status),
    onSettled: () => queries.invalidateQueries({ queryKey: ["day"] }),
  });
  const zone = visit.locations.time_zone;
  return (
    <article
      className={isNext ? "card day-card is-next" : "card day-card"}
      data-visit={visit.id}
    >
      <p className="day-card-time">
        <strong>{clockTime(visit.starts_at, zone, language)}</strong>
        <span className="muted">{clockTime(visit.ends_at, zone, language)}</span>
      </p>
      <div className="card-body">
        <span className="tags">
          {isNext && <span className="tag tag-next">{t("day.next_patient")}</span>}
          <span className={`status status-${visit.status}`}>{t(`day.status_${visit.status}`)}</span>
          {visit.overbook_reason && <span className="tag">{t("day.overbooked")}</span>}
        </span>
        <strong>{visit.patients.full_name}</strong>
        <span className="muted">{visit.services.name} · {visit.locations.name}</span>
        <ErrorNotice error={change.error} />
        <div className="actions">
          {stepsFrom(visit.status).map(({ to, words }, index) => (
            <Button
              key={to}
              look={index === 0 && visit.status !== "fulfilled" ? "primary" : "quiet"}
              isBusy={change.isPending}
              onClick={() => change.mutate(to)}
            >
              {t(`day.${words}`)}
            </Button>
          ))}
        </div>
      </div>
    </article>
  );
}
