import { useSuspenseQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { Page } from "@/components/page";
import { paths } from "@/config/paths";
import { clinicQuery, serviceOf } from "@/features/clinics/get-clinic";
import { SlotFinder } from "@/features/slots/slot-finder";
import { choiceOf } from "@/features/slots/slot-grid";

export function Component() {
  const { t } = useTranslation();
  const { slug = "", serviceId = "" } = useParams();
  const navigate = useNavigate();
  const { data: clinic } = useSuspenseQuery(clinicQuery(slug));
  const service = serviceOf(clinic, serviceId);
  return (
    <Page
      title={service.name}
      lead={`${t("slots.title")} · ${t("clinic.minutes", { count: service.duration_minutes })}`}
      back={{ to: paths.clinic(slug), label: clinic.name }}
    >
      <SlotFinder
        clinic={clinic}
        service={service}
        onChoose={(start) => {
          const choice = choiceOf(start);
          if (choice) void navigate(paths.confirm(slug, serviceId, choice));
        }}
      />
      <aside className="card wait-card">
        <span className="card-body">
          <strong>{t("slots.wait_title")}</strong>
          <span className="muted">{t("slots.wait_lead")}</span>
        </span>
        <Link className="button button-quiet" to={paths.wait(slug, serviceId)}>
          {t("slots.wait")}
        </Link>
      </aside>
    </Page>
  );
}
