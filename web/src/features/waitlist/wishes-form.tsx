import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Button } from "@/components/button";
import { Choice, Field, Segments } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import { paths } from "@/config/paths";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import { dayOf, formatter } from "@/lib/zoned-time";
import { usePatientRecords } from "../booking/use-patient";
import { type Clinic, offeredBy, type Service } from "../clinics/get-clinic";
import { joinWaitlist } from "./waiting";

const PARTS = {
  any: ["00:00", "24:00"],
  morning: ["00:00", "12:00"],
  afternoon: ["12:00", "17:00"],
  evening: ["17:00", "24:00"],
} as const;

interface WishesFormProps {
  clinic: Clinic;
  service: Service;
  userId: string;
  /** As typed while signing up; empty for those the clinic knows. */
  name: string;
}

/** When a freed time would suit somebody, and for whom it is. */
export function WishesForm({ clinic, service, userId, name }: WishesFormProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const patients = usePatientRecords(clinic.id, userId, name);
  const [givenName, setGivenName] = useState("");
  const [patientId, setPatientId] = useState("");
  const [providerId, setProviderId] = useState("");
  const [part, setPart] = useState<keyof typeof PARTS>("any");
  const [earliest, setEarliest] = useState("");
  const [latest, setLatest] = useState("");
  const [weekdays, setWeekdays] = useState<number[]>([]);
  const patient = patients.records?.find(({ id }) => id === patientId) ??
    patients.records?.[0];
  const isOutOfOrder = Boolean(earliest && latest && latest < earliest);
  const join = useMutation({
    mutationFn: () =>
      joinWaitlist({
        serviceId: service.id,
        patientId: patient?.id ?? "",
        providerId: providerId || null,
        placeId: null,
        earliest,
        latest,
        weekdays,
        fromClock: PARTS[part][0],
        toClock: PARTS[part][1],
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["waiting"] }),
  });

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (patients.needsName) patients.register(givenName.trim());
    else if (patient && !isOutOfOrder && !join.isPending) join.mutate();
  };
  if (join.isSuccess) {
    return (
      <>
        <Notice kind="good">{t("wait.joined")}</Notice>
        <div className="actions">
          <Link className="button button-primary" to={paths.visits}>
            {t("visit.all")}
          </Link>
        </div>
      </>
    );
  }
  const today = dayOf(now(), clinic.time_zone);
  return (
    <form className="form" onSubmit={submit}>
      <p className="muted">{t("wait.lead")}</p>
      {patients.needsName && (
        <Field
          label={t("confirm.name")}
          required
          maxLength={200}
          autoComplete="name"
          value={givenName}
          onChange={(event) => setGivenName(event.target.value)}
        />
      )}
      {patients.records && patients.records.length > 1 && (
        <Choice
          label={t("confirm.for_whom")}
          value={patient?.id}
          options={patients.records.map(({ id, full_name }) => ({
            value: id,
            label: full_name,
          }))}
          onChange={setPatientId}
        />
      )}
      <Choice
        label={t("slots.provider")}
        value={providerId}
        options={[
          { value: "", label: t("slots.any_provider") },
          ...offeredBy(clinic.providers, service.id).map((
            { id, full_name },
          ) => ({
            value: id,
            label: full_name,
          })),
        ]}
        onChange={setProviderId}
      />
      <Segments
        label={t("slots.part")}
        value={part}
        options={(Object.keys(PARTS) as (keyof typeof PARTS)[]).map((
          value,
        ) => ({
          value,
          label: t(`slots.part_${value}`),
        }))}
        onChange={(value) => setPart(value as keyof typeof PARTS)}
      />
      <Weekdays chosen={weekdays} onChange={setWeekdays} />
      <div className="pair">
        <Field
          label={`${t("wait.earliest")} (${t("app.optional")})`}
          type="date"
          min={today}
          value={earliest}
          onChange={(event) => setEarliest(event.target.value)}
        />
        <Field
          label={`${t("wait.latest")} (${t("app.optional")})`}
          type="date"
          min={today}
          value={latest}
          error={isOutOfOrder ? t("fields.order") : undefined}
          onChange={(event) => setLatest(event.target.value)}
        />
      </div>
      <ErrorNotice error={join.error ?? patients.error} />
      <div className="actions">
        <Button
          type="submit"
          look="primary"
          isBusy={join.isPending || patients.isRegistering}
        >
          {t("wait.join")}
        </Button>
      </div>
    </form>
  );
}

function Weekdays(
  { chosen, onChange }: {
    chosen: number[];
    onChange: (days: number[]) => void;
  },
) {
  const { t } = useTranslation();
  const language = useLanguage();
  return (
    <fieldset className="segments segments-many">
      <legend>
        {t("wait.weekdays")} <span className="muted">({t("app.optional")})</span>
      </legend>
      <div>
        {[1, 2, 3, 4, 5, 6, 7].map((weekday) => (
          <label key={weekday}>
            <input
              type="checkbox"
              checked={chosen.includes(weekday)}
              onChange={(event) =>
                onChange(
                  event.target.checked
                    ? [...chosen, weekday].sort()
                    : chosen.filter((day) => day !== weekday),
                )}
            />
            <span>
              {/* 1 January 2024 was a Monday. */}
              {formatter(language, "UTC", { weekday: "short" }).format(
                new Date(Date.UTC(2024, 0, weekday)),
              )}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
