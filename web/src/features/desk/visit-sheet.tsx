import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ArrowRightLeft, IdCard } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { paths } from "@/config/paths";
import { now } from "@/lib/clock";
import { cancelVisit } from "../visits/change-visit";
import { changeStatus, type DayVisit, type Status, stepsFrom } from "../day/day-visits";
import type { ChosenTime } from "./book-visit";
import type { Service } from "./get-offerings";
import { MoveVisit } from "./move-visit";
import { Sheet } from "./sheet";
import { VisitFacts } from "./visit-facts";
import { VisitMessages } from "./visit-messages";
import { VisitPatient } from "./visit-patient";
import { VisitReasons } from "./visit-reasons";

interface VisitSheetProps {
  clinicId: string;
  visit: DayVisit;
  zone: string;
  services: Service[];
  providers: { id: string; full_name: string }[];
  /** The rooms and devices that are kept for it. */
  rooms: string[];
  /** Where it was dragged to in vain: the way to do it anyway starts there. */
  wanted: ChosenTime | null;
  onMove: (to: ChosenTime) => Promise<unknown>;
  onClose: () => void;
}

/** One visit with everything that can be done about it; all of the board's gestures are here, too. */
export function VisitSheet(props: VisitSheetProps) {
  const { t } = useTranslation("desk");
  const [doing, setDoing] = useState<"look" | "move" | "cancel" | "mistake">(
    props.wanted ? "move" : "look",
  );
  const { visit, onClose } = props;
  const move = useMutation({
    mutationFn: props.onMove,
    onSuccess: onClose,
  });
  const back = () => setDoing("look");
  const title = {
    look: visit.patients.full_name,
    move: t("move.title", { name: visit.patients.full_name }),
    cancel: t("visit.cancel_title", { name: visit.patients.full_name }),
    mistake: t("visit.mistake_title", { name: visit.patients.full_name }),
  }[doing];
  return (
    <Sheet title={title} isOpen onClose={onClose}>
      {doing === "look" && (
        <Look
          {...props}
          onMoveWanted={() => setDoing("move")}
          onCancel={() => setDoing("cancel")}
          onMistake={() => setDoing("mistake")}
        />
      )}
      {doing === "move" && (
        <MoveVisit
          {...props}
          error={move.error}
          isMoving={move.isPending}
          onMove={(to) => move.mutate(to)}
          onBack={back}
        />
      )}
      {doing === "cancel" && <Cancel visit={visit} onDone={onClose} onBack={back} />}
      {doing === "mistake" && <NeverMeant visit={visit} onDone={onClose} onBack={back} />}
    </Sheet>
  );
}

const CHANGEABLE: readonly Status[] = ["pending", "booked"];

function Look(
  { clinicId, visit, rooms, onMoveWanted, onCancel, onMistake }: VisitSheetProps & {
    onMoveWanted: () => void;
    onCancel: () => void;
    onMistake: () => void;
  },
) {
  const { t } = useTranslation("desk");
  return (
    <>
      <VisitFacts visit={visit} rooms={rooms} />
      <StatusSteps visit={visit} />
      <VisitReasons visitId={visit.id} />
      <VisitPatient clinicId={clinicId} visit={visit} />
      <VisitMessages visitId={visit.id} zone={visit.locations.time_zone} />
      <div className="actions">
        {CHANGEABLE.includes(visit.status) && !visit.session_id && (
          <Button onClick={onMoveWanted}>
            <ArrowRightLeft aria-hidden size={18} />
            {t("visit.move")}
          </Button>
        )}
        <Link
          className="button button-quiet"
          to={paths.staff(clinicId, `patients/${visit.patient_id}`)}
        >
          <IdCard aria-hidden size={18} />
          {t("visit.card")}
        </Link>
        {[...CHANGEABLE, "arrived", "held"].includes(visit.status) && (
          <Button look="danger" onClick={onCancel}>{t("visit.cancel")}</Button>
        )}
        {visit.status !== "held" && <Button onClick={onMistake}>{t("visit.mistake")}</Button>}
      </div>
    </>
  );
}

/** The next steps of a visit, the likeliest first. */
export function StatusSteps({ visit }: { visit: DayVisit }) {
  const { t } = useTranslation("workplace");
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (status: Status) => changeStatus(visit, status),
    onSettled: () => queries.invalidateQueries({ queryKey: ["day"] }),
  });
  const steps = stepsFrom(visit, now());
  if (steps.length === 0) return null;
  return (
    <>
      <ErrorNotice error={change.error} />
      <div className="actions">
        {steps.map(({ to, words }, index) => (
          <Button
            key={to}
            look={index === 0 && visit.status !== "fulfilled" ? "primary" : "quiet"}
            isBusy={change.isPending}
            onClick={() => change.mutate(to)}
          >
            {t(`day.${words}`)}
          </Button>
        ))}
      </div>
    </>
  );
}

function Cancel(
  { visit, onDone, onBack }: { visit: DayVisit; onDone: () => void; onBack: () => void },
) {
  const { t } = useTranslation("desk");
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  const cancel = useMutation({
    mutationFn: () => cancelVisit(visit, reason),
    onSuccess: onDone,
    onSettled: () => queries.invalidateQueries({ queryKey: ["day"] }),
  });
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!cancel.isPending) cancel.mutate();
      }}
    >
      <p>{t("visit.cancel_lead")}</p>
      <Field
        label={t("visit.cancel_reason")}
        hint={t("book.reason_hint")}
        maxLength={2000}
        value={reason}
        onChange={({ target }) => setReason(target.value)}
      />
      <ErrorNotice error={cancel.error} />
      <div className="actions desk-sheet-actions">
        <Button type="submit" look="danger" isBusy={cancel.isPending}>
          {t("visit.cancel_do")}
        </Button>
        <Button onClick={onBack}>{t("move.back")}</Button>
      </div>
    </form>
  );
}

/** For a visit that nobody wanted: it was written down by mistake. */
function NeverMeant(
  { visit, onDone, onBack }: { visit: DayVisit; onDone: () => void; onBack: () => void },
) {
  const { t } = useTranslation("desk");
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: () => changeStatus(visit, "entered_in_error"),
    onSuccess: onDone,
    onSettled: () => queries.invalidateQueries({ queryKey: ["day"] }),
  });
  return (
    <>
      <p>{t("visit.mistake_lead")}</p>
      <ErrorNotice error={change.error} />
      <div className="actions desk-sheet-actions">
        <Button look="danger" isBusy={change.isPending} onClick={() => change.mutate()}>
          {t("visit.mistake_do")}
        </Button>
        <Button onClick={onBack}>{t("move.back")}</Button>
      </div>
    </>
  );
}
