import { CircleAlert, CircleCheck, Info } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { keyOf } from "@/lib/errors";

interface NoticeProps {
  kind?: "info" | "good" | "bad";
  children: ReactNode;
}

/** A sentence that screen readers say when it appears. */
export function Notice({ kind = "info", children }: NoticeProps) {
  const Icon = { info: Info, good: CircleCheck, bad: CircleAlert }[kind];
  return (
    <div
      className={`notice notice-${kind}`}
      role={kind === "bad" ? "alert" : "status"}
    >
      <Icon aria-hidden size={20} />
      <div>{children}</div>
    </div>
  );
}

/** The one way errors are told: by their key's words. */
export function ErrorNotice(
  { error, children }: { error: unknown; children?: ReactNode },
) {
  const { t } = useTranslation();
  if (!error) return null;
  return (
    <Notice kind="bad">
      <p>{t(`errors.${keyOf(error)}`)}</p>
      {children}
    </Notice>
  );
}
