import { ChevronRight } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { useLanguage } from "@/lib/hooks";
import { clockTime } from "@/lib/zoned-time";
import { StatusSteps } from "../desk/visit-sheet";
import type { DayVisit } from "./day-visits";

interface DayCardProps {
  visit: DayVisit;
  isNext: boolean;
  onOpen: (id: string) => void;
}

/** One visit of the day, with what can be done about it next. */
export function DayCard({ visit, isNext, onOpen }: DayCardProps) {
  const { t } = useTranslation("workplace");
  const language = useLanguage();
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
        <span className="day-card-name">
          <strong>{visit.patients.full_name}</strong>
          <span className="tags">
            {isNext && <span className="tag tag-next">{t("day.next_patient")}</span>}
            <span className={`status status-${visit.status}`}>
              {t(`day.status_${visit.status}`)}
            </span>
            {visit.overbook_reason && <span className="tag">{t("day.overbooked")}</span>}
          </span>
        </span>
        <span className="muted">{visit.services.name} · {visit.locations.name}</span>
      </div>
      <div className="day-card-ways">
        <StatusSteps visit={visit} />
        <Button
          className="day-card-more"
          aria-label={t("day.details_of", { name: visit.patients.full_name })}
          onClick={() => onOpen(visit.id)}
        >
          <ChevronRight aria-hidden size={20} />
        </Button>
      </div>
    </article>
  );
}
