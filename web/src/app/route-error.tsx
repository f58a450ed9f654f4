import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent } from "react";
import { useTranslation } from "react-i18next";
import { isRouteErrorResponse, Link, useRouteError } from "react-router";
import { Button } from "@/components/button";
import { Notice } from "@/components/notice";
import { Page } from "@/components/page";
import { paths } from "@/config/paths";
import { keyOf, Refusal } from "@/lib/errors";

/** What one may not see and what does not exist look the same; all else offers to try again. */
export function RouteError() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const error = useRouteError();
  const key = isRouteErrorResponse(error) && error.status === 404
    ? keyOf(new Refusal("not_found"))
    : keyOf(error);
  const tryAgain = () => {
    queries.clear();
    location.reload();
  };
  const reconnected = useEffectEvent(() => {
    if (key === "connection_lost") tryAgain();
  });
  useEffect(() => {
    addEventListener("online", reconnected);
    return () => removeEventListener("online", reconnected);
  }, []);
  if (key === "not_found" || key === "not_allowed" || key === "invalid_input") {
    return <NotFound />;
  }

  return (
    <Page title={t("problem.title")} isNarrow>
      <Notice kind="bad">{t(`errors.${key}`)}</Notice>
      <div className="actions">
        <Button look="primary" onClick={tryAgain}>{t("app.retry")}</Button>
        <Link className="button button-quiet" to={paths.home}>
          {t("problem.home")}
        </Link>
      </div>
    </Page>
  );
}

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Page
      title={t("problem.not_found_title")}
      lead={t("problem.not_found_lead")}
      isNarrow
    >
      <div className="actions">
        <Link className="button button-primary" to={paths.home}>
          {t("problem.home")}
        </Link>
        <Link className="button button-quiet" to={paths.signIn()}>
          {t("app.sign_in")}
        </Link>
      </div>
    </Page>
  );
}
