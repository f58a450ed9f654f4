import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Button } from "@/components/button";
import { ErrorNotice } from "@/components/notice";
import { paths } from "@/config/paths";
import { useLanguage } from "@/lib/hooks";
import { clockTime, dayOf, longDay } from "@/lib/zoned-time";
import { changeStatus, type Status } from "../day/day-visits";
import { type Attention, type AttentionVisit, markTold, requeue } from "./attention";
import type { Told } from "./toast";
import { useSettling } from "./use-settling";

interface AttentionCardProps {
  clinicId: string;
  zone: string;
  attention: Attention;
  onTold: (told: Told) => void;
}

/** One thing to look at: whom it is about, since when it waits, and what can be done. */
export function AttentionCard({ clinicId, zone, attention, onTold }: AttentionCardProps) {
  const { t } = useTranslation("desk");
  const language = useLanguage();
  const { kind, visit, session, calendar } = attention;
  return (
    <article className="card attention-card" data-kind={kind}>
      <div className="card-body">
        <span className="tags">
          <span className={`tag attention-${kind}`}>{t(`attention.kind_${kind}`)}</span>
        </span>
        {visit && (
          <>
            <strong>{visit.patients.full_name}</strong>
            <span>
              {longDay(visit.starts_at, zone, language)},{" "}
              {clockTime(visit.starts_at, zone, language)} · {visit.services.name} ·{" "}
              {visit.providers.full_name}
            </span>
          </>
        )}
        {session && (
          <>
            <strong>{session.services.name}</strong>
            <span>
              {longDay(session.starts_at, zone, language)},{" "}
              {clockTime(session.starts_at, zone, language)} · {session.providers.full_name}
            </span>
          </>
        )}
        {calendar && <strong>{calendar.name} · {calendar.provider}</strong>}
        <span className="muted">{t(`attention.what_${kind}`)}</span>
        <span className="muted small">
          {t("attention.since", {
            day: longDay(attention.since, zone, language),
            time: clockTime(attention.since, zone, language),
          })}
        </span>
      </div>
      <Ways clinicId={clinicId} zone={zone} attention={attention} onTold={onTold} />
    </article>
  );
}

// What closes each kind that a status can close.
const ANSWERS = {
  waits_for_approval: [["booked", "approve"], ["cancelled", "decline"]],
  outcome_unknown: [["fulfilled", "came"], ["noshow", "missed"]],
} as const satisfies Record<string, readonly (readonly [Status, string])[]>;

function Ways({ clinicId, zone, attention, onTold }: AttentionCardProps) {
  const { t } = useTranslation("desk");
  const { kind, visit, notificationId } = attention;
  const settle = useSettling((status: Status) =>
    visit ? changeStatus(visit, status) : Promise.resolve()
  );
  const resend = useSettling(requeue);
  const tick = useSettling(markTold);
  const answers = kind === "waits_for_approval" || kind === "outcome_unknown" ? ANSWERS[kind] : [];
  return (
    <div className="attention-ways">
      <ErrorNotice error={settle.error ?? resend.error ?? tick.error} />
      <div className="actions">
        {visit && answers.map(([status, words], index) => (
          <Button
            key={status}
            look={index === 0 ? "primary" : "quiet"}
            isBusy={settle.isPending}
            onClick={() => settle.mutate(status)}
          >
            {t(`attention.${words}`)}
          </Button>
        ))}
        {kind === "message_not_sent" && notificationId && (
          <Button
            look="primary"
            isBusy={resend.isPending}
            onClick={() =>
              resend.mutate(notificationId, {
                onSuccess: () => onTold({ text: t("attention.requeued") }),
              })}
          >
            {t("attention.requeue")}
          </Button>
        )}
        {(kind === "message_not_sent" || kind === "patient_untold") && notificationId && (
          <Button
            look={kind === "patient_untold" ? "primary" : "quiet"}
            isBusy={tick.isPending}
            onClick={() =>
              tick.mutate(notificationId, {
                onSuccess: () => onTold({ text: t("attention.marked_told") }),
              })}
          >
            {t("attention.mark_told")}
          </Button>
        )}
        {visit && <VisitLinks clinicId={clinicId} zone={zone} visit={visit} />}
      </div>
    </div>
  );
}

function VisitLinks(
  { clinicId, zone, visit }: { clinicId: string; zone: string; visit: AttentionVisit },
) {
  const { t } = useTranslation("desk");
  const search = new URLSearchParams({
    day: dayOf(visit.starts_at, zone),
    with: "",
    visit: visit.id,
  });
  return (
    <>
      <Link className="button button-quiet" to={`${paths.staff(clinicId, "day")}?${search}`}>
        {t("attention.open")}
      </Link>
      <Link
        className="button button-quiet"
        to={paths.staff(clinicId, `patients/${visit.patient_id}`)}
      >
        {t("visit.card")}
      </Link>
    </>
  );
}
