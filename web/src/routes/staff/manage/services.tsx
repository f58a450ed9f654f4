import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { ServiceList } from "@/features/manage/services/service-list";

export function Component() {
  const { t } = useTranslation("manage");
  return (
    <Page title={t("pages.services")} lead={t("services.lead")}>
      <ServiceList />
    </Page>
  );
}
