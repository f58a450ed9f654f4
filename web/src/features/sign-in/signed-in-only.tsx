import type { Session } from "@supabase/supabase-js";
import { Fragment, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { useEndedSession, useSession } from "@/lib/session";
import { SignInAgain } from "./sign-in-again";
import { SignInForm } from "./sign-in-form";

interface SignedInOnlyProps {
  children: (session: Session) => ReactNode;
  /** What visitors see instead; left out, a page to sign in. */
  visitors?: ReactNode;
}

/**
 * Asks visitors to sign in, in the place of what they wanted, which then appears. Where a session
 * ends by itself, the page stays as it is under the question, with all that was typed.
 */
export function SignedInOnly(
  { children, visitors = <SignInPage /> }: SignedInOnlyProps,
) {
  const session = useSession();
  const ended = useEndedSession();
  const [shown, setShown] = useState(session);
  if (session && session !== shown) setShown(session);
  const seen = session ?? (ended?.user.id === shown?.user.id ? ended : null);
  if (!seen) return visitors;
  return (
    <>
      <Fragment key={seen.user.id}>{children(seen)}</Fragment>
      {!session && <SignInAgain email={seen.user.email} />}
    </>
  );
}

function SignInPage() {
  const { t } = useTranslation();
  return (
    <Page title={t("sign_in.title")} lead={t("sign_in.lead")} isNarrow>
      <div className="card card-form">
        <SignInForm />
      </div>
    </Page>
  );
}
