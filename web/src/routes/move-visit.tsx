import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { ErrorNotice } from "@/components/notice";
import { Page } from "@/components/page";
import { When } from "@/components/when";
import { paths } from "@/config/paths";
import { clinicQuery, serviceOf } from "@/features/clinics/get-clinic";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";
import { type SlotChoice, SlotFinder } from "@/features/slots/slot-finder";
import { moveVisit } from "@/features/visits/change-visit";
import { type Visit, visitQuery } from "@/features/visits/get-visits";

export function Component() {
  const { visitId = "" } = useParams();
  return <SignedInOnly>{() => <MoveVisit id={visitId} />}</SignedInOnly>;
}

function MoveVisit({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data: visit } = useSuspenseQuery(visitQuery(id));
  const { data: clinic } = useSuspenseQuery(clinicQuery(visit.clinics.slug));
  const service = serviceOf(clinic, visit.service_id);
  const [choice, setChoice] = useState<SlotChoice | null>(null);
  return (
    <Page
      title={t("visit.move_title")}
      lead={t("visit.move_lead")}
      back={{ to: paths.visit(id), label: t("visit.title") }}
    >
      <SlotFinder
        clinic={clinic}
        service={service}
        initialProvider={visit.provider_id}
        onChoose={setChoice}
      />
      {choice && (
        <MoveDialog
          key={choice.at}
          visit={visit}
          choice={choice}
          needsApproval={service.needs_approval}
          onClose={() => setChoice(null)}
        />
      )}
    </Page>
  );
}

function MoveDialog(
  { visit, choice, needsApproval, onClose }: {
    visit: Visit;
    choice: SlotChoice;
    needsApproval: boolean;
    onClose: () => void;
  },
) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [requestId] = useState(() => crypto.randomUUID());
  const zone = visit.locations.time_zone;
  const move = useMutation({
    mutationFn: () => moveVisit(visit, choice, requestId),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["visit", visit.id] });
      await navigate(`${paths.visit(visit.id)}?moved=1`, { replace: true });
    },
    onError: () => void queries.invalidateQueries({ queryKey: ["slots"] }),
  });
  return (
    <Dialog title={t("visit.move_confirm")} isOpen onClose={onClose}>
      <dl className="from-to">
        <dt>{t("visit.move_from")}</dt>
        <dd>
          <When startsAt={visit.starts_at} zone={zone} />
        </dd>
        <dt>{t("visit.move_to")}</dt>
        <dd>
          <When startsAt={choice.at} zone={zone} />
        </dd>
      </dl>
      {visit.status === "booked" && needsApproval && <p>{t("clinic.needs_approval")}</p>}
      <ErrorNotice error={move.error} />
      <div className="actions">
        <Button
          look="primary"
          isBusy={move.isPending}
          onClick={() => move.mutate()}
        >
          {t("visit.move_do")}
        </Button>
        <Button onClick={onClose}>{t("confirm.other_time")}</Button>
      </div>
    </Dialog>
  );
}
