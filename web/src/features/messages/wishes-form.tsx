import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { ErrorNotice, Notice } from "@/components/notice";

interface WishesFormProps {
  name: string;
  about: string;
  children: ReactNode;
  save: () => Promise<void>;
  /** Asked when the form is sent; false: something is missing, and the fields say what. */
  isComplete?: () => boolean;
}

/** The frame of what somebody wants of messages: who is meant, the wishes, and what became of saving. */
export function WishesForm({ name, about, children, save, isComplete }: WishesFormProps) {
  const { t } = useTranslation("common");
  const queries = useQueryClient();
  const saving = useMutation({
    mutationFn: save,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["preferences"] }),
  });
  return (
    <form
      className="form card card-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if ((isComplete?.() ?? true) && !saving.isPending) saving.mutate();
      }}
    >
      <p className="record-head">
        <strong>{name}</strong>
        <span className="muted">{about}</span>
      </p>
      {children}
      <ErrorNotice error={saving.error} />
      {saving.isSuccess && <Notice kind="good">{t("account.saved")}</Notice>}
      <div className="actions">
        <Button type="submit" look="primary" isBusy={saving.isPending}>
          {t("account.save")}
        </Button>
      </div>
    </form>
  );
}
