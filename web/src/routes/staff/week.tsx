import "@/styles/week.css";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Button } from "@/components/button";
import { Page } from "@/components/page";
import { mondayOf } from "@/features/calendar/wall-clock";
import { WeekBoard } from "@/features/week/week-board";
import { ProviderChoice, useChosenProvider } from "@/features/workplace/provider-choice";
import { useWorkplace } from "@/features/workplace/workplace";
import { dayIn } from "@/lib/addresses";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import { addDays, type Day, dayOf, formatter } from "@/lib/zoned-time";

export function Component() {
  const { t } = useTranslation(["provider", "workplace"]);
  const language = useLanguage();
  const { clinicId, zone } = useWorkplace();
  const provider = useChosenProvider();
  const [search, setSearch] = useSearchParams();
  const monday = mondayOf(dayIn(search, "week") ?? dayOf(now(), zone));
  const go = (week: Day | null) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (week) next.set("week", week);
      else next.delete("week");
      return next;
    }, { replace: true });
  const span = formatter(language, "UTC", {
    day: "numeric",
    month: "long",
    year: "numeric",
  })
    .formatRange(
      new Date(`${monday}T12:00:00Z`),
      new Date(`${addDays(monday, 6)}T12:00:00Z`),
    );
  return (
    <Page title={t("week.title")} lead={<span role="status">{span}</span>}>
      <div className="week-head">
        <div className="actions">
          <Button
            aria-label={t("week.previous")}
            onClick={() => go(addDays(monday, -7))}
          >
            <ChevronLeft aria-hidden size={20} />
          </Button>
          <Button onClick={() => go(null)}>{t("week.this")}</Button>
          <Button
            aria-label={t("week.next")}
            onClick={() => go(addDays(monday, 7))}
          >
            <ChevronRight aria-hidden size={20} />
          </Button>
        </div>
        <ProviderChoice />
      </div>
      {provider && (
        <WeekBoard
          key={provider.id}
          clinicId={clinicId}
          provider={provider}
          monday={monday}
          zone={zone}
        />
      )}
    </Page>
  );
}
