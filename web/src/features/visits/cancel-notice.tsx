import { useTranslation } from "react-i18next";
import { Notice } from "@/components/notice";
import { PhoneLink } from "@/components/phone-link";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import { clockTime, longDay } from "@/lib/zoned-time";

interface CancelNoticeProps {
  startsAt: string;
  /** The service's `cancel_notice_minutes`. */
  minutes: number;
  zone: string;
  /** Of the place, where one can call instead. */
  phone: string | null | undefined;
  /** Whether the visit is only about to be booked. */
  isAhead?: boolean;
}

/** Until when patients can call the visit off or move it by themselves; nothing if always. */
export function CancelNotice(
  { startsAt, minutes, zone, phone, isAhead }: CancelNoticeProps,
) {
  const { t } = useTranslation();
  const language = useLanguage();
  if (isTooLate(startsAt, minutes)) {
    return (
      <Notice>
        <p>{t(isAhead ? "visit.no_way_back" : "visit.too_late")}</p>
        {phone && <PhoneLink number={phone} />}
      </Notice>
    );
  }
  if (minutes === 0) return null;
  const until = Date.parse(startsAt) - minutes * 60_000;
  return (
    <p className="muted small">
      {t("visit.changeable_until", {
        day: longDay(until, zone, language),
        time: clockTime(until, zone, language),
      })}
    </p>
  );
}

/** As the database will judge: docs/appointment_states.md. */
export function isTooLate(startsAt: string, minutes: number): boolean {
  return now() > Date.parse(startsAt) - minutes * 60_000;
}
