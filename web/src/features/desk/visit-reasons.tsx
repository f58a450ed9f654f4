import { queryOptions, useQuery } from "@tanstack/react-query";
import { Eye } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { ErrorNotice } from "@/components/notice";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

// Who does not treat the patient sees none of these rows.
function hasReasonsQuery(visitId: string) {
  return queryOptions({
    queryKey: ["has-reasons", visitId],
    queryFn: async () =>
      rowsOf(
        await supabase().from("appointment_reasons").select("id").eq("appointment_id", visitId)
          .limit(1),
      ).length > 0,
    meta: { isPersonal: true },
  });
}

// Each look is on record, so it is made once and only when somebody asks.
function reasonsQuery(visitId: string) {
  return queryOptions({
    queryKey: ["reasons", visitId],
    queryFn: async () => rowsOf(await supabase().rpc("read_reasons", { appointment_id: visitId })),
    staleTime: Infinity,
    meta: { isPersonal: true },
  });
}

/**
 * Why the patient comes, for those who treat them; read on request, since that is written down.
 * `isKnown`: whether the page has seen already that there is something to read.
 */
export function VisitReasons({ visitId, isKnown }: { visitId: string; isKnown?: boolean }) {
  const { t } = useTranslation("desk");
  const [isAsked, setAsked] = useState(false);
  const has = useQuery({ ...hasReasonsQuery(visitId), enabled: isKnown === undefined });
  const reasons = useQuery({ ...reasonsQuery(visitId), enabled: isAsked });
  if (!(isKnown ?? has.data)) return null;
  if (!isAsked) {
    return (
      <div className="reasons">
        <Button onClick={() => setAsked(true)}>
          <Eye aria-hidden size={18} />
          {t("visit.read_reasons")}
        </Button>
        <p className="muted small">{t("sheet.on_record")}</p>
      </div>
    );
  }
  return (
    <div className="reasons" aria-live="polite">
      <h3>{t("visit.reasons")}</h3>
      <ErrorNotice error={reasons.error} />
      {reasons.data?.map(({ reason }, index) => <p key={index} className="quote">{reason}</p>)}
    </div>
  );
}
