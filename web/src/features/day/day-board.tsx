import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { CalendarCheck, ChevronLeft, ChevronRight } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Button } from "@/components/button";
import { Choice } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { PersonMark } from "@/components/person-mark";
import { useBroadcast } from "@/lib/broadcasts";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import { addDays, dayOf, fullDay, startOfDay } from "@/lib/zoned-time";
import { DayCard } from "./day-card";
import { type DayVisit, dayVisitsQuery, nextVisit } from "./day-visits";

interface DayBoardProps {
  clinicId: string;
  zone: string;
  providers: { id: string; full_name: string; user_id: string | null }[];
  userId: string;
}

/** A clinic's day, a column for each provider; follows what others change. */
export function DayBoard({ clinicId, zone, providers, userId }: DayBoardProps) {
  const { t } = useTranslation("workplace");
  const language = useLanguage();
  const queries = useQueryClient();
  const [search, setSearch] = useSearchParams();
  const today = dayOf(now(), zone);
  const asked = search.get("day") ?? "";
  const day = /^\d{4}-\d{2}-\d{2}$/.test(asked) ? asked : today;
  const own = providers.find((provider) => provider.user_id === userId)?.id ?? "";
  const shown = search.get("with") ?? own;
  const choose = (name: string, value: string) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      next.set(name, value);
      return next;
    }, { replace: true });

  const from = startOfDay(day, zone);
  const to = startOfDay(addDays(day, 1), zone);
  const visits = useQuery({
    ...dayVisitsQuery(clinicId, from, to),
    placeholderData: keepPreviousData,
  });
  const readAnew = () => void queries.invalidateQueries({ queryKey: ["day", clinicId] });
  useBroadcast(
    { topic: `clinic:${clinicId}:appointments`, isPrivate: true, event: "appointment_changed" },
    readAnew,
    readAnew,
  );
  // For a while after somebody left the clinic, its changes come here instead.
  useBroadcast(
    { topic: `user:${userId}`, isPrivate: true, event: "appointment_changed" },
    readAnew,
  );

  const columns = columnsOf(visits.data ?? [], shown);
  return (
    <div className="day-board">
      <div className="day-head">
        <div className="actions">
          <Button aria-label={t("day.previous")} onClick={() => choose("day", addDays(day, -1))}>
            <ChevronLeft aria-hidden size={20} />
          </Button>
          <Button onClick={() => choose("day", today)}>{t("day.today")}</Button>
          <Button aria-label={t("day.next")} onClick={() => choose("day", addDays(day, 1))}>
            <ChevronRight aria-hidden size={20} />
          </Button>
        </div>
        <Choice
          label={t("day.provider")}
          value={shown}
          options={[
            { value: "", label: t("day.all") },
            ...providers.map(({ id, full_name }) => ({ value: id, label: full_name })),
          ]}
          onChange={(value) => choose("with", value)}
        />
      </div>
      <p className="lead" role="status">{fullDay(from + 12 * 3_600_000, zone, language)}</p>
      <ErrorNotice error={visits.error} />
      {visits.data && columns.length === 0 && (
        <div className="empty">
          <CalendarCheck aria-hidden size={32} />
          <p>{t("day.empty")}</p>
        </div>
      )}
      <div className="day-columns">
        {columns.map(({ provider, visits: own }) => {
          const next = day === today ? nextVisit(own, now()) : undefined;
          return (
            <section key={provider.id} aria-label={provider.full_name}>
              <h2 className="with-icon">
                <PersonMark name={provider.full_name} />
                {provider.full_name}
              </h2>
              {own.map((visit) => (
                <DayCard key={visit.id} visit={visit} isNext={visit.id === next?.id} />
              ))}
            </section>
          );
        })}
      </div>
    </div>
  );
}

function columnsOf(visits: DayVisit[], shown: string) {
  const columns = new Map<string, { provider: DayVisit["providers"]; visits: DayVisit[] }>();
  for (const visit of visits) {
    if (shown && visit.providers.id !== shown) continue;
    const column = columns.get(visit.providers.id) ?? { provider: visit.providers, visits: [] };
    column.visits.push(visit);
    columns.set(visit.providers.id, column);
  }
  return [...columns.values()].sort((one, other) =>
    one.provider.full_name.localeCompare(other.provider.full_name)
  );
}
