import { useState } from "react";
import { useTranslation } from "react-i18next";
import { DependantForm } from "./dependant-form";
import type { PatientRecord } from "./patient-records";

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
