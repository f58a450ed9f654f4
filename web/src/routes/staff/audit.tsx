import "@/styles/manage.css";
import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { AuditList } from "@/features/audit/audit-list";

export function Component() {
  const { t } = useTranslation("manage");
  return (
    <Page title={t("audit.title")} lead={t("audit.lead")}>
      <AuditList />
    </Page>
  );
}
