import { useTranslation } from "react-i18next";
import { useKnownRecords } from "@/features/account/known-records";
import { AccessList } from "@/features/privacy/access-list";
import { OwnDataCard } from "@/features/privacy/own-data-card";
import { useAccountOwner } from "./layout";

export function Component() {
  const { t } = useTranslation("patient");
  const { userId } = useAccountOwner();
  const records = useKnownRecords(userId);
  return (
    <>
      <section aria-labelledby="data">
        <h2 id="data">{t("privacy.data")}</h2>
        <OwnDataCard />
      </section>
      <section aria-labelledby="log">
        <h2 id="log">{t("privacy.log")}</h2>
        <p className="muted">{t("privacy.log_lead")}</p>
        {records.length > 0 && <AccessList records={records} userId={userId} />}
      </section>
    </>
  );
}
