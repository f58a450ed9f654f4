import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { ErrorNotice, Notice } from "@/components/notice";
import { BrokenRule } from "./saved";

interface ConfirmProps {
  /** What the button says, here and in the question. */
  label: string;
  ariaLabel?: string;
  title: string;
  children: ReactNode;
  /** Rejecting keeps the question open and tells why. */
  act: () => Promise<unknown>;
}

/** A button for what is not easily taken back: asks first. */
export function Confirm(
  { label, ariaLabel, title, children, act }: ConfirmProps,
) {
  const { t } = useTranslation("manage");
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const agree = () => {
    setBusy(true);
    setError(null);
    act().then(() => setOpen(false), setError).finally(() => setBusy(false));
  };
  return (
    <>
      <Button
        look="danger"
        aria-label={ariaLabel}
        onClick={() => setOpen(true)}
      >
        {label}
      </Button>
      <Dialog title={title} isOpen={isOpen} onClose={() => setOpen(false)}>
        {children}
        {error instanceof BrokenRule
          ? <Notice kind="bad">{t("mistake.in_use")}</Notice>
          : <ErrorNotice error={error} />}
        <div className="actions">
          <Button look="danger" isBusy={isBusy} onClick={agree}>{label}</Button>
          <Button onClick={() => setOpen(false)}>{t("form.back")}</Button>
        </div>
      </Dialog>
    </>
  );
}
