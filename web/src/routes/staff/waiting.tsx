import "@/styles/day.css";
import "@/styles/desk.css";
import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { WaitingBoard } from "@/features/desk/waiting-board";
import { useWorkplace } from "@/features/workplace/workplace";

export function Component() {
  const { t } = useTranslation("desk");
  const workplace = useWorkplace();
  return (
    <Page title={t("waiting.title")} lead={t("waiting.lead")}>
      <WaitingBoard {...workplace} />
    </Page>
  );
}
