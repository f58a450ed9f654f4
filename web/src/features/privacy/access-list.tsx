import { useSuspenseInfiniteQuery } from "@tanstack/react-query";
import { Eye, FileDown, PenLine } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { useLanguage } from "@/lib/hooks";
import { clockTime, fullDay } from "@/lib/zoned-time";
import type { KnownRecord } from "../account/known-records";
import { type Access, accessLogQuery } from "./access-log";

interface AccessListProps {
  records: KnownRecord[];
  userId: string;
}

/** What the clinics' access log says about the person and those in their care. */
export function AccessList({ records, userId }: AccessListProps) {
  const { t } = useTranslation("patient");
  const log = useSuspenseInfiniteQuery(
    accessLogQuery(records.map(({ id }) => id)),
  );
  const accesses = log.data.pages.flat();
  if (accesses.length === 0) {
    return <p className="muted">{t("privacy.nobody")}</p>;
  }
  return (
    <>
      <ul className="log">
        {accesses.map((access) => (
          <AccessLine
            key={access.id}
            access={access}
            record={records.find(({ id }) => id === access.patient_id)}
            isMine={access.actor_id === userId}
          />
        ))}
      </ul>
      {log.hasNextPage && (
        <div className="actions">
          <Button
            isBusy={log.isFetchingNextPage}
            onClick={() => void log.fetchNextPage()}
          >
            {t("privacy.earlier")}
          </Button>
        </div>
      )}
    </>
  );
}

const SUBJECTS = [
  "patients",
  "guardians",
  "guardian_invitations",
  "appointment_reasons",
] as const;
const ROLES = [
  "owner",
  "manager",
  "front_desk",
  "provider",
  "patient",
  "guardian",
] as const;

function AccessLine({ access, record, isMine }: {
  access: Access;
  record: KnownRecord | undefined;
  isMine: boolean;
}) {
  const { t } = useTranslation("patient");
  const language = useLanguage();
  const zone = record?.clinic.time_zone ?? "UTC";
  const subject = SUBJECTS.find((name) => name === access.subject) ??
    "patients";
  const role = ROLES.find((name) => name === access.acted_as) ?? "system";
  const Icon = { opened: Eye, exported: FileDown }[access.action as string] ??
    PenLine;
  return (
    <li>
      <Icon aria-hidden size={18} />
      <div>
        <strong>{isMine ? t("privacy.by_me") : t(`privacy.by_${role}`)}</strong>
        <span>
          {t(`privacy.${access.action}`)}: {t(`privacy.what_${subject}`)}
        </span>
        <span className="muted small">
          {fullDay(access.happened_at, zone, language)},{" "}
          {clockTime(access.happened_at, zone, language)}
          {record && ` · ${record.full_name} · ${record.clinic.name}`}
        </span>
      </div>
    </li>
  );
}
