import "@/styles/account.css";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, Outlet, useNavigate, useOutletContext } from "react-router";
import { Button } from "@/components/button";
import { LinkRow } from "@/components/link-row";
import { Page, PageLoading } from "@/components/page";
import { paths } from "@/config/paths";
import { signOut } from "@/features/sign-in/sign-in";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";

const PAGES = ["records", "family", "messages", "calendar", "privacy"] as const;

export interface AccountOwner {
  userId: string;
  email: string;
}

/** The frame of the account's pages: who is signed in, what there is, and the way out. */
export function Component() {
  return (
    <SignedInOnly>
      {({ user }) => <Account owner={{ userId: user.id, email: user.email ?? "" }} />}
    </SignedInOnly>
  );
}

function Account({ owner }: { owner: AccountOwner }) {
  const { t } = useTranslation(["common", "patient"]);
  const navigate = useNavigate();
  return (
    <Page
      title={t("account.title")}
      lead={t("confirm.signed_in_as", { email: owner.email })}
    >
      <div className="account">
        <LinkRow className="tabs account-menu" label={t("patient:me.nav")}>
          {PAGES.map((name) => (
            <NavLink key={name} end to={paths.accountPage(name)}>
              {t(`patient:me.${name}`)}
            </NavLink>
          ))}
        </LinkRow>
        <div className="account-page">
          <Suspense fallback={<PageLoading />}>
            <Outlet context={owner} />
          </Suspense>
        </div>
      </div>
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

/** Who is signed in; only below `/account`. */
export function useAccountOwner(): AccountOwner {
  return useOutletContext<AccountOwner>();
}
