import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { PencilLine, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Notice } from "@/components/notice";
import { ContactFacts } from "./contact-facts";
import { openPatientQuery, patientQuery } from "./patient-card-data";
import { PatientContactsForm } from "./patient-contacts-form";
import { PatientVisits } from "./patient-visits";

interface PatientCardProps {
  clinicId: string;
  patientId: string;
}

/** Everything the desk needs of one patient; contacts are opened on record. */
export function PatientCard({ clinicId, patientId }: PatientCardProps) {
  const { data } = useSuspenseQuery(patientQuery(clinicId, patientId));
  return (
    <div className="split patient-card">
      <PatientVisits clinicId={clinicId} visits={data.visits} />
      <div className="aside">
        <ContactsSection clinicId={clinicId} patientId={patientId} />
        <Attendance clinicId={clinicId} patientId={patientId} />
      </div>
    </div>
  );
}

function ContactsSection({ clinicId, patientId }: PatientCardProps) {
  const { t } = useTranslation("desk");
  const [isEditing, setEditing] = useState(false);
  const { data: person, isPending } = useQuery(openPatientQuery(patientId));
  if (isPending) return null;
  return (
    <section aria-labelledby="contacts">
      <h2 id="contacts">{t("patient.contacts")}</h2>
      {isEditing || <ContactFacts patientId={patientId} />}
      {person && !isEditing && (
        <div className="actions">
          <Button onClick={() => setEditing(true)}>
            <PencilLine aria-hidden size={18} />
            {t("patient.correct")}
          </Button>
        </div>
      )}
      {person && isEditing && (
        <PatientContactsForm
          clinicId={clinicId}
          person={person}
          onDone={() => setEditing(false)}
        />
      )}
      <p className="muted small with-icon">
        <ShieldCheck aria-hidden size={16} />
        {t("sheet.on_record")}
      </p>
    </section>
  );
}

function Attendance({ clinicId, patientId }: PatientCardProps) {
  const { t } = useTranslation("desk");
  const { data: { attendance } } = useSuspenseQuery(patientQuery(clinicId, patientId));
  const counts = [
    ["attended", attendance?.attended],
    ["no_shows", attendance?.no_shows],
    ["late", attendance?.late_cancellations],
    ["unknown", attendance?.unknown],
  ] as const;
  return (
    <section aria-labelledby="attendance">
      <h2 id="attendance">{t("patient.attendance")}</h2>
      <dl className="tally tally-pairs">
        {counts.map(([name, count]) => (
          <div key={name}>
            <dt>{t(`patient.count_${name}`)}</dt>
            <dd>{count ?? 0}</dd>
          </div>
        ))}
      </dl>
      {attendance?.books_by_phone_only && <Notice>{t("patient.by_phone_only")}</Notice>}
    </section>
  );
}
