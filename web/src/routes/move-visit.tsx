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
import { Alternatives } from "@/features/booking/alternatives";
import { type Clinic, clinicQuery, serviceOf } from "@/features/clinics/get-clinic";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";
import type { Slot } from "@/features/slots/open-slots";
import { SlotFinder } from "@/features/slots/slot-finder";
import { slotKey, slotToMoveTo } from "@/features/slots/slot-grid";
import { CancelNotice, isTooLate } from "@/features/visits/cancel-notice";
import { moveVisit } from "@/features/visits/change-visit";
import { type Visit, visitQuery } from "@/features/visits/get-visits";
import { isMissed } from "@/lib/errors";

export function Component() {
  const { visitId = "" } = useParams();
  return <SignedInOnly>{() => <MoveVisit id={visitId} />}</SignedInOnly>;
}

function MoveVisit({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data: visit } = useSuspenseQuery(visitQuery(id));
  const { data: clinic } = useSuspenseQuery(clinicQuery(visit.clinics.slug));
  const service = serviceOf(clinic, visit.service_id);
  const [slot, setSlot] = useState<Slot | null>(null);
  const minutes = visit.services.cancel_notice_minutes;
  return (
    <Page
      title={t("visit.move_title")}
      lead={t("visit.move_lead")}
      back={{ to: paths.visit(id), label: t("visit.title") }}
    >
      {isTooLate(visit.starts_at, minutes)
        ? (
          <CancelNotice
            startsAt={visit.starts_at}
            minutes={minutes}
            zone={visit.locations.time_zone}
            phone={visit.locations.phone}
          />
        )
        : (
          <SlotFinder
            clinic={clinic}
            service={service}
            initialProvider={visit.provider_id}
            onChoose={(start) => setSlot(slotToMoveTo(start, visit) ?? null)}
          />
        )}
      {slot && (
        <MoveDialog
          key={slotKey(slot)}
          visit={visit}
          needsApproval={service.needs_approval}
          clinic={clinic}
          slot={slot}
          onChoose={setSlot}
          onClose={() => setSlot(null)}
        />
      )}
    </Page>
  );
}

interface MoveDialogProps {
  visit: Visit;
  clinic: Clinic;
  slot: Slot;
  needsApproval: boolean;
  onChoose: (slot: Slot) => void;
  onClose: () => void;
}

function MoveDialog(
  { visit, clinic, slot, needsApproval, onChoose, onClose }: MoveDialogProps,
) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [requestId] = useState(() => crypto.randomUUID());
  const place = clinic.locations.find(({ id }) => id === slot.location_id) ??
    visit.locations;
  const provider = clinic.providers.find(({ id }) => id === slot.provider_id) ??
    visit.providers;
  const move = useMutation({
    mutationFn: () =>
      moveVisit(
        visit,
        { at: slot.starts_at, provider: slot.provider_id },
        requestId,
      ),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["visit", visit.id] });
      await navigate(`${paths.visit(visit.id)}?moved=1`, { replace: true });
    },
    onError: () => void queries.invalidateQueries({ queryKey: ["slots"] }),
  });
  const isTooSlow = isMissed(move.error);
  return (
    <Dialog title={t("visit.move_confirm")} isOpen onClose={onClose}>
      <dl className="from-to">
        <dt>{t("visit.move_from")}</dt>
        <dd>
          <When startsAt={visit.starts_at} zone={visit.locations.time_zone} />
          <Where provider={visit.providers} place={visit.locations} />
        </dd>
        <dt>{t("visit.move_to")}</dt>
        <dd>
          <When startsAt={slot.starts_at} zone={place.time_zone} />
          <Where provider={provider} place={place} />
        </dd>
      </dl>
      {visit.status === "booked" && needsApproval && <p>{t("clinic.needs_approval")}</p>}
      {isTooSlow
        ? (
          <Alternatives
            serviceId={visit.service_id}
            at={slot.starts_at}
            providerId={null}
            placeId={place.id}
            zone={place.time_zone}
          >
            {(other, words) => (
              <button
                type="button"
                className="time"
                onClick={() => onChoose(other)}
              >
                {words}
              </button>
            )}
          </Alternatives>
        )
        : <ErrorNotice error={move.error} />}
      <div className="actions">
        {!isTooSlow && (
          <Button
            look="primary"
            isBusy={move.isPending}
            onClick={() => move.mutate()}
          >
            {t("visit.move_do")}
          </Button>
        )}
        <Button onClick={onClose}>{t("confirm.other_time")}</Button>
      </div>
    </Dialog>
  );
}

function Where(
  { provider, place }: {
    provider: { full_name: string };
    place: { name: string };
  },
) {
  return <span className="muted">{provider.full_name}, {place.name}</span>;
}
