import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { CalendarPlus, Check } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams, useSearchParams } from "react-router";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { Field } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import { Page } from "@/components/page";
import { paths } from "@/config/paths";
import { VisitSummary } from "@/features/booking/visit-summary";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";
import { cancelVisit, confirmVisit } from "@/features/visits/change-visit";
import { CancelNotice, isTooLate } from "@/features/visits/cancel-notice";
import { downloadCalendarFile } from "@/features/visits/download-calendar-file";
import { isConfirmed, type Visit, visitQuery } from "@/features/visits/get-visits";
import { useVisitChanges } from "@/features/visits/use-visit-changes";
import { now } from "@/lib/clock";

export function Component() {
  const { visitId = "" } = useParams();
  return (
    <SignedInOnly>
      {(session) => <VisitPage id={visitId} userId={session.user.id} />}
    </SignedInOnly>
  );
}

function VisitPage({ id, userId }: { id: string; userId: string }) {
  const { t } = useTranslation();
  const [search] = useSearchParams();
  const { data: visit } = useSuspenseQuery(visitQuery(id));
  useVisitChanges(userId);
  const isNew = search.has("new") &&
    (visit.status === "booked" || visit.status === "pending");
  const heading = isNew ? (visit.status === "pending" ? "pending" : "booked") : null;
  const isOpen = ["booked", "pending"].includes(visit.status) &&
    Date.parse(visit.starts_at) > now();
  return (
    <Page
      title={heading ? t(`visit.${heading}_title`) : t("visit.title")}
      lead={heading && t(`visit.${heading}_lead`)}
      mark={heading && <BigCheck />}
      isNarrow
      {...(!heading && { back: { to: paths.visits, label: t("visit.all") } })}
    >
      {search.has("moved") && (
        <Notice kind="good">
          {t(visit.status === "pending" ? "visit.pending_lead" : "visit.moved")}
        </Notice>
      )}
      <VisitSummary
        title={visit.services.name}
        startsAt={visit.starts_at}
        endsAt={visit.ends_at}
        zone={visit.locations.time_zone}
        provider={visit.providers.full_name}
        place={visit.locations}
        patient={visit.patients.full_name}
      >
        {!heading && (
          <p className={`status status-${visit.status}`}>
            {t(`visit.status_${visit.status}`)}
          </p>
        )}
        {visit.services.preparation && (
          <div className="prepare">
            <strong>{t("visit.prepare")}</strong>
            <p>{visit.services.preparation}</p>
          </div>
        )}
      </VisitSummary>
      {isOpen && visit.status === "booked" && !heading && <Coming visit={visit} />}
      {isOpen && (
        <CancelNotice
          startsAt={visit.starts_at}
          minutes={visit.services.cancel_notice_minutes}
          zone={visit.locations.time_zone}
          phone={visit.locations.phone}
        />
      )}
      {isOpen && <VisitActions visit={visit} />}
      <p className="after">
        <Link to={paths.visits}>{t("visit.all")}</Link>
        <Link to={paths.clinic(visit.clinics.slug)}>{t("visit.again")}</Link>
      </p>
    </Page>
  );
}

function BigCheck() {
  return (
    <svg
      className="big-check"
      viewBox="0 0 64 64"
      width="64"
      height="64"
      aria-hidden
    >
      <circle cx="32" cy="32" r="30" />
      <path d="M19 33l9 9 18-20" />
    </svg>
  );
}

/** Asks whether the patient will come; once said, it stays said until the visit moves. */
function Coming({ visit }: { visit: Visit }) {
  const { t } = useTranslation("patient");
  const queries = useQueryClient();
  const confirm = useMutation({
    mutationFn: () => confirmVisit(visit),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["visit", visit.id] }),
        queries.invalidateQueries({ queryKey: ["visits"] }),
      ]),
  });
  if (isConfirmed(visit)) return <Notice kind="good">{t("come.said")}</Notice>;
  return (
    <div className="card coming">
      <span className="card-body">
        <strong>{t("come.ask")}</strong>
        <span className="muted">{t("come.why")}</span>
        <ErrorNotice error={confirm.error} />
      </span>
      <Button
        look="primary"
        isBusy={confirm.isPending}
        onClick={() => confirm.mutate()}
      >
        <Check aria-hidden size={18} />
        {t("come.will")}
      </Button>
    </div>
  );
}

function VisitActions({ visit }: { visit: Visit }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const [reason, setReason] = useState("");
  const isChangeable = !isTooLate(
    visit.starts_at,
    visit.services.cancel_notice_minutes,
  );
  const cancel = useMutation({
    mutationFn: () => cancelVisit(visit, reason),
    onSuccess: () => setAsking(false),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["visit", visit.id] });
      void queries.invalidateQueries({ queryKey: ["visits"] });
    },
  });
  return (
    <div className="actions">
      <Button onClick={() => downloadCalendarFile(visit)}>
        <CalendarPlus aria-hidden size={18} />
        {t("visit.add_calendar")}
      </Button>
      {!visit.session_id && isChangeable && (
        <Link className="button button-quiet" to={paths.moveVisit(visit.id)}>
          {t("visit.move")}
        </Link>
      )}
      {isChangeable && (
        <Button look="danger" onClick={() => setAsking(true)}>
          {t("visit.cancel")}
        </Button>
      )}
      <Dialog
        title={t("visit.cancel_title")}
        isOpen={isAsking}
        onClose={() => setAsking(false)}
      >
        <p>{t("visit.cancel_lead")}</p>
        <Field
          label={`${t("visit.cancel_reason")} (${t("app.optional")})`}
          value={reason}
          maxLength={500}
          onChange={(event) => setReason(event.target.value)}
        />
        <ErrorNotice error={cancel.error} />
        <div className="actions">
          <Button
            look="danger"
            isBusy={cancel.isPending}
            onClick={() => cancel.mutate()}
          >
            {t("visit.cancel")}
          </Button>
          <Button onClick={() => setAsking(false)}>{t("visit.keep")}</Button>
        </div>
      </Dialog>
    </div>
  );
}
