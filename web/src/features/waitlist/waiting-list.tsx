import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Button } from "@/components/button";
import { Countdown } from "@/components/countdown";
import { ErrorNotice } from "@/components/notice";
import { paths } from "@/config/paths";
import { useLanguage } from "@/lib/hooks";
import { clockTime, longDay } from "@/lib/zoned-time";
import { acceptOffer, declineOffer, leaveWaitlist, type Waiting } from "./waiting";

/** What somebody waits for, and times that are kept for them until they say yes or no. */
export function WaitingList({ waiting }: { waiting: Waiting[] }) {
  const { t } = useTranslation();
  if (waiting.length === 0) return null;
  return (
    <section aria-labelledby="waiting">
      <h2 id="waiting">{t("visits.waiting")}</h2>
      <ul className="cards">
        {waiting.map((entry) => (
          <li key={entry.id}>
            <WaitingCard entry={entry} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function WaitingCard({ entry }: { entry: Waiting }) {
  const { t } = useTranslation();
  const language = useLanguage();
  const queries = useQueryClient();
  const zone = entry.clinics.time_zone;
  const offer = entry.waitlist_offers.find(({ status }) => status === "open");
  const leave = useMutation({
    mutationFn: () => leaveWaitlist(entry.id),
    onSettled: () => queries.invalidateQueries({ queryKey: ["waiting"] }),
  });
  if (offer) return <OfferCard entry={entry} offer={offer} />;
  return (
    <div className="card">
      <span className="card-body">
        <strong>{entry.services.name}</strong>
        <span>{entry.clinics.name} · {entry.patients.full_name}</span>
        <span className="muted">
          {t("visits.waiting_for", {
            day: longDay(entry.created_at, zone, language),
          })}
        </span>
        <ErrorNotice error={leave.error} />
      </span>
      <Button isBusy={leave.isPending} onClick={() => leave.mutate()}>
        {t("visits.leave")}
      </Button>
    </div>
  );
}

function OfferCard(
  { entry, offer }: {
    entry: Waiting;
    offer: Waiting["waitlist_offers"][number];
  },
) {
  const { t } = useTranslation();
  const language = useLanguage();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const zone = entry.clinics.time_zone;
  const answered = () => void queries.invalidateQueries({ queryKey: ["waiting"] });
  const accept = useMutation({
    mutationFn: () => acceptOffer(offer.id),
    onSuccess: (visit) => navigate(`${paths.visit(visit.id)}?new=1`),
    onError: answered,
  });
  const decline = useMutation({
    mutationFn: () => declineOffer(offer.id),
    onSettled: answered,
  });
  return (
    <div className="card card-offer">
      <span className="card-body">
        <strong>{t("visits.offer_title")}</strong>
        <span>
          {entry.services.name} · {longDay(offer.starts_at, zone, language)},{" "}
          {clockTime(offer.starts_at, zone, language)}
          {" · "}
          {offer.providers.full_name}
        </span>
        <span className="muted">
          {t("visits.offer_lead")} <Countdown until={offer.expires_at} />
        </span>
        <ErrorNotice error={accept.error ?? decline.error} />
      </span>
      <div className="actions">
        <Button
          look="primary"
          isBusy={accept.isPending}
          onClick={() => accept.mutate()}
        >
          {t("visits.accept")}
        </Button>
        <Button isBusy={decline.isPending} onClick={() => decline.mutate()}>
          {t("visits.decline")}
        </Button>
      </div>
    </div>
  );
}
