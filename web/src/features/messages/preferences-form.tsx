import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "@/components/field";
import { Switch } from "@/components/switch";
import type { KnownRecord } from "../account/known-records";
import { MessageLanguage } from "./message-language";
import { type Preferences, savePreferences } from "./preferences";
import { WishesForm } from "./wishes-form";

interface PreferencesFormProps {
  record: KnownRecord;
  saved: Preferences;
}

/** Language, quiet hours, and which messages one can do without, of one record. */
export function PreferencesForm({ record, saved }: PreferencesFormProps) {
  const { t } = useTranslation("patient");
  const [wish, setWish] = useState(saved);
  const [isChecked, setChecked] = useState(false);
  const change = (part: Partial<Preferences>) => setWish((before) => ({ ...before, ...part }));
  const isHalf = Boolean(wish.quiet_from) !== Boolean(wish.quiet_until);
  return (
    <WishesForm
      name={record.full_name}
      about={record.clinic.name}
      save={() => savePreferences(record, wish)}
      isComplete={() => {
        setChecked(true);
        return !isHalf;
      }}
    >
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
    </WishesForm>
  );
}
