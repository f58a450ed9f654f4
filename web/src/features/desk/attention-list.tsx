import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheckBig } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Choice } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { useBroadcast } from "@/lib/broadcasts";
import { useCoalesced } from "@/lib/coalesce";
import type { Workplace } from "../workplace/workplace";
import { type AttentionKind, attentionQuery } from "./attention";
import { AttentionCard } from "./attention-card";
import { ResendAll } from "./resend-all";
import { Toast, type Told } from "./toast";

/** What needs somebody, by kind, each with what can be done about it. */
export function AttentionList({ clinicId, zone }: Workplace) {
  const { t } = useTranslation("desk");
  const queries = useQueryClient();
  const [kind, setKind] = useState<AttentionKind | "">("");
  const [told, tell] = useState<Told | null>(null);
  const { data: all, error } = useQuery(attentionQuery(clinicId));
  const readAnew = useCoalesced(() => queries.invalidateQueries({ queryKey: ["attention"] }));
  useBroadcast(
    { topic: `clinic:${clinicId}:appointments`, isPrivate: true, event: "appointment_changed" },
    readAnew,
    readAnew,
  );
  const kinds = [...new Set(all?.map((one) => one.kind))];
  const count = (of: AttentionKind) => all?.filter((one) => one.kind === of).length ?? 0;
  const listed = all?.filter((one) => !kind || one.kind === kind);
  return (
    <div className="desk-list">
      {kinds.length > 1 && (
        <div className="day-filters">
          <Choice
            label={t("attention.show")}
            value={kind}
            options={[
              { value: "", label: t("attention.all", { count: all?.length ?? 0 }) },
              ...kinds.map((value) => ({
                value,
                label: `${t(`attention.kind_${value}`)} (${count(value)})`,
              })),
            ]}
            onChange={(value) => setKind(kinds.find((known) => known === value) ?? "")}
          />
        </div>
      )}
      <ErrorNotice error={error} />
      {(kind === "" || kind === "message_not_sent") && count("message_not_sent") > 1 && (
        <ResendAll clinicId={clinicId} onTold={tell} />
      )}
      {all?.length === 0 && (
        <div className="empty">
          <CircleCheckBig aria-hidden size={32} />
          <p>{t("attention.nothing")}</p>
        </div>
      )}
      <ul className="cards">
        {listed?.map((one) => (
          <li key={one.key}>
            <AttentionCard clinicId={clinicId} zone={zone} attention={one} onTold={tell} />
          </li>
        ))}
      </ul>
      <Toast told={told} onGone={() => tell(null)} />
    </div>
  );
}
