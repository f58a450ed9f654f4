import "@/styles/manage.css";
import "@/styles/numbers.css";
import { useTranslation } from "react-i18next";
import { NotFound } from "@/app/route-error";
import { Page } from "@/components/page";
import { NumbersBoard } from "@/features/numbers/numbers-board";
import { useWorkplace } from "@/features/workplace/workplace";

export function Component() {
  const { t } = useTranslation("manage");
  const { role } = useWorkplace();
  if (role !== "owner" && role !== "manager") return <NotFound />;
  return (
    <Page title={t("numbers.title")} lead={t("numbers.lead")}>
      <NumbersBoard />
    </Page>
  );
}
