import type { Session } from "@supabase/supabase-js";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useId } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { Button } from "@/components/button";
import { Countdown } from "@/components/countdown";
import { ErrorNotice, Notice } from "@/components/notice";
import { paths } from "@/config/paths";
import { keyOf } from "@/lib/errors";
import { useSecondsUntil } from "@/lib/hooks";
import type { Row } from "@/lib/supabase";
import type { Clinic } from "../clinics/get-clinic";
import { Alternatives } from "./alternatives";
import { bookHeldSlot } from "./book-held-slot";
import type { BookingDraft } from "./booking-draft";
import { giveBack, holdSlot, type WantedSlot } from "./hold-slot";
import { NameForm } from "./name-form";
import { PatientChoice } from "./patient-choice";
import type { PatientRecord } from "./patient-records";
import { usePatientRecords } from "./use-patient";

export type Hold = Row<"appointments">;

interface HoldAndBookProps {
  clinic: Clinic;
  wanted: WantedSlot;
  zone: string;
  session: Session;
  typed: BookingDraft;
  onType: (part: Partial<BookingDraft>) => void;
  onHold: (hold: Hold | null) => void;
  onBooked: () => void;
}

/** For somebody signed in: a record in the clinic if there is none, then the hold and the booking. */
export function HoldAndBook(props: HoldAndBookProps) {
  const { t } = useTranslation();
  const { clinic, session, typed } = props;
  const patients = usePatientRecords(clinic.id, session.user.id, typed.name);
  if (patients.needsName) {
    return (
      <NameForm
        error={patients.error}
        isBusy={patients.isRegistering}
        onName={patients.register}
      />
    );
  }
  const chosen = patients.records?.find(({ id }) => id === typed.patientId) ??
    patients.records?.[0];
  if (!patients.records || !chosen) {
    return patients.error
      ? <ErrorNotice error={patients.error} />
      : <p role="status">{t("confirm.keeping")}</p>;
  }
  return <HeldBooking {...props} records={patients.records} patient={chosen} />;
}

type HeldBookingProps = HoldAndBookProps & {
  records: PatientRecord[];
  patient: PatientRecord;
};

function HeldBooking(
  {
    clinic,
    wanted,
    zone,
    session,
    typed,
    onType,
    onHold,
    onBooked,
    records,
    patient,
  }: HeldBookingProps,
) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const hold = useQuery({
    queryKey: ["hold", typed.holdRequest, patient.id],
    queryFn: () => holdSlot(wanted, patient.id, typed.holdRequest),
    staleTime: Infinity,
    gcTime: 0,
    meta: { isPersonal: true },
  });
  useEffect(() => onHold(hold.data ?? null), [hold.data, onHold]);

  const keepAgain = () =>
    onType({
      holdRequest: crypto.randomUUID(),
      bookRequest: crypto.randomUUID(),
    });
  const change = useMutation({
    mutationFn: async (patientId: string) => {
      if (hold.data) await giveBack(hold.data.id);
      return patientId;
    },
    onSuccess: (patientId) => {
      onType({ patientId });
      keepAgain();
    },
  });
  const book = useMutation({
    mutationFn: (held: Hold) => bookHeldSlot(held, typed.reason, typed.bookRequest),
    onSuccess: (visit) => {
      onBooked();
      void queries.invalidateQueries({ queryKey: ["visits"] });
      void navigate(`${paths.visit(visit.id)}?new=1`, { replace: true });
    },
  });
  const seconds = useSecondsUntil(hold.data?.hold_expires_at ?? null);
  const isOver = hold.data !== undefined &&
    (hold.data.status !== "held" || seconds === 0);
  // Until the next page is there, a booking that succeeded is not to be pressed again.
  const isBooking = book.isPending || book.isSuccess;
  const refused = hold.error ?? book.error;
  const isMissed = refused &&
    ["slot_taken", "outside_availability", "too_soon"].includes(keyOf(refused));

  if (isMissed) {
    return (
      <Alternatives
        slug={clinic.slug}
        serviceId={wanted.serviceId}
        at={wanted.startsAt}
        provider={wanted.providerId}
        zone={zone}
      />
    );
  }
  return (
    <div className="card card-form">
      <HoldState
        hold={hold.data}
        isOver={isOver && !isBooking}
        error={hold.error}
        onKeepAgain={keepAgain}
      />
      <PatientChoice
        clinicId={clinic.id}
        userId={session.user.id}
        records={records}
        chosenId={patient.id}
        isBusy={change.isPending || isBooking}
        onChoose={change.mutate}
      />
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (hold.data && !isOver && !isBooking) book.mutate(hold.data);
        }}
      >
        <ReasonField
          value={typed.reason}
          onChange={(reason) => onType({ reason })}
        />
        <ErrorNotice error={book.error} />
        <div className="actions">
          <Button
            type="submit"
            look="primary"
            className="button-wide"
            isBusy={isBooking || !hold.data || isOver}
          >
            {t(isBooking ? "confirm.booking" : "confirm.book")}
          </Button>
          <Link
            className="button button-quiet"
            to={paths.slots(clinic.slug, wanted.serviceId)}
          >
            {t("confirm.other_time")}
          </Link>
        </div>
      </form>
      <p className="muted small">
        {t("confirm.signed_in_as", { email: session.user.email })}
      </p>
    </div>
  );
}

interface HoldStateProps {
  hold: Hold | undefined;
  isOver: boolean;
  error: unknown;
  onKeepAgain: () => void;
}

function HoldState({ hold, isOver, error, onKeepAgain }: HoldStateProps) {
  const { t } = useTranslation();
  const seconds = useSecondsUntil(hold?.hold_expires_at ?? null);
  if (error) {
    return (
      <ErrorNotice error={error}>
        <Button onClick={onKeepAgain}>{t("app.retry")}</Button>
      </ErrorNotice>
    );
  }
  if (!hold) {
    return <p className="hold" role="status">{t("confirm.keeping")}</p>;
  }
  if (isOver) {
    return (
      <Notice kind="bad">
        <p>{t("confirm.over")}</p>
        <Button onClick={onKeepAgain}>{t("confirm.keep_again")}</Button>
      </Notice>
    );
  }
  return (
    <div className={seconds < 60 ? "hold is-short" : "hold"}>
      <p>
        {t("confirm.kept")} <Countdown until={hold.hold_expires_at} />
      </p>
      <p className="visually-hidden" role="status">
        {t("confirm.kept_announce", { count: Math.ceil(seconds / 60) })}
      </p>
    </div>
  );
}

function ReasonField(
  { value, onChange }: { value: string; onChange: (value: string) => void },
) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>
        {t("confirm.reason")} <span className="muted">({t("app.optional")})</span>
      </label>
      <textarea
        id={id}
        rows={3}
        maxLength={1000}
        aria-describedby={`${id}-hint`}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      <p className="field-hint" id={`${id}-hint`}>{t("confirm.reason_hint")}</p>
    </div>
  );
}
