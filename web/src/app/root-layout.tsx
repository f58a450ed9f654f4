import { CalendarHeart, CircleUser, LayoutList, WifiOff } from "lucide-react";
import { useQuery } from "@tanstack/react-query";
import { Suspense, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link, NavLink, Outlet, ScrollRestoration, useLocation } from "react-router";
import { Notice } from "@/components/notice";
import { PageLoading } from "@/components/page";
import { paths } from "@/config/paths";
import { membershipsQuery } from "@/features/workplace/memberships";
import { isDeviceClockWrong } from "@/lib/clock";
import { useIsOnline } from "@/lib/hooks";
import { useSession } from "@/lib/session";
import { LanguageChoice } from "./language-choice";
import { ThemeChoice } from "./theme-choice";

/** The frame around every page. */
export function RootLayout() {
  const { t } = useTranslation();
  const isOnline = useIsOnline();
  const main = useFocusOnNewPage();
  return (
    <>
      <a className="skip" href="#main">{t("app.skip")}</a>
      <TopBar />
      {!isOnline && (
        <div className="banner" role="status">
          <WifiOff aria-hidden size={18} />
          {t("app.offline")}
        </div>
      )}
      <main id="main" ref={main} tabIndex={-1}>
        {isDeviceClockWrong() && <Notice>{t("app.clock_wrong")}</Notice>}
        <Suspense fallback={<PageLoading />}>
          <Outlet />
        </Suspense>
      </main>
      <footer className="foot">
        <p>{t("app.footer")}</p>
        <div className="foot-choices">
          <LanguageChoice />
          <ThemeChoice />
        </div>
      </footer>
      <ScrollRestoration getKey={placeOf} />
    </>
  );
}

// Every page that is loaded whole has the same key, and is not to begin where another one was left.
function placeOf({ key, pathname }: { key: string; pathname: string }): string {
  return key === "default" ? pathname : key;
}

function TopBar() {
  const { t } = useTranslation();
  const session = useSession();
  const { pathname } = useLocation();
  const { data: memberships = [] } = useQuery(membershipsQuery(session?.user.id));
  return (
    <header className="top">
      <div className="top-inner">
        <Link className="brand" to={paths.home}>
          <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden>
            <rect width="32" height="32" rx="9" fill="currentColor" />
            <path
              d="M9 17.2l4.6 4.6L23.4 11"
              fill="none"
              stroke="var(--surface)"
              strokeWidth="3.4"
              strokeLinecap="round"
              strokeLinejoin="round"
            />
          </svg>
          <span>{t("app.name")}</span>
        </Link>
        <nav className="top-links">
          {session
            ? (
              <>
                {memberships.length > 0 && (
                  <NavLink to={paths.staff()}>
                    <LayoutList aria-hidden size={18} />
                    {t("app.staff")}
                  </NavLink>
                )}
                <NavLink to={paths.visits}>
                  <CalendarHeart aria-hidden size={18} />
                  {t("app.my_visits")}
                </NavLink>
                <NavLink to={paths.account} aria-label={t("app.account")}>
                  <CircleUser aria-hidden size={20} />
                </NavLink>
              </>
            )
            : (
              <NavLink
                to={paths.signIn(
                  pathname === paths.home ? undefined : pathname,
                )}
              >
                {t("app.sign_in")}
              </NavLink>
            )}
        </nav>
      </div>
    </header>
  );
}

/** After a link, reading goes on at the new page's beginning, as after a full load. */
function useFocusOnNewPage() {
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    main.current?.focus({ preventScroll: true });
  }, [pathname]);
  return main;
}
