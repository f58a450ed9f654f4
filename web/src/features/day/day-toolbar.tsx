import { CalendarOff, CalendarPlus, ChevronLeft, ChevronRight } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice, Segments } from "@/components/field";
import { addDays } from "@/lib/zoned-time";
import type { useDaySearch } from "./day-search";

interface DayToolbarProps {
  search: ReturnType<typeof useDaySearch>;
  providers: { id: string; full_name: string }[];
  places: { id: string; name: string }[];
  isList: boolean;
  onBook: () => void;
  onBlock: () => void;
}

/** Which day, of whom, in which form; and the two things that are begun from here. */
export function DayToolbar(
  { search, providers, places, isList, onBook, onBlock }: DayToolbarProps,
) {
  const { t } = useTranslation(["desk", "workplace"]);
  const { day, today, change } = search;
  return (
    <>
      <div className="day-head">
        <div className="actions">
          <Button
            aria-label={t("workplace:day.previous")}
            onClick={() => change({ day: addDays(day, -1) })}
          >
            <ChevronLeft aria-hidden size={20} />
          </Button>
          <Button onClick={() => change({ day: today })}>{t("workplace:day.today")}</Button>
          <Button
            aria-label={t("workplace:day.next")}
            onClick={() => change({ day: addDays(day, 1) })}
          >
            <ChevronRight aria-hidden size={20} />
          </Button>
          <input
            className="day-jump"
            type="date"
            aria-label={t("workplace:day.jump")}
            value={day}
            onChange={({ target }) => target.value && change({ day: target.value })}
          />
        </div>
        <div className="actions">
          <Button look="primary" onClick={onBook}>
            <CalendarPlus aria-hidden size={18} />
            {t("book.title")}
          </Button>
          <Button onClick={onBlock}>
            <CalendarOff aria-hidden size={18} />
            {t("block.title")}
          </Button>
        </div>
      </div>
      <div className="day-filters">
        <Choice
          label={t("workplace:day.provider")}
          value={search.shown}
          options={[
            { value: "", label: t("workplace:day.all") },
            ...providers.map(({ id, full_name }) => ({ value: id, label: full_name })),
          ]}
          onChange={(value) => change({ with: value })}
        />
        {places.length > 1 && (
          <Choice
            label={t("workplace:day.place")}
            value={search.place}
            options={[
              { value: "", label: t("workplace:day.all_places") },
              ...places.map(({ id, name }) => ({ value: id, label: name })),
            ]}
            onChange={(value) => change({ place: value || null })}
          />
        )}
        <Segments
          label={t("workplace:day.view")}
          value={isList ? "list" : search.isByRooms ? "rooms" : "providers"}
          options={(["providers", "rooms", "list"] as const).map((value) => ({
            value,
            label: t(`workplace:day.view_${value}`),
          }))}
          onChange={(value) =>
            change({
              view: value === "list" ? "list" : "columns",
              by: value === "rooms" ? "rooms" : null,
            })}
        />
      </div>
    </>
  );
}
