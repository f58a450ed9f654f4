import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { type PatientRecord, recordsQuery, registerDependant } from "./patient-records";

interface PatientChoiceProps {
  clinicId: string;
  userId: string;
  records: PatientRecord[];
  chosenId: string;
  isBusy: boolean;
  onChoose: (patientId: string) => void;
}

/** For oneself, or for a child one cares for; a child can be added on the way. */
export function PatientChoice(
  { clinicId, userId, records, chosenId, isBusy, onChoose }: PatientChoiceProps,
) {
  const { t } = useTranslation();
  const [isAdding, setAdding] = useState(false);
  return (
    <div className="patient-choice">
      <fieldset disabled={isBusy}>
        <legend>{t("confirm.for_whom")}</legend>
        <div className="people-choice">
          {records.map((record) => (
            <label key={record.id}>
              <input
                type="radio"
                name="patient"
                checked={!isAdding && record.id === chosenId}
                onChange={() => {
                  setAdding(false);
                  if (record.id !== chosenId) onChoose(record.id);
                }}
              />
              <span>
                <strong>{record.full_name}</strong>
                <span className="muted">
                  {record.user_id === userId ? t("confirm.me") : t("account.in_your_care")}
                </span>
              </span>
            </label>
          ))}
          <label>
            <input
              type="radio"
              name="patient"
              checked={isAdding}
              onChange={() => setAdding(true)}
            />
            <span>
              <strong>{t("confirm.someone_else")}</strong>
            </span>
          </label>
        </div>
      </fieldset>
      {isAdding && (
        <DependantForm
          clinicId={clinicId}
          onAdded={(record) => {
            setAdding(false);
            onChoose(record.id);
          }}
        />
      )}
    </div>
  );
}

function DependantForm(
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
    <form className="form card" onSubmit={submit} noValidate>
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
