import { CalendarOff, CalendarPlus, ChevronLeft, ChevronRight } from "lucide-react";
import { useEffect, useEffectEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice, Segments } from "@/components/field";
import { addDays, type Day } from "@/lib/zoned-time";
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
    <div className="day-head">
      <div className="actions day-steps">
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
        <DayJump day={day} onJump={(to) => change({ day: to })} />
      </div>
      <Choice
        label={t("workplace:day.provider")}
        isLabelHidden
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
          isLabelHidden
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
      <div className="actions day-doings">
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
  );
}

/** While a date is typed it passes through strange years; a plausible one is gone to in a moment. */
function DayJump({ day, onJump }: { day: Day; onJump: (day: Day) => void }) {
  const { t } = useTranslation("workplace");
  const [typed, setTyped] = useState(day);
  const [shown, setShown] = useState(day);
  if (shown !== day) {
    setShown(day);
    setTyped(day);
  }
  const jump = useEffectEvent(onJump);
  useEffect(() => {
    if (typed === day || typed < "2000" || typed >= "2100") return;
    const timer = setTimeout(() => jump(typed), 600);
    return () => clearTimeout(timer);
  }, [typed, day]);
  return (
    <input
      className="day-jump"
      type="date"
      min="2000-01-01"
      max="2099-12-31"
      aria-label={t("day.jump")}
      value={typed}
      onChange={({ target }) => setTyped(target.value)}
    />
  );
}
