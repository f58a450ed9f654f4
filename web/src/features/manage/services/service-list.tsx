import { useSuspenseQuery } from "@tanstack/react-query";
import { ChevronRight, Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useWorkplace } from "@/features/workplace/workplace";
import { servicesQuery } from "./get-services";

/** All services, the ones that are not offered last. */
export function ServiceList() {
  const { t } = useTranslation("manage");
  const { clinicId } = useWorkplace();
  const { data: services } = useSuspenseQuery(servicesQuery(clinicId));
  return (
    <section>
      <div className="actions">
        <Link className="button button-primary" to="new">
          <Plus aria-hidden size={18} />
          {t("services.add")}
        </Link>
      </div>
      {services.length === 0 && <p className="muted">{t("services.none")}</p>}
      <ul className="cards">
        {services.map((service) => (
          <li key={service.id}>
            <Link
              className={service.active ? "card card-link" : "card card-link is-off"}
              to={service.id}
            >
              <div className="card-body">
                <strong>{service.name}</strong>
                <span className="muted">
                  {t("services.minutes", { count: service.duration_minutes })} · {t("services.by", {
                    count: service.provider_services.length,
                  })}
                  {service.capacity > 1 &&
                    ` · ${t("services.seats", { count: service.capacity })}`}
                </span>
                <span className="tags">
                  {!service.active && <span className="tag tag-warn">{t("services.off")}</span>}
                  {service.needs_approval && <span className="tag">{t("services.approval")}</span>}
                  {service.new_patients_only && (
                    <span className="tag">{t("services.new_only")}</span>
                  )}
                  {service.service_needs.length > 0 && (
                    <span className="tag">
                      {t("services.needs", {
                        count: service.service_needs.length,
                      })}
                    </span>
                  )}
                </span>
              </div>
              <ChevronRight aria-hidden size={20} />
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
