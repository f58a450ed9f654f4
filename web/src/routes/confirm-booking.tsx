import { useSuspenseQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams, useSearchParams } from "react-router";
import { Page } from "@/components/page";
import { paths } from "@/config/paths";
import { type BookingRequests, useBookingDraft } from "@/features/booking/booking-draft";
import { type Hold, HoldAndBook, isKeptHere } from "@/features/booking/hold-and-book";
import { giveBack } from "@/features/booking/hold-slot";
import { VisitSummary } from "@/features/booking/visit-summary";
import { clinicQuery, serviceOf } from "@/features/clinics/get-clinic";
import { SignInForm } from "@/features/sign-in/sign-in-form";
import { CancelNotice } from "@/features/visits/cancel-notice";
import { instantIn } from "@/lib/addresses";
import { Refusal } from "@/lib/errors";
import { useSession } from "@/lib/session";

export function Component() {
  const { slug = "", serviceId = "" } = useParams();
  const [search] = useSearchParams();
  const at = instantIn(search, "at");
  if (!at) throw new Refusal("not_found");
  const provider = search.get("provider");
  const placeId = search.get("place");
  return (
    <Booking
      // Another slot begins anew, with its own hold.
      key={`${serviceId} ${at} ${provider} ${placeId}`}
      slug={slug}
      serviceId={serviceId}
      at={at}
      provider={provider}
      placeId={placeId}
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
  const { typed, change, requests, renew, leave, finish } = useBookingDraft(
    serviceId,
    `${at} ${provider} ${placeId}`,
    session?.user.id ?? null,
  );
  const [hold, setHold] = useState<Hold | null>(null);
  const keep = useGivingBack(hold, requests, leave);

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
                wanted={{
                  serviceId,
                  startsAt: at,
                  providerId: provider,
                  placeId,
                }}
                zone={place?.time_zone ?? clinic.time_zone}
                session={session}
                typed={typed}
                onType={change}
                requests={requests}
                onRenew={renew}
                onHold={setHold}
                onBooked={() => {
                  keep();
                  finish();
                }}
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
        >
          <CancelNotice
            startsAt={at}
            minutes={service.cancel_notice_minutes}
            zone={place?.time_zone ?? clinic.time_zone}
            phone={place?.phone}
            isAhead
          />
        </VisitSummary>
      </div>
    </Page>
  );
}

/**
 * Leaving the page without booking gives the time back; a reload does not, and finds it again.
 * Returns what to call once it is booked.
 */
function useGivingBack(
  hold: Hold | null,
  requests: BookingRequests,
  leave: () => void,
): () => void {
  const kept = useRef<Hold | null>(null);
  useEffect(() => {
    if (hold) kept.current = isKeptHere(hold, requests) ? hold : null;
  }, [hold, requests]);
  useEffect(() => () => {
    if (kept.current) void giveBack(kept.current);
    leave();
  }, [leave]);
  return useCallback(() => {
    kept.current = null;
  }, []);
}
