import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { UserPlus, X } from "lucide-react";
import { useDeferredValue, useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { LanguageField } from "@/components/language-field";
import { ErrorNotice } from "@/components/notice";
import { PersonMark } from "@/components/person-mark";
import { useWorkplace } from "@/features/workplace/workplace";
import { addPatient, type PatientName, patientsNamedQuery } from "./patients";

interface PatientPickerProps {
  clinicId: string;
  value: PatientName | null;
  onChange: (patient: PatientName | null) => void;
}

/** Finds a patient while the name is typed; who is not there yet is added on the spot. */
export function PatientPicker({ clinicId, value, onChange }: PatientPickerProps) {
  const { t } = useTranslation("desk");
  const [typed, setTyped] = useState("");
  const [isNew, setNew] = useState(false);
  if (value) {
    return (
      <div className="chosen-patient">
        <PersonMark name={value.full_name} />
        <strong>{value.full_name}</strong>
        <BirthYear patient={value} />
        <button
          type="button"
          className="icon-button"
          aria-label={t("book.other_patient")}
          onClick={() => onChange(null)}
        >
          <X aria-hidden size={20} />
        </button>
      </div>
    );
  }
  if (isNew) {
    return (
      <NewPatientForm
        clinicId={clinicId}
        name={typed}
        onAdded={onChange}
        onBack={() => setNew(false)}
      />
    );
  }
  return (
    <PatientSearch
      clinicId={clinicId}
      typed={typed}
      onType={setTyped}
      onChoose={onChange}
      onNew={() => setNew(true)}
    />
  );
}

interface PatientSearchProps {
  clinicId: string;
  typed: string;
  onType: (typed: string) => void;
  onChoose: (patient: PatientName) => void;
  onNew?: () => void;
}

/** A search box with its finds below; arrow keys walk through them, Enter takes one. */
export function PatientSearch(
  { clinicId, typed, onType, onChoose, onNew }: PatientSearchProps,
) {
  const { t } = useTranslation("desk");
  const id = useId();
  const [at, setAt] = useState(-1);
  const asked = useSettled(useDeferredValue(typed));
  const found = useQuery({
    ...patientsNamedQuery(clinicId, asked),
    placeholderData: keepPreviousData,
  });
  const isAsked = asked.trim().length >= 2;
  const patients = isAsked ? found.data ?? [] : [];
  const count = patients.length + (onNew && isAsked ? 1 : 0);
  const take = (index: number) => {
    const patient = patients[index];
    if (patient) onChoose(patient);
    else if (index === patients.length) onNew?.();
  };
  return (
    <div className="field patient-search">
      <label htmlFor={id}>{t("book.patient")}</label>
      <input
        id={id}
        type="search"
        role="combobox"
        autoComplete="off"
        aria-expanded={count > 0}
        aria-controls={`${id}-found`}
        aria-autocomplete="list"
        aria-activedescendant={at >= 0 && at < count ? `${id}-${at}` : undefined}
        placeholder={t("book.patient_hint")}
        value={typed}
        onChange={({ target }) => {
          onType(target.value);
          setAt(-1);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt((before) => Math.min(before + 1, count - 1));
          else if (event.key === "ArrowUp") setAt((before) => Math.max(before - 1, 0));
          else if (event.key === "Enter" && count > 0) take(Math.max(at, 0));
          else return;
          event.preventDefault();
        }}
      />
      <ErrorNotice error={found.error} />
      <ul id={`${id}-found`} role="listbox" aria-label={t("book.found")} hidden={count === 0}>
        {patients.map((patient, index) => (
          <li
            key={patient.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => onChoose(patient)}
          >
            <PersonMark name={patient.full_name} />
            {patient.full_name} <BirthYear patient={patient} />
          </li>
        ))}
        {onNew && isAsked && (
          <li
            id={`${id}-${patients.length}`}
            role="option"
            aria-selected={at === patients.length}
            onClick={onNew}
          >
            <UserPlus aria-hidden size={20} />
            {t("book.new_patient_named", { name: typed.trim() })}
          </li>
        )}
      </ul>
      <p className="visually-hidden" role="status">
        {isAsked && found.isSuccess && t("book.found_count", { count: patients.length })}
      </p>
    </div>
  );
}

/** Tells one from another of the same name. */
function BirthYear({ patient: { birth_year } }: { patient: PatientName }) {
  const { t } = useTranslation("desk");
  return birth_year ? <span className="muted">{t("book.born", { year: birth_year })}</span> : null;
}

/** What was typed, once it has not changed for a moment. */
function useSettled(typed: string): string {
  const [settled, setSettled] = useState(typed);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(typed), 200);
    return () => clearTimeout(timer);
  }, [typed]);
  return settled;
}

interface NewPatientFormProps {
  clinicId: string;
  name: string;
  onAdded: (patient: PatientName) => void;
  onBack: () => void;
}

function NewPatientForm({ clinicId, name, onAdded, onBack }: NewPatientFormProps) {
  const { t } = useTranslation(["desk", "common"]);
  const { clinic } = useWorkplace();
  const [given, setGiven] = useState({
    full_name: name.trim(),
    phone: "",
    email: "",
    date_of_birth: "",
    locale: clinic.locale,
  });
  const [isChecked, setChecked] = useState(false);
  const add = useMutation({
    mutationFn: () => addPatient(clinicId, given),
    onSuccess: onAdded,
  });
  const isNamed = given.full_name.trim() !== "";
  const field = (key: keyof typeof given) => ({
    value: given[key],
    onChange: ({ target }: { target: HTMLInputElement }) =>
      setGiven((before) => ({ ...before, [key]: target.value })),
  });
  return (
    <div className="form new-patient">
      <h3>{t("book.new_patient")}</h3>
      <Field
        label={t("patient.name")}
        required
        autoFocus
        maxLength={200}
        error={isChecked && !isNamed ? t("common:fields.required") : undefined}
        {...field("full_name")}
      />
      <div className="pair">
        <Field label={t("patient.born")} type="date" {...field("date_of_birth")} />
        <Field label={t("patient.phone")} type="tel" maxLength={50} {...field("phone")} />
      </div>
      <Field
        label={t("patient.email")}
        type="email"
        hint={t("book.email_hint")}
        {...field("email")}
      />
      <LanguageField
        label={t("patient.language")}
        value={given.locale}
        onChange={(locale) => setGiven((before) => ({ ...before, locale }))}
      />
      <ErrorNotice error={add.error} />
      <div className="actions">
        <Button
          look="primary"
          isBusy={add.isPending}
          onClick={() => {
            setChecked(true);
            if (isNamed) add.mutate();
          }}
        >
          {t("book.add_patient")}
        </Button>
        <Button onClick={onBack}>{t("book.back_to_search")}</Button>
      </div>
    </div>
  );
}
