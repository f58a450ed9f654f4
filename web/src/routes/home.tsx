import { useSuspenseQuery } from "@tanstack/react-query";
import { ChevronRight, MapPin } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Page } from "@/components/page";
import { paths } from "@/config/paths";
import { clinicsQuery } from "@/features/clinics/get-clinics";

export function Component() {
  const { t } = useTranslation();
  const { data: clinics } = useSuspenseQuery(clinicsQuery);
  return (
    <Page title={t("home.title")} lead={t("home.lead")}>
      <h2 className="visually-hidden">{t("home.clinics")}</h2>
      {clinics.length === 0 && <p>{t("home.empty")}</p>}
      <ul className="cards">
        {clinics.map((clinic) => (
          <li key={clinic.id}>
            <Link className="card card-link" to={paths.clinic(clinic.slug)}>
              <span className="card-body">
                <strong>{clinic.name}</strong>
                {clinic.locations.map((place) => (
                  <span className="muted with-icon" key={place.id}>
                    <MapPin aria-hidden size={16} />
                    {place.address ?? place.name}
                  </span>
                ))}
              </span>
              <ChevronRight aria-hidden size={20} />
            </Link>
          </li>
        ))}
      </ul>
    </Page>
  );
}
