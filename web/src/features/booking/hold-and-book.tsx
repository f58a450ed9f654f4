import type { Session } from "@supabase/supabase-js";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useId } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { Button } from "@/components/button";
import { Countdown } from "@/components/countdown";
import { ErrorNotice, Notice } from "@/components/notice";
import { paths } from "@/config/paths";
import { isMissed, keyOf } from "@/lib/errors";
import { useSecondsUntil } from "@/lib/hooks";
import type { Row } from "@/lib/supabase";
import type { Clinic } from "../clinics/get-clinic";
import { Alternatives } from "./alternatives";
import { bookHeldSlot } from "./book-held-slot";
import type { BookingDraft, BookingRequests } from "./booking-draft";
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
  requests: BookingRequests;
  /** The time is to be kept once more. */
  onRenew: () => void;
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
    requests,
    onRenew,
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
    queryKey: ["hold", requests.hold, patient.id],
    queryFn: () => holdSlot(wanted, patient.id, requests.hold),
    staleTime: Infinity,
    gcTime: 0,
    meta: { isPersonal: true },
  });
  useEffect(() => onHold(hold.data ?? null), [hold.data, onHold]);

  const arrive = useEffectEvent((visit: Hold) => {
    onBooked();
    void queries.invalidateQueries({ queryKey: ["visits"] });
    void navigate(`${paths.visit(visit.id)}?new=1`, { replace: true });
  });
  // The answer to a booking may be lost: whoever asks for the hold again is told what became of it.
  const isBooked = hold.data !== undefined && isVisit(hold.data);
  useEffect(() => {
    if (hold.data && isVisit(hold.data)) arrive(hold.data);
  }, [hold.data]);

  const change = useMutation({
    mutationFn: async (patientId: string) => {
      if (hold.data && isKeptHere(hold.data, requests)) await giveBack(hold.data);
      return patientId;
    },
    onSuccess: (patientId) => {
      onType({ patientId });
      onRenew();
    },
  });
  const book = useMutation({
    mutationFn: (held: Hold) => bookHeldSlot(held, typed.reason, requests.book),
    onSuccess: arrive,
    // The hold was used before: by a request whose answer was lost, or in another tab.
    onError: async (error) => {
      if (USED_BEFORE.has(keyOf(error))) await hold.refetch();
    },
  });
  const seconds = useSecondsUntil(hold.data?.hold_expires_at ?? null);
  const isOver = hold.data !== undefined && !isBooked &&
    (hold.data.status !== "held" || seconds === 0);
  // Until the next page is there, a booking that succeeded is not to be pressed again.
  const isBooking = book.isPending || book.isSuccess || isBooked;
  if (isMissed(hold.error ?? book.error)) {
    return (
      <Alternatives {...wanted} at={wanted.startsAt} zone={zone}>
        {(slot, words) => (
          <Link
            className="time"
            to={paths.confirm(clinic.slug, wanted.serviceId, {
              at: slot.starts_at,
              provider: slot.provider_id,
              place: slot.location_id,
            })}
            replace
          >
            {words}
          </Link>
        )}
      </Alternatives>
    );
  }
  return (
    <div className="card card-form">
      <HoldState
        hold={hold.data}
        isElsewhere={hold.data !== undefined && !isKeptHere(hold.data, requests)}
        isOver={isOver && !isBooking}
        error={hold.error}
        onKeepAgain={onRenew}
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
        <ErrorNotice error={isBooked ? null : book.error} />
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

const USED_BEFORE = new Set(["request_id_reused", "illegal_transition"]);

function isVisit({ status }: Hold): boolean {
  return status === "booked" || status === "pending";
}

/** Whether this tab keeps the time: what another one keeps is not for this one to give back. */
export function isKeptHere(hold: Hold, requests: BookingRequests): boolean {
  return hold.status === "held" && hold.request_id === requests.hold;
}

interface HoldStateProps {
  hold: Hold | undefined;
  isElsewhere: boolean;
  isOver: boolean;
  error: unknown;
  onKeepAgain: () => void;
}

function HoldState({ hold, isElsewhere, isOver, error, onKeepAgain }: HoldStateProps) {
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
        {t(isElsewhere ? "confirm.kept_elsewhere" : "confirm.kept")}{" "}
        <Countdown until={hold.hold_expires_at} />
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
