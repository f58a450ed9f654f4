import { useSuspenseQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams, useSearchParams } from "react-router";
import { Page } from "@/components/page";
import { paths } from "@/config/paths";
import { useBookingDraft } from "@/features/booking/booking-draft";
import { type Hold, HoldAndBook } from "@/features/booking/hold-and-book";
import { giveBack } from "@/features/booking/hold-slot";
import { VisitSummary } from "@/features/booking/visit-summary";
import { clinicQuery, serviceOf } from "@/features/clinics/get-clinic";
import { SignInForm } from "@/features/sign-in/sign-in-form";
import { Refusal } from "@/lib/errors";
import { useSession } from "@/lib/session";

export function Component() {
  const { slug = "", serviceId = "" } = useParams();
  const [search] = useSearchParams();
  const at = search.get("at") ?? "";
  if (Number.isNaN(Date.parse(at))) throw new Refusal("not_found");
  const provider = search.get("provider");
  return (
    <Booking
      // Another slot begins anew, with its own hold.
      key={`${serviceId} ${at} ${provider}`}
      slug={slug}
      serviceId={serviceId}
      at={at}
      provider={provider}
      placeId={search.get("place")}
    />
  );
}

interface BookingProps {
  slug: string;
  serviceId: string;
  at: string;
  provider: string | null;
  placeId: string | null;
}

function Booking({ slug, serviceId, at, provider, placeId }: BookingProps) {
  const { t } = useTranslation();
  const session = useSession();
  const { data: clinic } = useSuspenseQuery(clinicQuery(slug));
  const service = serviceOf(clinic, serviceId);
  const { typed, change, drop } = useBookingDraft(
    `booking ${serviceId} ${at} ${provider}`,
  );
  const [hold, setHold] = useState<Hold | null>(null);
  const forget = useGivingBack(hold, drop);

  const place = clinic.locations.find(({ id }) => id === (hold?.location_id ?? placeId)) ??
    null;
  const who = clinic.providers.find(({ id }) => id === (hold?.provider_id ?? provider));
  return (
    <Page
      title={t("confirm.title")}
      back={{
        to: paths.slots(slug, serviceId),
        label: t("confirm.other_time"),
      }}
    >
      <div className="split split-reverse">
        <div>
          {session
            ? (
              <HoldAndBook
                clinic={clinic}
                wanted={{ serviceId, startsAt: at, providerId: provider }}
                zone={place?.time_zone ?? clinic.time_zone}
                session={session}
                typed={typed}
                onType={change}
                onHold={setHold}
                onBooked={forget}
              />
            )
            : (
              <section className="card card-form" aria-labelledby="who">
                <h2 id="who">{t("confirm.who")}</h2>
                <p className="muted">{t("confirm.who_lead")}</p>
                <SignInForm asksForName onName={(name) => change({ name })} />
              </section>
            )}
        </div>
        <VisitSummary
          title={service.name}
          startsAt={at}
          {...(hold && { endsAt: hold.ends_at })}
          zone={place?.time_zone ?? clinic.time_zone}
          provider={who?.full_name ?? null}
          place={place}
        />
      </div>
    </Page>
  );
}

/**
 * Leaving the page without booking gives the time back; a reload does not, and finds it again.
 * Returns what to call once it is booked.
 */
function useGivingBack(hold: Hold | null, drop: () => void): () => void {
  const kept = useRef<string | null>(null);
  useEffect(() => {
    if (hold) kept.current = hold.status === "held" ? hold.id : null;
  }, [hold]);
  useEffect(() => () => {
    if (kept.current) void giveBack(kept.current);
    drop();
  }, [drop]);
  return useCallback(() => {
    kept.current = null;
  }, []);
}
