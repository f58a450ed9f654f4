import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { ErrorNotice } from "@/components/notice";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import { clockTime, dayOf } from "@/lib/zoned-time";
import type { ChosenTime } from "./book-visit";
import type { Service } from "./get-offerings";
import { Sheet } from "./sheet";
import { TimeChooser } from "./time-chooser";
import type { Told } from "./toast";
import { useListChange } from "./use-list-change";
import { offerTime, type WaitingEntry } from "./waiting-entries";

interface OfferTimeProps {
  entry: WaitingEntry;
  zone: string;
  providers: { id: string; full_name: string }[];
  services: Service[];
  onClose: () => void;
  onTold: (told: Told) => void;
}

/** Keeps a free time for a waiting patient, who is written to and says yes or no. */
export function OfferTime(
  { entry, zone, providers, services, onClose, onTold }: OfferTimeProps,
) {
  const { t } = useTranslation("desk");
  const language = useLanguage();
  const service = services.find(({ id }) => id === entry.service_id);
  const giving = providers.filter(({ id }) =>
    service?.provider_services.some(({ provider_id }) => provider_id === id)
  );
  const wished = entry.waitlist_entry_providers[0]?.providers.id;
  const [time, setTime] = useState<ChosenTime | null>(null);
  const offer = useListChange(({ at, providerId }: { at: number; providerId: string }) =>
    offerTime(entry.id, providerId, at)
  );
  const today = dayOf(now(), zone);
  return (
    <Sheet
      title={t("waiting.offer_title", { name: entry.patients.full_name })}
      isOpen
      onClose={onClose}
    >
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!time?.providerId || offer.isPending) return;
          offer.mutate({ at: time.at, providerId: time.providerId }, {
            onSuccess: ({ starts_at }) => {
              onTold({
                text: t("waiting.offer_made", {
                  name: entry.patients.full_name,
                  time: clockTime(starts_at, zone, language),
                }),
              });
              onClose();
            },
          });
        }}
      >
        <p className="muted">{t("waiting.offer_lead")}</p>
        <TimeChooser
          serviceId={entry.service_id}
          providers={giving}
          zone={zone}
          day={entry.earliest && entry.earliest > today ? entry.earliest : today}
          providerId={wished ?? giving[0]?.id ?? null}
          value={time}
          onChange={setTime}
          mayOverbook={false}
        />
        <ErrorNotice error={offer.error} />
        <div className="actions desk-sheet-actions">
          <Button type="submit" look="primary" isBusy={offer.isPending || !time?.providerId}>
            {t("waiting.offer_do")}
          </Button>
          <Button onClick={onClose}>{t("sheet.cancel")}</Button>
        </div>
      </form>
    </Sheet>
  );
}
