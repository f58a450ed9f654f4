import { useTranslation } from "react-i18next";
import { useLanguage } from "@/lib/hooks";
import {
  clockTime,
  clockTimeWithOffset,
  deviceZone,
  fullDay,
  type Instant,
  isShownTwice,
  showSameClock,
  zoneCity,
} from "@/lib/zoned-time";

interface WhenProps {
  startsAt: Instant;
  endsAt?: Instant;
  zone: string;
}

/** Day and time where the visit is, and on the reader's clock if that shows another time. */
export function When({ startsAt, endsAt, zone }: WhenProps) {
  const { t } = useTranslation();
  const language = useLanguage();
  const own = deviceZone();
  const write = isShownTwice(startsAt, zone) ? clockTimeWithOffset : clockTime;
  return (
    <span className="when">
      <strong>{fullDay(startsAt, zone, language)}</strong>
      <span>
        {write(startsAt, zone, language)}
        {endsAt !== undefined && ` – ${write(endsAt, zone, language)}`}
      </span>
      {!showSameClock(zone, own, [startsAt]) && (
        <span className="when-own">
          {t("visit.in_your_zone", {
            time: clockTime(startsAt, own, language),
            day: fullDay(startsAt, own, language),
            zone: zoneCity(own),
          })}
        </span>
      )}
    </span>
  );
}
