import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Button } from "@/components/button";
import { Countdown } from "@/components/countdown";
import { ErrorNotice } from "@/components/notice";
import { PersonMark } from "@/components/person-mark";
import { paths } from "@/config/paths";
import { useLanguage } from "@/lib/hooks";
import { clockTime, formatter, longDay } from "@/lib/zoned-time";
import type { Told } from "./toast";
import { useListChange } from "./use-list-change";
import { removeEntry, type WaitingEntry, withdrawOffer } from "./waiting-entries";

interface WaitingCardProps {
  clinicId: string;
  entry: WaitingEntry;
  place: number;
  zone: string;
  onOffer: () => void;
  onTold: (told: Told) => void;
}

/** One waiting patient: what suits them, how long they wait, and what they were offered. */
export function WaitingCard(
  { clinicId, entry, place, zone, onOffer, onTold }: WaitingCardProps,
) {
  const { t } = useTranslation("desk");
  const language = useLanguage();
  const offer = entry.waitlist_offers.find(({ status }) => status === "open");
  const declined = entry.waitlist_offers.filter(({ status }) => status !== "open").length;
  const withdraw = useListChange(withdrawOffer);
  const remove = useListChange(removeEntry);
  const name = entry.patients.full_name;
  return (
    <article className="card waiting-card" data-entry={entry.id}>
      <span className="place" aria-hidden>{place}</span>
      <PersonMark name={name} />
      <div className="card-body">
        <span className="tags">
          {entry.urgency !== "routine" && (
            <span className={`tag urgency-${entry.urgency}`}>
              {t(`waiting.urgency_${entry.urgency}`)}
            </span>
          )}
          {offer && <span className="status status-pending">{t("waiting.offered")}</span>}
        </span>
        <strong>
          <Link to={paths.staff(clinicId, `patients/${entry.patient_id}`)}>{name}</Link>
        </strong>
        <span>{entry.services.name}</span>
        <span className="muted">
          <Wishes entry={entry} />
        </span>
        <span className="muted small">
          {t("waiting.since", { day: longDay(entry.created_at, zone, language) })}
          {declined > 0 && ` · ${t("waiting.earlier_offers", { count: declined })}`}
        </span>
        {offer && (
          <p className="offer-line">
            {longDay(offer.starts_at, zone, language)}, {clockTime(offer.starts_at, zone, language)}
            {" "}
            · {offer.providers.full_name} · {t("waiting.kept")}{" "}
            <Countdown until={offer.expires_at} />
          </p>
        )}
        <ErrorNotice error={withdraw.error ?? remove.error} />
      </div>
      <div className="actions">
        {offer
          ? (
            <Button
              isBusy={withdraw.isPending}
              onClick={() =>
                offer.appointment_id && withdraw.mutate(offer.appointment_id, {
                  onSuccess: () => onTold({ text: t("waiting.withdrawn", { name }) }),
                })}
            >
              {t("waiting.withdraw")}
            </Button>
          )
          : (
            <>
              <Button look="primary" onClick={onOffer}>{t("waiting.offer")}</Button>
              <Button
                look="danger"
                aria-label={t("waiting.remove_named", { name })}
                isBusy={remove.isPending}
                onClick={() =>
                  remove.mutate(entry.id, {
                    onSuccess: () => onTold({ text: t("waiting.removed", { name }) }),
                  })}
              >
                {t("waiting.remove")}
              </Button>
            </>
          )}
      </div>
    </article>
  );
}

function Wishes({ entry }: { entry: WaitingEntry }) {
  const { t } = useTranslation("desk");
  const language = useLanguage();
  const day = (date: string) =>
    formatter(language, "UTC", { day: "numeric", month: "short" })
      .format(new Date(`${date}T12:00:00Z`));
  // 2024 began on a Monday.
  const weekday = (number: number) =>
    formatter(language, "UTC", { weekday: "short" }).format(Date.UTC(2024, 0, number, 12));
  const wishes = [
    ...entry.waitlist_entry_providers.map(({ providers }) => providers.full_name),
    entry.locations?.name,
    entry.earliest && t("waiting.from_day", { day: day(entry.earliest) }),
    entry.latest && t("waiting.until_day", { day: day(entry.latest) }),
    entry.weekdays?.map(weekday).join(", "),
    (entry.from_clock > "00:00:00" || entry.to_clock < "24:00:00") &&
    `${entry.from_clock.slice(0, 5)} – ${entry.to_clock.slice(0, 5)}`,
  ].filter(Boolean);
  return <>{wishes.length > 0 ? wishes.join(" · ") : t("waiting.any_time")}</>;
}
