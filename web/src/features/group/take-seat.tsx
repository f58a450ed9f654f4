import type { Session } from "@supabase/supabase-js";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Button } from "@/components/button";
import { ErrorNotice } from "@/components/notice";
import { paths } from "@/config/paths";
import { NameForm } from "../booking/name-form";
import { PatientChoice } from "../booking/patient-choice";
import { usePatientRecords } from "../booking/use-patient";
import { joinSession } from "./sessions";

interface TakeSeatProps {
  clinicId: string;
  sessionId: string;
  session: Session;
  /** As typed while signing up; empty for those the clinic knows. */
  name: string;
}

/** For somebody signed in: who takes the seat, and the seat. */
export function TakeSeat(
  { clinicId, sessionId, session, name }: TakeSeatProps,
) {
  const { t } = useTranslation(["patient", "common"]);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const patients = usePatientRecords(clinicId, session.user.id, name);
  const [chosenId, setChosenId] = useState("");
  const [requestId, setRequestId] = useState(() => crypto.randomUUID());
  const patient = patients.records?.find(({ id }) => id === chosenId) ??
    patients.records?.[0];
  const join = useMutation({
    mutationFn: (patientId: string) => joinSession(sessionId, patientId, requestId),
    onSuccess: (seat) => navigate(`${paths.visit(seat.id)}?new=1`),
    onError: () => void queries.invalidateQueries({ queryKey: ["sessions"] }),
  });
  if (patients.needsName) {
    return (
      <NameForm
        error={patients.error}
        isBusy={patients.isRegistering}
        onName={patients.register}
      />
    );
  }
  if (!patient || !patients.records) {
    return patients.error
      ? <ErrorNotice error={patients.error} />
      : <p role="status">{t("common:app.loading")}</p>;
  }
  return (
    <div className="card card-form">
      <PatientChoice
        clinicId={clinicId}
        userId={session.user.id}
        records={patients.records}
        chosenId={patient.id}
        isBusy={join.isPending}
        onChoose={(id) => {
          setChosenId(id);
          setRequestId(crypto.randomUUID());
        }}
      />
      <ErrorNotice error={join.error} />
      <div className="actions">
        <Button
          look="primary"
          className="button-wide"
          isBusy={join.isPending}
          onClick={() => join.mutate(patient.id)}
        >
          {t("group.take_seat")}
        </Button>
      </div>
    </div>
  );
}
