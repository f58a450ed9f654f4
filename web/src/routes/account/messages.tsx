import { useSuspenseQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useKnownRecords } from "@/features/account/known-records";
import { MemberPreferencesForm } from "@/features/messages/member-preferences-form";
import {
  AS_THE_ROLE_SAYS,
  DEFAULTS,
  memberPreferencesQuery,
  preferencesQuery,
} from "@/features/messages/preferences";
import { PreferencesForm } from "@/features/messages/preferences-form";
import { membershipsQuery } from "@/features/workplace/memberships";
import { useAccountOwner } from "./layout";

export function Component() {
  const { t } = useTranslation(["patient", "common"]);
  const { userId } = useAccountOwner();
  const records = useKnownRecords(userId);
  const { data: saved } = useSuspenseQuery(
    preferencesQuery(records.map(({ id }) => id)),
  );
  const { data: memberships } = useSuspenseQuery(membershipsQuery(userId));
  const { data: savedAsMember } = useSuspenseQuery(memberPreferencesQuery(userId));
  return (
    <section aria-labelledby="messages">
      <h2 id="messages">{t("messages.title")}</h2>
      {records.length > 0 && <p className="muted">{t("messages.lead")}</p>}
      {records.length + memberships.length === 0 && (
        <p className="muted">{t("common:account.none")}</p>
      )}
      {records.map((record) => {
        const { patient_id: _, ...wish } = saved.find(({ patient_id }) =>
          patient_id === record.id
        ) ?? { patient_id: record.id, ...DEFAULTS };
        return <PreferencesForm key={record.id} record={record} saved={wish} />;
      })}
      {memberships.map(({ clinic_id, clinic_name }) => {
        const { clinic_id: _, ...wish } = savedAsMember.find((saved) =>
          saved.clinic_id === clinic_id
        ) ?? { clinic_id, ...AS_THE_ROLE_SAYS };
        return (
          <MemberPreferencesForm
            key={clinic_id}
            member={{ clinic_id, user_id: userId }}
            clinicName={clinic_name}
            saved={wish}
          />
        );
      })}
    </section>
  );
}
