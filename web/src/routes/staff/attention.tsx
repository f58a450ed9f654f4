import "@/styles/day.css";
import "@/styles/desk.css";
import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { AttentionList } from "@/features/desk/attention-list";
import { useWorkplace } from "@/features/workplace/workplace";

export function Component() {
  const { t } = useTranslation("desk");
  const workplace = useWorkplace();
  return (
    <Page title={t("attention.title")} lead={t("attention.lead")}>
      <AttentionList {...workplace} />
    </Page>
  );
}
