import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { ErrorNotice } from "@/components/notice";

/** Asks somebody whom the clinic does not know yet for their name. */
export function NameForm(
  { error, isBusy, onName }: {
    error: unknown;
    isBusy: boolean;
    onName: (name: string) => void;
  },
) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [isChecked, setChecked] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (name.trim() && !isBusy) onName(name.trim());
  };
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <h2>{t("confirm.who")}</h2>
      <Field
        label={t("confirm.name")}
        name="name"
        autoComplete="name"
        maxLength={200}
        value={name}
        error={isChecked && !name.trim() ? t("fields.required") : undefined}
        onChange={(event) => setName(event.target.value)}
      />
      <ErrorNotice error={error} />
      <div className="actions">
        <Button type="submit" look="primary" isBusy={isBusy}>
          {t("confirm.verify")}
        </Button>
      </div>
    </form>
  );
}
