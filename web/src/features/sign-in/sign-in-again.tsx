import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Dialog } from "@/components/dialog";
import { paths } from "@/config/paths";
import { waitForSignIn } from "@/lib/supabase";
import { SignInForm } from "./sign-in-form";

/** Over a page whose session has ended; it goes by itself once somebody has signed in. */
export function SignInAgain({ email }: { email: string | undefined }) {
  const { t } = useTranslation();
  useEffect(waitForSignIn, []);
  return (
    // Escape does not close it: nothing below would work.
    <Dialog title={t("sign_in.title")} isOpen onClose={() => undefined}>
      <p>{t("errors.not_signed_in")}</p>
      <SignInForm email={email} />
      <p className="after">
        <Link to={paths.home}>{t("problem.home")}</Link>
      </p>
    </Dialog>
  );
}
