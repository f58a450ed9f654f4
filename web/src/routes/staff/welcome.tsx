import "@/styles/manage.css";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { Invitations } from "@/features/manage/welcome/invitations";
import { OpenClinic } from "@/features/manage/welcome/open-clinic";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";
import { membershipsQuery } from "@/features/workplace/memberships";

/** How work at a clinic begins: by an invitation, or with a clinic of one's own. */
export function Component() {
  return (
    <SignedInOnly>
      {({ user }) => <Welcome userId={user.id} email={user.email ?? ""} />}
    </SignedInOnly>
  );
}

function Welcome({ userId, email }: { userId: string; email: string }) {
  const { t } = useTranslation(["manage", "workplace"]);
  const { data: memberships } = useSuspenseQuery(membershipsQuery(userId));
  return (
    <Page
      title={t("welcome.title")}
      lead={memberships.length === 0 && t("workplace:staff.no_clinic")}
      isNarrow
    >
      <Invitations email={email} />
      <OpenClinic />
    </Page>
  );
}
