import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import { MessageLanguage } from "./message-language";
import { type MemberPreferences, saveMemberPreferences } from "./preferences";

const NOTICES = ["new_bookings", "late_cancellations", "daily_agenda"] as const;
const ANSWERS = ["by_role", "true", "false"] as const;

interface MemberPreferencesFormProps {
  member: { clinic_id: string; user_id: string };
  clinicName: string;
  saved: MemberPreferences;
}

/** What somebody who works at a clinic is told of it, and in which language. */
export function MemberPreferencesForm({ member, clinicName, saved }: MemberPreferencesFormProps) {
  const { t } = useTranslation(["patient", "common"]);
  const queries = useQueryClient();
  const [wish, setWish] = useState(saved);
  const change = (part: Partial<MemberPreferences>) =>
    setWish((before) => ({ ...before, ...part }));
  const save = useMutation({
    mutationFn: () => saveMemberPreferences(member, wish),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["preferences"] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!save.isPending) save.mutate();
  };
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <p className="record-head">
        <strong>{clinicName}</strong>
        <span className="muted">{t("messages.you_work_here")}</span>
      </p>
      <MessageLanguage
        tag={wish.language}
        otherwise={t("messages.language_of_clinic")}
        onChange={(language) => change({ language })}
      />
      {NOTICES.map((notice) => (
        <Choice
          key={notice}
          label={t(`messages.${notice}`)}
          value={String(wish[notice] ?? "by_role")}
          options={ANSWERS.map((value) => ({ value, label: t(`messages.told_${value}`) }))}
          onChange={(value) => change({ [notice]: value === "by_role" ? null : value === "true" })}
        />
      ))}
      <ErrorNotice error={save.error} />
      {save.isSuccess && <Notice kind="good">{t("common:account.saved")}</Notice>}
      <div className="actions">
        <Button type="submit" look="primary" isBusy={save.isPending}>
          {t("common:account.save")}
        </Button>
      </div>
    </form>
  );
}
