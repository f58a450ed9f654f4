import { useTranslation } from "react-i18next";
import { Navigate, useSearchParams } from "react-router";
import { Page } from "@/components/page";
import { SignInForm } from "@/features/sign-in/sign-in-form";
import { insideOnly } from "@/lib/addresses";
import { useSession } from "@/lib/session";

export function Component() {
  const { t } = useTranslation();
  const session = useSession();
  const [search] = useSearchParams();
  if (session) return <Navigate to={insideOnly(search.get("next"))} replace />;
  return (
    <Page title={t("sign_in.title")} lead={t("sign_in.lead")} isNarrow>
      <div className="card card-form">
        <SignInForm />
      </div>
    </Page>
  );
}
