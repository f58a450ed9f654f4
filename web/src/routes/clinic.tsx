import { useSuspenseQuery } from "@tanstack/react-query";
import { ChevronRight, Clock, MapPin } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { Page } from "@/components/page";
import { PersonMark } from "@/components/person-mark";
import { paths } from "@/config/paths";
import { type Clinic, clinicQuery, offeredBy, type Service } from "@/features/clinics/get-clinic";

export function Component() {
  const { t } = useTranslation();
  const { slug = "" } = useParams();
  const { data: clinic } = useSuspenseQuery(clinicQuery(slug));
  return (
    <Page title={clinic.name} lead={t("clinic.lead")}>
      <div className="split">
        <section aria-labelledby="services">
          <h2 id="services">{t("clinic.services")}</h2>
          {clinic.services.length === 0 && <p>{t("clinic.no_services")}</p>}
          <ul className="cards">
            {clinic.services.map((service) => (
              <li key={service.id}>
                <ServiceCard clinic={clinic} service={service} />
              </li>
            ))}
          </ul>
        </section>
        <div className="aside">
          <Providers clinic={clinic} />
          <Places clinic={clinic} />
        </div>
      </div>
    </Page>
  );
}

function ServiceCard(
  { clinic, service }: { clinic: Clinic; service: Service },
) {
  const { t } = useTranslation();
  const providers = offeredBy(clinic.providers, service.id);
  return (
    <Link className="card card-link" to={paths.slots(clinic.slug, service.id)}>
      <span className="card-body">
        <strong>{service.name}</strong>
        {service.description && <span>{service.description}</span>}
        <span className="muted with-icon">
          <Clock aria-hidden size={16} />
          {t("clinic.minutes", { count: service.duration_minutes })}
          {" · "}
          {providers.length === 1
            ? providers[0]?.full_name
            : t("slots.providers", { count: providers.length })}
        </span>
        <span className="tags">
          {service.needs_approval && <span className="tag">{t("clinic.needs_approval")}</span>}
          {service.new_patients_only && <span className="tag">{t("clinic.new_patients_only")}
          </span>}
        </span>
      </span>
      <span className="card-more">
        {t("clinic.see_times")}
        <ChevronRight aria-hidden size={20} />
      </span>
    </Link>
  );
}

function Providers({ clinic }: { clinic: Clinic }) {
  const { t } = useTranslation();
  return (
    <section aria-labelledby="providers">
      <h2 id="providers">{t("clinic.providers")}</h2>
      <ul className="people">
        {clinic.providers.map((provider) => (
          <li key={provider.id}>
            <PersonMark name={provider.full_name} />
            <span>
              <strong>{provider.full_name}</strong>
              <span className="muted">{provider.speciality}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Places({ clinic }: { clinic: Clinic }) {
  const { t } = useTranslation();
  return (
    <section aria-labelledby="places">
      <h2 id="places">{t("clinic.places")}</h2>
      <ul className="people">
        {clinic.locations.map((place) => (
          <li key={place.id}>
            <span className="person-mark place-mark" aria-hidden>
              <MapPin size={18} />
            </span>
            <span>
              <strong>{place.name}</strong>
              <span className="muted">{place.address}</span>
              {place.address && (
                <a
                  href={`https://www.openstreetmap.org/search?query=${
                    encodeURIComponent(place.address)
                  }`}
                  target="_blank"
                  rel="noreferrer"
                  aria-label={`${t("clinic.map")}: ${place.name}`}
                >
                  {t("clinic.map")}
                </a>
              )}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
