import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { type KnownRecord, useKnownRecords } from "@/features/account/known-records";
import { DependantForm } from "@/features/booking/dependant-form";
import {
  acceptGuardianship,
  type Invitation,
  invitationsToMeQuery,
} from "@/features/family/guardians";
import { PersonCard } from "@/features/family/person-card";
import { useFamilyChange } from "@/features/family/use-family-change";
import { useAccountOwner } from "./layout";

export function Component() {
  const { t } = useTranslation(["patient", "common"]);
  const { userId, email } = useAccountOwner();
  const records = useKnownRecords(userId);
  const { data: invitations } = useSuspenseQuery(invitationsToMeQuery(email));
  const allIds = records.map(({ id }) => id);
  return (
    <>
      {invitations.length > 0 && <Offered invitations={invitations} />}
      <section aria-labelledby="family">
        <h2 id="family">{t("family.title")}</h2>
        <p className="muted">{t("family.lead")}</p>
        {records.length === 0 && <p className="muted">{t("common:account.none")}</p>}
        {records.map((record) => (
          <PersonCard
            key={record.id}
            record={record}
            userId={userId}
            allIds={allIds}
          />
        ))}
      </section>
      {records.length > 0 && <AddChild records={records} />}
    </>
  );
}

function Offered({ invitations }: { invitations: Invitation[] }) {
  const { t } = useTranslation("patient");
  const accept = useFamilyChange(acceptGuardianship);
  return (
    <section aria-labelledby="offered">
      <h2 id="offered">{t("family.offered")}</h2>
      <ErrorNotice error={accept.error} />
      {invitations.map(({ id, clinics }) => (
        <div className="card card-offer" key={id}>
          <span className="card-body">
            <strong>{t("family.offered_title")}</strong>
            {clinics && <span>{clinics.name}</span>}
            <span className="muted">{t("family.offered_lead")}</span>
          </span>
          <Button
            look="primary"
            isBusy={accept.isPending}
            onClick={() => accept.mutate(id)}
          >
            {t("family.accept")}
          </Button>
        </div>
      ))}
    </section>
  );
}

function AddChild({ records }: { records: KnownRecord[] }) {
  const { t } = useTranslation(["patient", "common"]);
  const clinics = [
    ...new Map(records.map(({ clinic }) => [clinic.id, clinic])).values(),
  ];
  const [clinicId, setClinicId] = useState(clinics[0]?.id ?? "");
  const [isOpen, setOpen] = useState(false);
  if (!isOpen) {
    return (
      <div className="actions">
        <Button onClick={() => setOpen(true)}>{t("family.add_child")}</Button>
      </div>
    );
  }
  return (
    <section aria-label={t("common:confirm.dependant_title")}>
      {clinics.length > 1 && (
        <Choice
          label={t("family.clinic")}
          value={clinicId}
          options={clinics.map(({ id, name }) => ({ value: id, label: name }))}
          onChange={setClinicId}
        />
      )}
      <DependantForm clinicId={clinicId} onAdded={() => setOpen(false)} />
    </section>
  );
}
