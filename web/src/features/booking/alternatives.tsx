import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNotice } from "@/components/notice";
import { useLanguage } from "@/lib/hooks";
import { clockTime, longDay } from "@/lib/zoned-time";
import { nearestSlots, type Slot } from "../slots/open-slots";

interface AlternativesProps {
  serviceId: string;
  at: string;
  providerId: string | null;
  placeId: string | null;
  zone: string;
  /** The way to take one of them. */
  children: (slot: Slot, words: ReactNode) => ReactNode;
}

/** For those who were a moment too late: the nearest times that are free now. */
export function Alternatives(
  { serviceId, at, providerId, placeId, zone, children }: AlternativesProps,
) {
  const { t } = useTranslation();
  const language = useLanguage();
  const near = useQuery({
    queryKey: ["nearest", serviceId, at, providerId, placeId],
    queryFn: () => nearestSlots({ serviceId, providerId, placeId }, at, 4),
    gcTime: 0,
  });
  return (
    <section className="card alternatives" role="status">
      <h2>{t("confirm.missed_title")}</h2>
      <ErrorNotice error={near.error} />
      {near.data && (
        <p>
          {t(near.data.length ? "confirm.missed_lead" : "confirm.none_near")}
        </p>
      )}
      <ul>
        {(near.data ?? []).map((slot) => (
          <li key={slot.starts_at}>
            {children(
              slot,
              <>
                <strong>{clockTime(slot.starts_at, zone, language)}</strong>
                <span>{longDay(slot.starts_at, zone, language)}</span>
              </>,
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
