import { useSuspenseQuery } from "@tanstack/react-query";
import { ChevronRight, Clock, MapPin, UsersRound } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link, useParams, useSearchParams } from "react-router";
import { Page } from "@/components/page";
import { PersonMark } from "@/components/person-mark";
import { PhoneLink } from "@/components/phone-link";
import { paths } from "@/config/paths";
import {
  type Clinic,
  clinicQuery,
  offeredBy,
  type Provider,
  type Service,
} from "@/features/clinics/get-clinic";
import { FirstFree } from "@/features/slots/first-free";

export function Component() {
  const { t } = useTranslation();
  const { slug = "" } = useParams();
  const { data: clinic } = useSuspenseQuery(clinicQuery(slug));
  const [search] = useSearchParams();
  const provider = clinic.providers.find(({ id }) => id === search.get("with"));
  const place = clinic.locations.find(({ id }) => id === search.get("where"));
  const services = provider ? offeredOf(provider, clinic.services) : clinic.services;
  const groups = provider ? offeredOf(provider, clinic.groups) : clinic.groups;
  return (
    <Page title={clinic.name} lead={t("clinic.lead")}>
      <div className="split">
        <section aria-labelledby="services">
          <h2 id="services">{t("clinic.services")}</h2>
          {(provider ?? place) && (
            <p className="only" role="status">
              {provider && t("clinic.only_with", { name: provider.full_name })}
              {provider && place && " "}
              {place && t("clinic.only_at", { name: place.name })}
              <Link to={paths.clinic(slug)} preventScrollReset>
                {t("clinic.show_all")}
              </Link>
            </p>
          )}
          {services.length + groups.length === 0 && <p>{t("clinic.no_services")}</p>}
          <ul className="cards">
            {services.map((service) => (
              <li key={service.id}>
                <ServiceCard
                  clinic={clinic}
                  service={service}
                  wish={search}
                />
              </li>
            ))}
            {groups.map((service) => (
              <li key={service.id}>
                <GroupCard slug={slug} service={service} />
              </li>
            ))}
          </ul>
          {clinic.services.length > 0 && (
            <Link
              className="card card-link together-link"
              to={paths.together(slug)}
            >
              <UsersRound aria-hidden size={22} />
              <span className="card-body">
                <strong>{t("clinic.together")}</strong>
                <span className="muted">{t("clinic.together_lead")}</span>
              </span>
              <ChevronRight aria-hidden size={20} />
            </Link>
          )}
        </section>
        <div className="aside">
          <Providers clinic={clinic} />
          <Places clinic={clinic} />
        </div>
      </div>
    </Page>
  );
}

function offeredOf(provider: Provider, services: Service[]): Service[] {
  return services.filter(({ id }) => offeredBy([provider], id).length > 0);
}

interface ServiceCardProps {
  clinic: Clinic;
  service: Service;
  /** Whom or where somebody asked for, as the search of the next page. */
  wish: URLSearchParams;
}

function ServiceCard({ clinic, service, wish }: ServiceCardProps) {
  const { t } = useTranslation();
  const providers = offeredBy(clinic.providers, service.id);
  return (
    <Link
      className="card card-link"
      to={{ pathname: paths.slots(clinic.slug, service.id), search: wish.toString() }}
    >
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
        <FirstFree
          serviceId={service.id}
          providerId={wish.get("with") ?? undefined}
          placeId={wish.get("where") ?? undefined}
        />
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

function GroupCard({ slug, service }: { slug: string; service: Service }) {
  const { t } = useTranslation();
  return (
    <Link className="card card-link" to={paths.group(slug, service.id)}>
      <span className="card-body">
        <strong>{service.name}</strong>
        {service.description && <span>{service.description}</span>}
        <span className="muted with-icon">
          <Clock aria-hidden size={16} />
          {t("clinic.minutes", { count: service.duration_minutes })}
        </span>
        <span className="tags">
          <span className="tag">{t("clinic.group")}</span>
        </span>
      </span>
      <span className="card-more">
        {t("clinic.see_sessions")}
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
              <WishLink name="with" value={provider.id}>
                {provider.full_name}
              </WishLink>
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
              <WishLink name="where" value={place.id}>{place.name}</WishLink>
              <span className="muted">{place.address}</span>
              {place.phone && <PhoneLink number={place.phone} />}
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

/** Narrows the page, and the times after it, to one provider or one place; again: to all. */
function WishLink({ name, value, children }: {
  name: "with" | "where";
  value: string;
  children: string;
}) {
  const [search] = useSearchParams();
  const isChosen = search.get(name) === value;
  const wish = new URLSearchParams(search);
  if (isChosen) wish.delete(name);
  else wish.set(name, value);
  return (
    <Link
      className="wish"
      to={{ search: wish.toString() }}
      aria-current={isChosen || undefined}
      preventScrollReset
      replace
    >
      {children}
    </Link>
  );
}
