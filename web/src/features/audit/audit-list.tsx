import { useInfiniteQuery, useSuspenseQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Button } from "@/components/button";
import { Choice, Field } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { staffQuery } from "@/features/manage/staff/get-staff";
import { useWorkplace } from "@/features/workplace/workplace";
import { useLanguage } from "@/lib/hooks";
import { clockTime, formatter } from "@/lib/zoned-time";
import { ACTIONS, type AuditEntry, type AuditFilter, auditQuery } from "./get-audit";
import { wordsOfColumns } from "./logged-columns";

const SUBJECTS = [
  "patients",
  "appointment_reasons",
  "guardians",
  "guardian_invitations",
  "members",
  "staff_invitations",
  "providers",
  "clinics",
  "import_jobs",
] as const;
const ROLES = [
  "owner",
  "manager",
  "front_desk",
  "provider",
  "patient",
  "guardian",
] as const;

/** The clinic's log of accesses, with what narrows it in the address. */
export function AuditList() {
  const { t } = useTranslation("manage");
  const { clinicId, zone } = useWorkplace();
  const [search, setSearch] = useSearchParams();
  const filter: AuditFilter = {
    action: ACTIONS.find((action) => action === search.get("action")) ?? null,
    actorId: search.get("by"),
    patientId: search.get("patient"),
    from: search.get("from") ?? "",
    until: search.get("until") ?? "",
  };
  const log = useInfiniteQuery(auditQuery(clinicId, zone, filter));
  const { data: staff } = useSuspenseQuery(staffQuery(clinicId));
  const names = new Map(staff.map((member) => [
    member.user_id,
    member.provider_name ?? member.email,
  ]));
  const narrow = (name: string, value: string) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (value) next.set(name, value);
      else next.delete(name);
      return next;
    }, { replace: true });
  const entries = log.data?.pages.flat() ?? [];
  return (
    <>
      <div className="filters card">
        <Choice
          label={t("audit.action")}
          value={filter.action ?? ""}
          options={[
            { value: "", label: t("audit.all") },
            ...ACTIONS.map((value) => ({
              value,
              label: t(`audit.action_${value}`),
            })),
          ]}
          onChange={(value) => narrow("action", value)}
        />
        <Choice
          label={t("audit.by")}
          value={filter.actorId ?? ""}
          options={[
            { value: "", label: t("audit.all") },
            ...staff.map(({ user_id, role }) => ({
              value: user_id,
              label: names.get(user_id) ?? t(`role.${role}`),
            })),
          ]}
          onChange={(value) => narrow("by", value)}
        />
        <Field
          label={t("audit.from")}
          type="date"
          value={filter.from}
          onChange={({ target }) => narrow("from", target.value)}
        />
        <Field
          label={t("audit.until")}
          type="date"
          value={filter.until}
          onChange={({ target }) => narrow("until", target.value)}
        />
        {[...search.keys()].length > 0 && (
          <Button onClick={() => setSearch({}, { replace: true })}>
            {t("audit.everything")}
          </Button>
        )}
      </div>
      <ErrorNotice error={log.error} />
      {log.data && entries.length === 0 && <p className="muted">{t("audit.none")}</p>}
      {entries.length > 0 && (
        <AuditTable
          entries={entries}
          names={names}
          onPatient={(id) => narrow("patient", id)}
        />
      )}
      {log.hasNextPage && (
        <div className="actions">
          <Button
            isBusy={log.isFetchingNextPage}
            onClick={() => void log.fetchNextPage()}
          >
            {t("audit.more")}
          </Button>
        </div>
      )}
    </>
  );
}

interface AuditTableProps {
  entries: AuditEntry[];
  names: Map<string, string | null>;
  onPatient: (id: string) => void;
}

function AuditTable({ entries, names, onPatient }: AuditTableProps) {
  const { t } = useTranslation("manage");
  const { zone } = useWorkplace();
  const language = useLanguage();
  const day = formatter(language, zone, {
    day: "numeric",
    month: "short",
    year: "numeric",
  });
  const list = new Intl.ListFormat(language, { type: "unit" });
  return (
    <div
      className="table-frame"
      role="region"
      aria-label={t("audit.title")}
      tabIndex={0}
    >
      <table className="rows">
        <thead>
          <tr>
            <th scope="col">{t("audit.when")}</th>
            <th scope="col">{t("audit.by")}</th>
            <th scope="col">{t("audit.action")}</th>
            <th scope="col">{t("audit.about")}</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => {
            const role = ROLES.find((name) => name === entry.acted_as);
            const subject = SUBJECTS.find((name) => name === entry.subject) ?? "other";
            const { patient_id } = entry;
            return (
              <tr key={entry.id}>
                <td>
                  {day.format(new Date(entry.happened_at))}{" "}
                  <span className="muted">
                    {clockTime(entry.happened_at, zone, language)}
                  </span>
                </td>
                <td>
                  {(entry.actor_id && names.get(entry.actor_id)) ??
                    (role ? t(`role.${role}`) : t("audit.program"))}{" "}
                  {role && entry.actor_id && names.get(entry.actor_id) && (
                    <span className="muted small">{t(`role.${role}`)}</span>
                  )}
                </td>
                <td>
                  {t(`audit.action_${entry.action}`)}{" "}
                  <span className="muted small">
                    {entry.changed_columns
                      ? t("audit.changed", {
                        subject: t(`audit.subject_${subject}`),
                        columns: list.format(
                          wordsOfColumns(entry.changed_columns).map((word) =>
                            t(`audit.column_${word}`)
                          ),
                        ),
                      })
                      : t(`audit.subject_${subject}`)}
                  </span>
                </td>
                <td>
                  {patient_id
                    ? (
                      <button
                        type="button"
                        className="link"
                        onClick={() => onPatient(patient_id)}
                      >
                        {entry.patient ?? t("audit.somebody")}
                      </button>
                    )
                    : "–"}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
