import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { LanguageField } from "@/components/language-field";
import { ErrorNotice } from "@/components/notice";
import { type Contacts, correctPatient, openPatientQuery } from "./patient-card-data";

interface PatientContactsFormProps {
  clinicId: string;
  person: {
    id: string;
    full_name: string;
    phone: string | null;
    email: string | null;
    date_of_birth: string | null;
    locale: string;
  };
  onDone: () => void;
}

/** Corrects name and contacts; what was changed is on record, the old and new text is not. */
export function PatientContactsForm({ clinicId, person, onDone }: PatientContactsFormProps) {
  const { t } = useTranslation("desk");
  const queries = useQueryClient();
  const [given, setGiven] = useState<Contacts>({
    full_name: person.full_name,
    phone: person.phone ?? "",
    email: person.email ?? "",
    date_of_birth: person.date_of_birth ?? "",
    locale: person.locale,
  });
  const correct = useMutation({
    mutationFn: () => correctPatient(person.id, given),
    onSuccess: async () => {
      await Promise.all([
        queries.invalidateQueries({ queryKey: openPatientQuery(person.id).queryKey }),
        queries.invalidateQueries({ queryKey: ["patient", clinicId, person.id] }),
      ]);
      onDone();
    },
  });
  const field = (key: keyof Contacts) => ({
    value: given[key],
    onChange: ({ target }: { target: HTMLInputElement }) =>
      setGiven((before) => ({ ...before, [key]: target.value })),
  });
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (given.full_name.trim() && !correct.isPending) correct.mutate();
      }}
    >
      <Field label={t("patient.name")} required maxLength={200} {...field("full_name")} />
      <Field label={t("patient.phone")} type="tel" maxLength={50} {...field("phone")} />
      <Field label={t("patient.email")} type="email" {...field("email")} />
      <Field label={t("patient.born")} type="date" {...field("date_of_birth")} />
      <LanguageField
        label={t("patient.language")}
        value={given.locale}
        onChange={(locale) => setGiven((before) => ({ ...before, locale }))}
      />
      <ErrorNotice error={correct.error} />
      <div className="actions">
        <Button type="submit" look="primary" isBusy={correct.isPending}>{t("patient.save")}</Button>
        <Button onClick={onDone}>{t("sheet.cancel")}</Button>
      </div>
    </form>
  );
}
