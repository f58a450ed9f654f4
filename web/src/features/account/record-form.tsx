import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { LanguageField } from "@/components/language-field";
import { ErrorNotice, Notice } from "@/components/notice";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import { recordsQuery } from "../booking/patient-records";
import type { KnownRecord } from "./known-records";

/** Corrects name, phone and the language of mails of one record. */
export function RecordForm({ record }: { record: KnownRecord }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState(record.full_name);
  const [phone, setPhone] = useState(record.phone ?? "");
  const [locale, setLocale] = useState(record.locale);
  const save = useMutation({
    mutationFn: async () =>
      rowsOf(
        await supabase()
          .from("patients")
          .update({
            full_name: name.trim(),
            phone: phone.trim() || null,
            locale,
          })
          .eq("id", record.id)
          .select("id"),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: recordsQuery.queryKey }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() && !save.isPending) save.mutate();
  };
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <p className="record-head">
        <strong>{record.clinic.name}</strong>
        {!record.isOwn && <span className="tag">{t("account.in_your_care")}</span>}
      </p>
      <Field
        label={t("account.name")}
        value={name}
        maxLength={200}
        error={name.trim() ? undefined : t("fields.required")}
        onChange={(event) => setName(event.target.value)}
      />
      <div className="pair">
        <Field
          label={`${t("account.phone")} (${t("app.optional")})`}
          type="tel"
          autoComplete="tel"
          maxLength={50}
          value={phone}
          onChange={(event) => setPhone(event.target.value)}
        />
        <LanguageField
          label={t("account.mail_language")}
          value={locale}
          onChange={setLocale}
        />
      </div>
      <ErrorNotice error={save.error} />
      {save.isSuccess && <Notice kind="good">{t("account.saved")}</Notice>}
      <div className="actions">
        <Button type="submit" look="primary" isBusy={save.isPending}>
          {t("account.save")}
        </Button>
      </div>
    </form>
  );
}
