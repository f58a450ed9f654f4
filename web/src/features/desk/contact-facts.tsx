import { useQuery } from "@tanstack/react-query";
import { Mail } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ErrorNotice, Notice } from "@/components/notice";
import { PhoneLink } from "@/components/phone-link";
import { useLanguage } from "@/lib/hooks";
import { formatter } from "@/lib/zoned-time";
import { openPatientQuery } from "./patient-card-data";

/** How a patient is reached, and their birthday; drawing this puts a look on record. */
export function ContactFacts({ patientId }: { patientId: string }) {
  const { t } = useTranslation("desk");
  const language = useLanguage();
  const { data: person, error, isPending } = useQuery(openPatientQuery(patientId));
  if (isPending) return null;
  return (
    <>
      <ErrorNotice error={error} />
      {person === null && <Notice>{t("patient.not_yours")}</Notice>}
      {person && (
        <dl className="facts">
          <dt>{t("patient.phone")}</dt>
          <dd>{person.phone ? <PhoneLink number={person.phone} /> : "–"}</dd>
          <dt>{t("patient.email")}</dt>
          <dd>
            {person.email ? <MailLink address={person.email} /> : "–"}
          </dd>
          <dt>{t("patient.born")}</dt>
          <dd>
            {person.date_of_birth
              ? formatter(language, "UTC", { dateStyle: "long" })
                .format(new Date(`${person.date_of_birth}T12:00:00Z`))
              : "–"}
          </dd>
        </dl>
      )}
    </>
  );
}

/** An address too long for one line breaks before its @. */
function MailLink({ address }: { address: string }) {
  const at = address.lastIndexOf("@");
  return (
    <a className="with-icon" href={`mailto:${address}`}>
      <Mail aria-hidden size={16} />
      <span>
        {address.slice(0, at)}
        <wbr />
        {address.slice(at)}
      </span>
    </a>
  );
}
