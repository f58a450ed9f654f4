import { useSuspenseQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useKnownRecords } from "@/features/account/known-records";
import { DEFAULTS, preferencesQuery } from "@/features/messages/preferences";
import { PreferencesForm } from "@/features/messages/preferences-form";
import { useAccountOwner } from "./layout";

export function Component() {
  const { t } = useTranslation(["patient", "common"]);
  const { userId } = useAccountOwner();
  const records = useKnownRecords(userId);
  const { data: saved } = useSuspenseQuery(
    preferencesQuery(records.map(({ id }) => id)),
  );
  return (
    <section aria-labelledby="messages">
      <h2 id="messages">{t("messages.title")}</h2>
      <p className="muted">{t("messages.lead")}</p>
      {records.length === 0 && <p className="muted">{t("common:account.none")}</p>}
      {records.map((record) => {
        const { patient_id: _, ...wish } = saved.find(({ patient_id }) =>
          patient_id === record.id
        ) ?? { patient_id: record.id, ...DEFAULTS };
        return <PreferencesForm key={record.id} record={record} saved={wish} />;
      })}
    </section>
  );
}
