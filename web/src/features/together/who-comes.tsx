import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice } from "@/components/field";
import { PersonMark } from "@/components/person-mark";
import { DependantForm } from "../booking/dependant-form";
import type { PatientRecord } from "../booking/patient-records";
import type { Clinic } from "../clinics/get-clinic";

/** The service that each person comes for, by the person's record; nobody else comes. */
export type Chosen = Record<string, string>;

interface WhoComesProps {
  clinic: Clinic;
  records: PatientRecord[];
  userId: string;
  chosen: Chosen;
  onChange: (chosen: Chosen) => void;
}

/** Who comes, and what for; a child can be added on the way. */
export function WhoComes(
  { clinic, records, userId, chosen, onChange }: WhoComesProps,
) {
  const { t } = useTranslation(["patient", "common"]);
  const [isAdding, setAdding] = useState(false);
  return (
    <section aria-labelledby="who-comes">
      <h2 id="who-comes">{t("together.who")}</h2>
      <ul className="cards">
        {records.map((record) => (
          <li className="card who-comes" key={record.id}>
            <PersonMark name={record.full_name} />
            <span className="card-body">
              <strong>{record.full_name}</strong>
              <span className="muted">
                {record.user_id === userId
                  ? t("common:confirm.me")
                  : t("common:account.in_your_care")}
              </span>
            </span>
            <Choice
              label={t("together.what_for", { name: record.full_name })}
              isLabelHidden
              value={chosen[record.id] ?? ""}
              options={[
                { value: "", label: t("together.not_coming") },
                ...clinic.services.map(({ id, name }) => ({
                  value: id,
                  label: name,
                })),
              ]}
              onChange={(serviceId) => onChange({ ...chosen, [record.id]: serviceId })}
            />
          </li>
        ))}
      </ul>
      {isAdding
        ? (
          <DependantForm
            clinicId={clinic.id}
            onAdded={() => setAdding(false)}
          />
        )
        : (
          <div className="actions">
            <Button onClick={() => setAdding(true)}>
              {t("family.add_child")}
            </Button>
          </div>
        )}
    </section>
  );
}
