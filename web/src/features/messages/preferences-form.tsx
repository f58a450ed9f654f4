import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import { Switch } from "@/components/switch";
import type { KnownRecord } from "../account/known-records";
import { MessageLanguage } from "./message-language";
import { type Preferences, savePreferences } from "./preferences";

interface PreferencesFormProps {
  record: KnownRecord;
  saved: Preferences;
}

/** Language, quiet hours, and which messages one can do without, of one record. */
export function PreferencesForm({ record, saved }: PreferencesFormProps) {
  const { t } = useTranslation(["patient", "common"]);
  const queries = useQueryClient();
  const [wish, setWish] = useState(saved);
  const [isChecked, setChecked] = useState(false);
  const change = (part: Partial<Preferences>) => setWish((before) => ({ ...before, ...part }));
  const save = useMutation({
    mutationFn: () => savePreferences(record, wish),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["preferences"] }),
  });
  const isHalf = Boolean(wish.quiet_from) !== Boolean(wish.quiet_until);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (!isHalf && !save.isPending) save.mutate();
  };
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <p className="record-head">
        <strong>{record.full_name}</strong>
        <span className="muted">{record.clinic.name}</span>
      </p>
      <MessageLanguage
        tag={wish.language}
        otherwise={t("messages.language_of_record")}
        onChange={(language) => change({ language })}
      />
      <Switch
        label={t("messages.reminders")}
        hint={t("messages.reminders_hint")}
        isOn={wish.reminders}
        onChange={(reminders) => change({ reminders })}
      />
      <Switch
        label={t("messages.follow_ups")}
        hint={t("messages.follow_ups_hint")}
        isOn={wish.follow_ups}
        onChange={(follow_ups) => change({ follow_ups })}
      />
      <fieldset>
        <legend>{t("messages.quiet")}</legend>
        <p className="field-hint">{t("messages.quiet_hint")}</p>
        <div className="pair">
          <Field
            label={t("messages.quiet_from")}
            type="time"
            value={wish.quiet_from?.slice(0, 5) ?? ""}
            error={isChecked && isHalf && !wish.quiet_from ? t("messages.quiet_both") : undefined}
            onChange={(event) => change({ quiet_from: event.target.value || null })}
          />
          <Field
            label={t("messages.quiet_until")}
            type="time"
            value={wish.quiet_until?.slice(0, 5) ?? ""}
            error={isChecked && isHalf && !wish.quiet_until ? t("messages.quiet_both") : undefined}
            onChange={(event) => change({ quiet_until: event.target.value || null })}
          />
        </div>
      </fieldset>
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
