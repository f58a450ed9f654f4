import type { Session } from "@supabase/supabase-js";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { useSession } from "@/lib/session";
import { SignInForm } from "./sign-in-form";

/** Asks visitors to sign in, in the place of the page they wanted, which then appears. */
export function SignedInOnly(
  { children }: { children: (session: Session) => ReactNode },
) {
  const { t } = useTranslation();
  const session = useSession();
  if (session) return children(session);
  return (
    <Page title={t("sign_in.title")} lead={t("sign_in.lead")} isNarrow>
      <div className="card card-form">
        <SignInForm />
      </div>
    </Page>
  );
}
