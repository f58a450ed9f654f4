import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { type PatientRecord, recordsQuery, registerDependant } from "./patient-records";

/** A child's record, with whoever fills this in as guardian. */
export function DependantForm(
  { clinicId, onAdded }: {
    clinicId: string;
    onAdded: (record: PatientRecord) => void;
  },
) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [born, setBorn] = useState("");
  const [isChecked, setChecked] = useState(false);
  const add = useMutation({
    mutationFn: () => registerDependant(clinicId, name.trim(), born),
    onSuccess: async (record) => {
      await queries.invalidateQueries({ queryKey: recordsQuery.queryKey });
      onAdded(record);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (name.trim() && born && !add.isPending) add.mutate();
  };
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <h2>{t("confirm.dependant_title")}</h2>
      <Field
        label={t("confirm.dependant_name")}
        value={name}
        maxLength={200}
        error={isChecked && !name.trim() ? t("fields.required") : undefined}
        onChange={(event) => setName(event.target.value)}
      />
      <Field
        label={t("confirm.dependant_born")}
        type="date"
        value={born}
        error={isChecked && !born ? t("fields.date") : undefined}
        onChange={(event) => setBorn(event.target.value)}
      />
      <ErrorNotice error={add.error} />
      <div className="actions">
        <Button type="submit" look="primary" isBusy={add.isPending}>
          {t("confirm.dependant_add")}
        </Button>
      </div>
    </form>
  );
}
