import { useSuspenseQueries } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { Page } from "@/components/page";
import { paths } from "@/config/paths";
import { resourcesQuery, servicesQuery } from "@/features/manage/services/get-services";
import { ServiceForm } from "@/features/manage/services/service-form";
import { useWorkplace } from "@/features/workplace/workplace";
import { Refusal } from "@/lib/errors";

export function Component() {
  const { t } = useTranslation("manage");
  const { serviceId } = useParams();
  const { clinicId } = useWorkplace();
  const [{ data: services }, { data: resources }] = useSuspenseQueries({
    queries: [servicesQuery(clinicId), resourcesQuery(clinicId)],
  });
  const service = services.find(({ id }) => id === serviceId);
  if (!service && serviceId !== "new") throw new Refusal("not_found");
  return (
    <Page
      title={service?.name ?? t("services.add")}
      back={{
        to: paths.staff(clinicId, "manage/services"),
        label: t("pages.services"),
      }}
    >
      <ServiceForm
        key={service?.id ?? "new"}
        service={service}
        resources={resources}
      />
    </Page>
  );
}
