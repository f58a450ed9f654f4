import { useTranslation } from "react-i18next";
import { useLanguage } from "@/lib/hooks";
import { type Day, formatter } from "@/lib/zoned-time";

interface DayStripProps {
  days: Day[];
  chosen: Day;
  /** Free times of a day; null while that is not known. */
  countOf: (day: Day) => number | null;
  onChoose: (day: Day) => void;
}

/** Two weeks at a glance: which days have free times, and how many. */
export function DayStrip({ days, chosen, countOf, onChoose }: DayStripProps) {
  const { t } = useTranslation();
  const language = useLanguage();
  const write = (day: Day, options: Intl.DateTimeFormatOptions) =>
    formatter(language, "UTC", options).format(new Date(`${day}T12:00:00Z`));
  return (
    <ul className="days" aria-label={t("slots.days")}>
      {days.map((day) => {
        const count = countOf(day);
        return (
          <li key={day}>
            <button
              type="button"
              aria-pressed={day === chosen}
              className={count === 0 ? "day is-empty" : "day"}
              onClick={() => onChoose(day)}
            >
              <span className="day-name">
                {write(day, { weekday: "short" })}
              </span>{" "}
              <span className="day-number">
                {write(day, { day: "numeric" })}
              </span>{" "}
              <span className="day-month">
                {write(day, { month: "short" })}
              </span>
              {count !== null && (
                <span className="visually-hidden">
                  , {t("slots.free", { count })}
                </span>
              )}
              <span className={`day-fill fill-${fill(count)}`} aria-hidden />
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function fill(count: number | null): number {
  if (count === null || count === 0) return 0;
  return count < 6 ? 1 : count < 16 ? 2 : 3;
}
