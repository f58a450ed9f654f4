import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Hourglass, UserPlus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Segments } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { useBroadcast } from "@/lib/broadcasts";
import { useCoalesced } from "@/lib/coalesce";
import type { Workplace } from "../workplace/workplace";
import { offeringsQuery } from "./get-offerings";
import { OfferTime } from "./offer-time";
import { PutOnList } from "./put-on-list";
import { Toast, type Told } from "./toast";
import { WaitingCard } from "./waiting-card";
import { waitingEntriesQuery } from "./waiting-entries";

/** Who waits for what, what they were offered, and the ways to help them on. */
export function WaitingBoard({ clinicId, clinic, zone }: Workplace) {
  const { t } = useTranslation("desk");
  const queries = useQueryClient();
  const [shown, setShown] = useState<"all" | "offered">("all");
  const [offeringTo, setOfferingTo] = useState<string | null>(null);
  const [isAdding, setAdding] = useState(false);
  const [told, tell] = useState<Told | null>(null);
  const { data: entries, error } = useQuery(waitingEntriesQuery(clinicId));
  const { data: offerings } = useQuery(offeringsQuery(clinicId));
  const readAnew = useCoalesced(() => queries.invalidateQueries({ queryKey: ["desk-waiting"] }));
  useBroadcast(
    { topic: `clinic:${clinicId}:appointments`, isPrivate: true, event: "appointment_changed" },
    readAnew,
    readAnew,
  );
  const offered = entries?.filter(({ status }) => status === "offered") ?? [];
  const listed = shown === "all" ? entries : offered;
  const providers = clinic.providers.filter(({ active }) => active);
  const asked = entries?.find(({ id }) => id === offeringTo);

  return (
    <div className="desk-list">
      <div className="day-head">
        <Segments
          label={t("waiting.show")}
          value={shown}
          options={[
            { value: "all", label: t("waiting.all", { count: entries?.length ?? 0 }) },
            { value: "offered", label: t("waiting.with_offer", { count: offered.length }) },
          ]}
          onChange={(value) => setShown(value === "offered" ? "offered" : "all")}
        />
        <Button look="primary" onClick={() => setAdding(true)}>
          <UserPlus aria-hidden size={18} />
          {t("waiting.add")}
        </Button>
      </div>
      <ErrorNotice error={error} />
      {listed?.length === 0 && (
        <div className="empty">
          <Hourglass aria-hidden size={32} />
          <p>{t("waiting.nobody")}</p>
        </div>
      )}
      <ol className="cards">
        {listed?.map((entry) => (
          <li key={entry.id}>
            <WaitingCard
              clinicId={clinicId}
              entry={entry}
              place={(entries?.indexOf(entry) ?? 0) + 1}
              zone={zone}
              onOffer={() => setOfferingTo(entry.id)}
              onTold={tell}
            />
          </li>
        ))}
      </ol>
      {asked && (
        <OfferTime
          entry={asked}
          zone={zone}
          providers={providers}
          services={offerings?.services ?? []}
          onClose={() => setOfferingTo(null)}
          onTold={tell}
        />
      )}
      {isAdding && offerings && (
        <PutOnList
          clinicId={clinicId}
          providers={providers}
          services={offerings.services}
          onClose={() => setAdding(false)}
          onTold={tell}
        />
      )}
      <Toast told={told} onGone={() => tell(null)} />
    </div>
  );
}
