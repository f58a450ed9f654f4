import { ChevronLeft, ChevronRight, Zap } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Button } from "@/components/button";
import { Choice, Segments } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { dayIn } from "@/lib/addresses";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import {
  addDays,
  clockTime,
  type Day,
  dayOf,
  deviceZone,
  longDay,
  showSameClock,
  startOfDay,
} from "@/lib/zoned-time";
import { type Clinic, offeredBy, type Service } from "../clinics/get-clinic";
import { DayStrip } from "./day-strip";
import { DayTimes } from "./day-times";
import { freeStarts, gridOf, PARTS, type Start } from "./slot-grid";
import { useLiveSlots } from "./use-live-slots";
import { ZoneNote } from "./zone-note";

const SPAN_DAYS = 14;

interface SlotFinderProps {
  clinic: Clinic;
  service: Service;
  /** Never called for a time that is taken. */
  onChoose: (start: Start) => void;
  /** Who is meant before anything has been chosen here. */
  initialProvider?: string;
}

/** Free times of one service: who, where, when; follows what is taken elsewhere. */
export function SlotFinder(
  { clinic, service, onChoose, initialProvider = "" }: SlotFinderProps,
) {
  const { t } = useTranslation();
  const language = useLanguage();
  const [search, setSearch] = useSearchParams();
  const providers = offeredBy(clinic.providers, service.id);
  const providerId = search.get("with") ?? initialProvider;
  const placeId = search.get("where") ?? "";
  const part = PARTS.find((name) => name === search.get("part")) ?? null;
  const choose = (name: string, value: string) =>
    setSearch((before) => withParam(before, name, value), {
      replace: true,
      preventScrollReset: true,
    });

  const clinicZone = clinic.locations.find(({ id }) => id === placeId)?.time_zone ??
    clinic.time_zone;
  const ownZone = deviceZone();
  const [usesOwnZone, setUsesOwnZone] = useState(true);
  const zone = usesOwnZone ? ownZone : clinicZone;
  const today = dayOf(now(), zone);
  const firstDay = laterOf(dayIn(search, "from"), today);
  const from = startOfDay(firstDay, zone);
  const to = startOfDay(addDays(firstDay, SPAN_DAYS), zone);

  const { free, gone, isLive, error, retry } = useLiveSlots(clinic, {
    serviceId: service.id,
    from,
    to,
    providerId: providerId || null,
    placeId: placeId || null,
  });
  const grid = gridOf(free ?? [], gone, zone);
  const days = Array.from(
    { length: SPAN_DAYS },
    (_, index) => addDays(firstDay, index),
  );
  const [firstFree] = days.flatMap((each) => freeStarts(grid.get(each), part));
  const firstDayWithTimes = useStaying(
    `${providerId} ${placeId} ${part} ${firstDay} ${zone}`,
    free && firstFree && dayOf(firstFree.startsAt, zone),
  );
  const asked = dayIn(search, "day");
  const day = asked && days.includes(asked) ? asked : firstDayWithTimes ?? firstDay;
  const differ = !showSameClock(clinicZone, ownZone, [from, to]);

  return (
    <div className="finder">
      <div className="filters">
        {providers.length > 1 && (
          <Choice
            label={t("slots.provider")}
            value={providerId}
            options={[
              { value: "", label: t("slots.any_provider") },
              ...providers.map(({ id, full_name }) => ({
                value: id,
                label: full_name,
              })),
            ]}
            onChange={(value) => choose("with", value)}
          />
        )}
        {clinic.locations.length > 1 && (
          <Choice
            label={t("slots.place")}
            value={placeId}
            options={[
              { value: "", label: t("slots.any_place") },
              ...clinic.locations.map(({ id, name }) => ({
                value: id,
                label: name,
              })),
            ]}
            onChange={(value) => choose("where", value)}
          />
        )}
        <Segments
          label={t("slots.part")}
          value={part ?? "any"}
          options={["any" as const, ...PARTS].map((value) => ({
            value,
            label: t(`slots.part_${value}`),
          }))}
          onChange={(value) => choose("part", value === "any" ? "" : value)}
        />
      </div>

      {differ && (
        <ZoneNote
          ownZone={ownZone}
          clinicZone={clinicZone}
          usesOwnZone={usesOwnZone}
          onChange={setUsesOwnZone}
        />
      )}

      <ErrorNotice error={error}>
        <Button onClick={() => void retry()}>{t("app.retry")}</Button>
      </ErrorNotice>

      {!free && !error && <div className="bone bone-first-free" />}
      {firstFree && (
        <button
          type="button"
          className="first-free"
          onClick={() => onChoose(firstFree)}
        >
          <Zap aria-hidden size={20} />
          <span>
            <span className="muted">{t("slots.first")}</span>
            <strong>
              {longDay(firstFree.startsAt, zone, language)},{" "}
              {clockTime(firstFree.startsAt, zone, language)}
            </strong>
          </span>
          <ChevronRight aria-hidden size={20} />
        </button>
      )}

      <section
        className="sheet"
        aria-label={t("slots.title")}
        aria-busy={!free}
      >
        <div className="sheet-head">
          <Button
            aria-label={t("slots.earlier")}
            disabled={firstDay <= today}
            onClick={() => choose("from", addDays(firstDay, -SPAN_DAYS))}
          >
            <ChevronLeft aria-hidden size={20} />
          </Button>
          <p
            className={isLive ? "live is-live" : "live"}
            title={t("slots.live_hint")}
          >
            <span aria-hidden />
            {t("slots.live")}
          </p>
          <Button
            aria-label={t("slots.later")}
            onClick={() => choose("from", addDays(firstDay, SPAN_DAYS))}
          >
            <ChevronRight aria-hidden size={20} />
          </Button>
        </div>
        <DayStrip
          days={days}
          chosen={day}
          countOf={(
            each,
          ) => (free ? freeStarts(grid.get(each), part).length : null)}
          onChoose={(each) => choose("day", each)}
        />
        <DayTimes
          starts={grid.get(day)}
          isLoading={!free && !error}
          part={part}
          zone={zone}
          placeZone={differ ? (usesOwnZone ? clinicZone : null) : null}
          clinic={clinic}
          onTake={onChoose}
        />
        {free && !firstFree && (
          <div className="empty">
            <p>{t("slots.none_span")}</p>
            <Button
              look="primary"
              onClick={() => choose("from", addDays(firstDay, SPAN_DAYS))}
            >
              {t("slots.next_days")}
            </Button>
          </div>
        )}
      </section>
    </div>
  );
}

function withParam(
  search: URLSearchParams,
  name: string,
  value: string,
): URLSearchParams {
  const next = new URLSearchParams(search);
  if (value || name === "with") next.set(name, value);
  else next.delete(name);
  // Another span or another filter begins at its own first free day.
  if (name !== "day") next.delete("day");
  return next;
}

function laterOf(day: Day | null, today: Day): Day {
  return day && day > today ? day : today;
}

/** The first day that was found for this question: whoever looks at it is not moved to another. */
function useStaying(question: string, found: Day | undefined): Day | undefined {
  const [kept, setKept] = useState({ question, found });
  if (kept.question === question && (kept.found || !found)) return kept.found;
  setKept({ question, found });
  return found;
}
