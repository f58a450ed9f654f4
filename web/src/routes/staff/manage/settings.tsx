import { useSuspenseQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { ClinicForm, ClinicSwitches } from "@/features/manage/settings/clinic-form";
import { settingsQuery } from "@/features/manage/settings/get-settings";
import { LimitsForm, MessagesForm, WaitingListForm } from "@/features/manage/settings/rules-form";
import { useWorkplace } from "@/features/workplace/workplace";

export function Component() {
  const { t } = useTranslation("manage");
  const { clinicId } = useWorkplace();
  const { data: settings } = useSuspenseQuery(settingsQuery(clinicId));
  return (
    <Page title={t("pages.settings")} lead={t("settings.lead")}>
      <ClinicForm settings={settings} />
      <ClinicSwitches settings={settings} />
      <LimitsForm settings={settings} />
      <MessagesForm settings={settings} />
      <WaitingListForm settings={settings} />
    </Page>
  );
}
