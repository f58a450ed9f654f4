import { queryOptions, useQuery } from "@tanstack/react-query";
import { Check, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ErrorNotice } from "@/components/notice";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";

interface Asked {
  serviceId: string;
  providerId: string;
  at: number;
}

function whyQuery({ serviceId, providerId, at }: Asked) {
  return queryOptions({
    queryKey: ["why", serviceId, providerId, at],
    queryFn: async () =>
      rowsOf(
        await supabase().rpc("explain_slot", {
          service_id: serviceId,
          provider_id: providerId,
          starts_at: new Date(at).toISOString(),
        }),
      ),
    meta: { isPersonal: true },
  });
}

// The rules of explain_slot, by what they are called in the words.
const RULES = {
  "service is active": "service_active",
  "visit of one patient": "one_patient",
  "provider is active": "provider_active",
  "provider offers it": "provider_offers",
  "still to come": "to_come",
  notice: "notice",
  horizon: "horizon",
  hours: "hours",
  "not closed": "not_closed",
  "grid of starts": "grid",
  "provider is free": "provider_free",
  "daily and weekly limits": "limits",
  "room is free": "room_free",
  "equipment is free": "equipment_free",
} as const;

function isKnown(rule: string | null): rule is keyof typeof RULES {
  return rule !== null && rule in RULES;
}

/** Which rules keep a time from being offered, and which do not stand in its way. */
export function WhyNot(asked: Asked) {
  const { t } = useTranslation("desk");
  const { data: rules = [], error } = useQuery(whyQuery(asked));
  const failed = rules.filter(({ passes }) => !passes);
  const passed = rules.filter(({ passes }) => passes);
  if (error) return <ErrorNotice error={error} />;
  if (rules.length === 0) return null;
  return (
    <div className="why">
      <h3>{failed.length > 0 ? t("why.title") : t("why.offered")}</h3>
      <ul>
        {failed.map(({ rule, detail }, index) => (
          <li key={index} className="why-failed">
            <X aria-hidden size={18} />
            <span>
              {isKnown(rule) ? t(`why.not_${RULES[rule]}`) : detail}
              <Times detail={detail} />
            </span>
          </li>
        ))}
      </ul>
      {passed.length > 0 && (
        <details>
          <summary>{t("why.passed", { count: passed.length })}</summary>
          <ul>
            {passed.map(({ rule, detail }, index) => (
              <li key={index} className="why-passed">
                <Check aria-hidden size={18} />
                <span>{isKnown(rule) ? t(`why.is_${RULES[rule]}`) : detail}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

/** The times that the database's sentence names; times need no translation. */
function Times({ detail }: { detail: string | null }) {
  const times = detail?.match(/\d{2}:\d{2}(–\d{2}:\d{2})?/g) ?? [];
  if (times.length === 0) return null;
  return <span className="muted">{` ${[...new Set(times)].join(", ")}`}</span>;
}
