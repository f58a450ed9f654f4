import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ErrorNotice } from "@/components/notice";
import { paths } from "@/config/paths";
import { useLanguage } from "@/lib/hooks";
import { clockTime, longDay } from "@/lib/zoned-time";
import { nearestSlots } from "../slots/open-slots";

interface AlternativesProps {
  slug: string;
  serviceId: string;
  at: string;
  provider: string | null;
  zone: string;
}

/** For those who were a moment too late: the nearest times that are free now. */
export function Alternatives(
  { slug, serviceId, at, provider, zone }: AlternativesProps,
) {
  const { t } = useTranslation();
  const language = useLanguage();
  const near = useQuery({
    queryKey: ["nearest", serviceId, at, provider],
    queryFn: () => nearestSlots({ serviceId, providerId: provider, placeId: null }, at, 4),
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
            <Link
              className="time"
              to={paths.confirm(slug, serviceId, {
                at: slot.starts_at,
                provider: slot.provider_id,
                place: slot.location_id,
              })}
              replace
            >
              <strong>{clockTime(slot.starts_at, zone, language)}</strong>
              <span>{longDay(slot.starts_at, zone, language)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
