import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { ErrorNotice } from "@/components/notice";
import { keyOf, Refusal } from "@/lib/errors";

/** Instead of a blank page, when not even the configuration can be had. */
export function StartFailed({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const told = keyOf(error) === "unexpected" ? new Refusal("unavailable") : error;
  return (
    <main className="page page-narrow">
      <h1>{t("problem.title")}</h1>
      <ErrorNotice error={told}>
        <Button onClick={() => location.reload()}>{t("app.retry")}</Button>
      </ErrorNotice>
    </main>
  );
}
