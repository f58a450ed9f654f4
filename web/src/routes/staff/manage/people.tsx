import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { InvitationList } from "@/features/manage/staff/invitation-list";
import { InviteForm } from "@/features/manage/staff/invite-form";
import { StaffList } from "@/features/manage/staff/staff-list";
import { useWorkplace } from "@/features/workplace/workplace";

export function Component() {
  const { t } = useTranslation("manage");
  const { clinicId, zone, role } = useWorkplace();
  return (
    <Page title={t("pages.people")} lead={t("people.lead")}>
      <StaffList />
      <InvitationList clinicId={clinicId} zone={zone} />
      <InviteForm clinicId={clinicId} role={role} />
    </Page>
  );
}
