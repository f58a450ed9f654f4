import { useTranslation } from "react-i18next";
import { ClaimForm } from "@/features/account/claim-form";
import { useKnownRecords } from "@/features/account/known-records";
import { RecordForm } from "@/features/account/record-form";
import { useAccountOwner } from "./layout";

export function Component() {
  const { t } = useTranslation(["common", "patient"]);
  const { userId } = useAccountOwner();
  const records = useKnownRecords(userId);
  return (
    <>
      <section aria-labelledby="records">
        <h2 id="records">{t("account.records")}</h2>
        {records.length === 0 && <p className="muted">{t("account.none")}</p>}
        {records.map((record) => (
          <RecordForm
            key={record.id}
            record={record}
          />
        ))}
      </section>
      <section aria-labelledby="claim">
        <h2 id="claim">{t("patient:claim.title")}</h2>
        <ClaimForm />
      </section>
    </>
  );
}
