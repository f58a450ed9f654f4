import { queryOptions, useQuery } from "@tanstack/react-query";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { rowsOf } from "@/lib/errors";
import { useLanguage } from "@/lib/hooks";
import { supabase } from "@/lib/supabase";
import { clockTime, longDay } from "@/lib/zoned-time";

const KINDS = [
  "confirmation",
  "change",
  "cancellation",
  "offer",
  "request",
  "reminder",
  "follow_up",
] as const;

// Answers of the mail service are not among them: the list of what needs attention tells those.
const REASONS = [
  "no_address",
  "opted_out",
  "quiet_hours",
  "superseded",
  "status_changed",
  "over",
  "offset_dropped",
  "bounced",
  "bounced_for_now",
  "failed",
  "suppressed",
  "complained",
  "address_suppressed",
  "unknown_fate",
] as const;

// Row security shows them to the office alone; what they say is kept nowhere.
function messagesQuery(visitId: string) {
  return queryOptions({
    queryKey: ["visit-messages", visitId],
    queryFn: async () =>
      rowsOf(
        await supabase().from("notifications")
          .select("id, kind, status, last_error, due_at, sent_at, told_at")
          .eq("appointment_id", visitId).not("recipient_id", "is", null)
          .order("due_at").limit(50),
      ),
    meta: { isPersonal: true },
  });
}

/** What the patient was told about a visit and will be, or why not. */
export function VisitMessages({ visitId, zone }: { visitId: string; zone: string }) {
  const { t } = useTranslation("desk");
  const language = useLanguage();
  const { data: messages } = useQuery(messagesQuery(visitId));
  if (!messages?.length) return null;
  return (
    <section aria-label={t("messages.title")}>
      <h3>{t("messages.title")}</h3>
      <dl className="facts">
        {messages.map(({ id, kind, status, last_error, due_at, sent_at, told_at }) => {
          const known = KINDS.find((one) => one === kind);
          const reason = REASONS.find((one) => one === last_error);
          const at = sent_at ?? due_at;
          return known && (
            <Fragment key={id}>
              <dt>{t(`messages.kind_${known}`)}</dt>
              <dd>
                {t(`messages.state_${status}`)}
                {reason && `: ${t(`messages.reason_${reason}`)}`}
                <br />
                <span className="muted small">
                  {longDay(at, zone, language)}, {clockTime(at, zone, language)}
                </span>
                {told_at && (
                  <>
                    <br />
                    {t("messages.told")}
                    <br />
                    <span className="muted small">
                      {longDay(told_at, zone, language)}, {clockTime(told_at, zone, language)}
                    </span>
                  </>
                )}
              </dd>
            </Fragment>
          );
        })}
      </dl>
    </section>
  );
}
