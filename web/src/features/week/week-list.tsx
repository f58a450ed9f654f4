import { useTranslation } from "react-i18next";
import { useLanguage } from "@/lib/hooks";
import { addDays, clockTime, type Day, dayOf, longDay, startOfDay } from "@/lib/zoned-time";
import type { DayVisit } from "../day/day-visits";

interface WeekListProps {
  monday: Day;
  visits: DayVisit[];
  zone: string;
  onOpen: (id: string) => void;
}

/** The week as a list, for small screens. */
export function WeekList({ monday, visits, zone, onOpen }: WeekListProps) {
  const { t } = useTranslation(["provider", "workplace"]);
  const language = useLanguage();
  const days = Array.from({ length: 7 }, (_, index) => addDays(monday, index));
  return (
    <ol className="week-list">
      {days.map((day) => {
        const own = visits.filter(({ starts_at }) => dayOf(starts_at, zone) === day);
        return (
          <li key={day}>
            <h2>
              {longDay(startOfDay(day, zone) + 12 * 3_600_000, zone, language)}
            </h2>
            {own.length === 0 && <p className="muted">{t("week.empty_day")}</p>}
            {own.map((visit) => (
              <button
                key={visit.id}
                type="button"
                className="card card-link week-visit"
                onClick={() => onOpen(visit.id)}
              >
                <strong className="week-time">{clockTime(visit.starts_at, zone, language)}</strong>
                <span className="card-body">
                  <strong>{visit.patients.full_name}</strong>
                  <span className="muted">
                    {t(`workplace:day.status_${visit.status}`)} · {visit.services.name}
                  </span>
                </span>
              </button>
            ))}
          </li>
        );
      })}
    </ol>
  );
}
