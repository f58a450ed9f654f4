import { useTranslation } from "react-i18next";
import { useLanguage } from "@/lib/hooks";
import type { Numbers } from "./get-numbers";
import { count, decimal, percent } from "./in-words";

/** The few numbers that are read first. */
export function Tiles({ total }: { total: Numbers }) {
  const { t } = useTranslation("manage");
  const language = useLanguage();
  const tiles = [
    { name: "visits", text: count(total.visits, language) },
    { name: "utilisation", text: percent(total.utilisation, language) },
    { name: "no_shows", text: percent(total.no_show_rate, language) },
    { name: "cancellations", text: percent(total.cancellation_rate, language) },
    {
      name: "lead",
      text: t("chart.days", { days: decimal(total.lead_days, language) }),
    },
  ] as const;
  return (
    <dl className="tiles">
      {tiles.map(({ name, text }) => (
        <div className="card tile" key={name}>
          <dt>{t(`chart.${name}`)}</dt>
          <dd>{text}</dd>
        </div>
      ))}
      {total.unknown > 0 && (
        <div className="card tile tile-warn">
          <dt>{t("chart.unknown")}</dt>
          <dd>{count(total.unknown, language)}</dd>
        </div>
      )}
    </dl>
  );
}
