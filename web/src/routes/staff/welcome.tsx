import "@/styles/manage.css";
import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { Invitations } from "@/features/manage/welcome/invitations";
import { OpenClinic } from "@/features/manage/welcome/open-clinic";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";

/** How work at a clinic begins: by an invitation, or with a clinic of one's own. */
export function Component() {
  const { t } = useTranslation(["manage", "workplace"]);
  return (
    <SignedInOnly>
      {({ user }) => (
        <Page
          title={t("welcome.title")}
          lead={t("workplace:staff.no_clinic")}
          isNarrow
        >
          <Invitations email={user.email ?? ""} />
          <OpenClinic />
        </Page>
      )}
    </SignedInOnly>
  );
}
