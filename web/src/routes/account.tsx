import { useSuspenseQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Button } from "@/components/button";
import { Page } from "@/components/page";
import { paths } from "@/config/paths";
import { RecordForm } from "@/features/account/record-form";
import { recordsQuery } from "@/features/booking/patient-records";
import { signOut } from "@/features/sign-in/sign-in";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";

export function Component() {
  return (
    <SignedInOnly>
      {({ user }) => <Account email={user.email ?? ""} userId={user.id} />}
    </SignedInOnly>
  );
}

function Account({ email, userId }: { email: string; userId: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { data: records } = useSuspenseQuery(recordsQuery);
  return (
    <Page
      title={t("account.title")}
      lead={t("confirm.signed_in_as", { email })}
      isNarrow
    >
      <section aria-labelledby="records">
        <h2 id="records">{t("account.records")}</h2>
        {records.length === 0 && <p className="muted">{t("account.none")}</p>}
        {records.map((record) => (
          <RecordForm
            key={record.id}
            record={record}
            isOwn={record.user_id === userId}
          />
        ))}
      </section>
      <div className="actions">
        <Button
          onClick={async () => {
            await signOut();
            await navigate(paths.home);
          }}
        >
          {t("app.sign_out")}
        </Button>
      </div>
    </Page>
  );
}
