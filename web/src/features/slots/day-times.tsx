import { useTranslation } from "react-i18next";
import { useLanguage } from "@/lib/hooks";
import { clockTime, clockTimeWithOffset, isShownTwice } from "@/lib/zoned-time";
import type { Clinic } from "../clinics/get-clinic";
import { type PartOfDay, PARTS, type Start } from "./slot-grid";

interface DayTimesProps {
  starts: Start[] | undefined;
  isLoading: boolean;
  part: PartOfDay | null;
  zone: string;
  /** The clinic's zone, where its clock shows another time than the one of `zone`. */
  placeZone: string | null;
  clinic: Clinic;
  onTake: (start: Start) => void;
}

/** One day's times, by time of day. Taken ones stay in their place and cannot be clicked. */
export function DayTimes(
  { starts = [], isLoading, part, zone, placeZone, clinic, onTake }: DayTimesProps,
) {
  const { t } = useTranslation();
  if (isLoading) {
    return (
      <div className="times-loading">
        {Array.from(
          { length: 12 },
          (_, index) => <div className="bone" key={index} />,
        )}
      </div>
    );
  }
  const shown = (part ? [part] : PARTS)
    .map((name) => ({
      name,
      starts: starts.filter((start) => start.part === name),
    }))
    .filter((group) => group.starts.length > 0);
  if (shown.length === 0) {
    return <p className="empty muted">{t("slots.none_day")}</p>;
  }
  return shown.map((group) => (
    <div className="times" key={group.name}>
      <h2>{t(`slots.part_${group.name}`)}</h2>
      <ul>
        {group.starts.map((start) => (
          <li key={start.startsAt}>
            <TimeButton
              start={start}
              zone={zone}
              placeZone={placeZone}
              clinic={clinic}
              onTake={onTake}
            />
          </li>
        ))}
      </ul>
    </div>
  ));
}

type TimeButtonProps =
  & Pick<DayTimesProps, "zone" | "placeZone" | "clinic" | "onTake">
  & {
    start: Start;
  };

function TimeButton(
  { start, zone, placeZone, clinic, onTake }: TimeButtonProps,
) {
  const { t } = useTranslation();
  const language = useLanguage();
  const write = isShownTwice(start.startsAt, zone) ? clockTimeWithOffset : clockTime;
  return (
    <button
      type="button"
      className={start.isTaken ? "time is-taken" : "time"}
      // Not `disabled`: a time that goes while it has the focus must not throw the focus away.
      aria-disabled={start.isTaken || undefined}
      data-starts-at={start.startsAt}
      onClick={() => !start.isTaken && onTake(start)}
    >
      <strong>{write(start.startsAt, zone, language)}</strong>
      <span>
        {start.isTaken ? t("slots.taken") : whoIsFree(start, clinic, t)}
      </span>
      {placeZone && !start.isTaken && (
        <span>
          {t("slots.at_clinic", {
            time: clockTime(start.startsAt, placeZone, language),
          })}
        </span>
      )}
    </button>
  );
}

function whoIsFree(
  start: Start,
  clinic: Clinic,
  t: (key: "slots.providers", options: { count: number }) => string,
): string {
  const ids = new Set(start.slots.map((slot) => slot.provider_id));
  if (ids.size > 1) return t("slots.providers", { count: ids.size });
  const [id] = ids;
  return clinic.providers.find((provider) => provider.id === id)?.full_name ??
    "";
}
