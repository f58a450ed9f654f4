import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { ErrorNotice } from "@/components/notice";
import { dayOf } from "@/lib/zoned-time";
import type { DayVisit } from "../day/day-visits";
import type { ChosenTime } from "./book-visit";
import type { Service } from "./get-offerings";
import { TimeChooser } from "./time-chooser";

interface MoveVisitProps {
  visit: DayVisit;
  zone: string;
  services: Service[];
  providers: { id: string; full_name: string }[];
  wanted: ChosenTime | null;
  error: unknown;
  isMoving: boolean;
  onMove: (to: ChosenTime) => void;
  onBack: () => void;
}

/** Another time or provider for a visit: what dragging does, and more. */
export function MoveVisit(
  { visit, zone, services, providers, wanted, error, isMoving, onMove, onBack }: MoveVisitProps,
) {
  const { t } = useTranslation("desk");
  const [time, setTime] = useState(wanted);
  const service = services.find(({ id }) => id === visit.service_id);
  const giving = providers.filter(({ id }) =>
    id === visit.provider_id ||
    service?.provider_services.some(({ provider_id }) => provider_id === id)
  );
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (time && !isMoving) onMove(time);
      }}
    >
      <p className="muted">{t("move.lead")}</p>
      <TimeChooser
        serviceId={visit.service_id}
        providers={giving}
        zone={zone}
        day={dayOf(visit.starts_at, zone)}
        providerId={visit.provider_id}
        value={time}
        onChange={setTime}
        mayOverbook
      />
      <ErrorNotice error={error} />
      <div className="actions desk-sheet-actions">
        <Button type="submit" look="primary" isBusy={isMoving || !time}>
          {time?.overbookReason.trim() ? t("book.squeeze_in") : t("move.do")}
        </Button>
        <Button onClick={onBack}>{t("move.back")}</Button>
      </div>
    </form>
  );
}
