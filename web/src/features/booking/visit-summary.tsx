import { CalendarClock, MapPin, Stethoscope, UserRound } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { PhoneLink } from "@/components/phone-link";
import { When } from "@/components/when";

interface VisitSummaryProps {
  title: string;
  startsAt: string;
  endsAt?: string;
  zone: string;
  provider: string | null;
  place: { name: string; address: string | null; phone: string | null } | null;
  patient?: string | null;
  children?: ReactNode;
}

/** What, when, with whom, where. */
export function VisitSummary(props: VisitSummaryProps) {
  const { t } = useTranslation();
  const { title, startsAt, endsAt, zone, provider, place, patient, children } = props;
  return (
    <section className="card summary" aria-label={title}>
      <p className="summary-title with-icon">
        <Stethoscope aria-hidden size={20} />
        <strong>{title}</strong>
      </p>
      <dl>
        <dt>
          <CalendarClock aria-hidden size={18} />
          <span>{t("visit.when")}</span>
        </dt>
        <dd>
          <When startsAt={startsAt} zone={zone} {...(endsAt && { endsAt })} />
        </dd>
        <dt>
          <UserRound aria-hidden size={18} />
          <span>{t("visit.who")}</span>
        </dt>
        <dd>{provider ?? t("confirm.any_provider")}</dd>
        {place && (
          <>
            <dt>
              <MapPin aria-hidden size={18} />
              <span>{t("visit.where")}</span>
            </dt>
            <dd>
              {place.name}
              {place.address && <span className="muted">{place.address}</span>}
              {place.phone && <PhoneLink number={place.phone} />}
            </dd>
          </>
        )}
        {patient && (
          <>
            <dt>
              <UserRound aria-hidden size={18} />
              <span>{t("visit.patient")}</span>
            </dt>
            <dd>{patient}</dd>
          </>
        )}
      </dl>
      {children}
    </section>
  );
}
