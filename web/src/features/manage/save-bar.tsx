import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { ErrorNotice, Notice } from "@/components/notice";

interface SaveBarProps {
  saving: { isPending: boolean; isSuccess: boolean; error: unknown };
  label?: string;
  children?: ReactNode;
}

/** The end of a form: what became of it, and the buttons. */
export function SaveBar({ saving, label, children }: SaveBarProps) {
  const { t } = useTranslation("manage");
  return (
    <>
      <ErrorNotice error={saving.error} />
      {saving.isSuccess && <Notice kind="good">{t("form.saved")}</Notice>}
      <div className="actions">
        <Button type="submit" look="primary" isBusy={saving.isPending}>
          {label ?? t("form.save")}
        </Button>
        {children}
      </div>
    </>
  );
}
