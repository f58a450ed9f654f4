import { useMutation, useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, Download, LoaderCircle } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { ErrorNotice } from "@/components/notice";
import { useWorkplace } from "@/features/workplace/workplace";
import { useLanguage } from "@/lib/hooks";
import { saveFile } from "@/lib/save-file";
import { clockTime, longDay } from "@/lib/zoned-time";
import { type ImportJob, importsQuery, isRunning, progressOf, readRejects } from "./import-jobs";

/** The latest imports, with how far they have come. */
export function JobList() {
  const { t } = useTranslation("manage");
  const { clinicId } = useWorkplace();
  const { data: jobs, error } = useQuery(importsQuery(clinicId));
  return (
    <section>
      <h2>{t("import.jobs")}</h2>
      <ErrorNotice error={error} />
      {jobs?.length === 0 && <p className="muted">{t("import.none")}</p>}
      <ul className="cards">
        {jobs?.map((job) => <JobCard key={job.id} job={job} />)}
      </ul>
    </section>
  );
}

function JobCard({ job }: { job: ImportJob }) {
  const { t } = useTranslation("manage");
  const language = useLanguage();
  const { clinicId, zone } = useWorkplace();
  const rejects = useMutation({
    mutationFn: async () => saveFile(`rejects-${job.id}.csv`, await readRejects(clinicId, job.id)),
  });
  const running = isRunning(job);
  const sum = (name: "imported" | "already_there" | "rejected") =>
    job.import_files.reduce((total, file) => total + file[name], 0);
  const Icon = running ? LoaderCircle : job.status === "failed" ? CircleAlert : CircleCheck;
  return (
    <li className={`card manage-card job job-${job.status}`}>
      <Icon aria-hidden size={22} />
      <div className="card-body">
        <strong>{t(`import.kind_${job.kind}`)}</strong>
        <span className="muted">
          {longDay(job.created_at, zone, language)}, {clockTime(job.created_at, zone, language)}
        </span>
        <span className="tags">
          <span className="tag">{t(`import.status_${job.status}`)}</span>
          {job.dry_run && <span className="tag tag-warn">{t("import.only_tried")}</span>}
        </span>
        {running && (
          <progress
            value={progressOf(job)}
            max={1}
            aria-label={t("import.progress", {
              kind: t(`import.kind_${job.kind}`),
            })}
          />
        )}
        <dl className="job-counts" aria-live="polite">
          {(["imported", "already_there", "rejected"] as const).map((name) => (
            <div
              key={name}
              className={name === "rejected" && sum(name) > 0 ? "is-bad" : undefined}
            >
              <dt>{t(`import.${name}`)}</dt>
              <dd>{sum(name).toLocaleString(language)}</dd>
            </div>
          ))}
        </dl>
        {job.error && <p className="field-error">{t("import.failed")}</p>}
        <ErrorNotice error={rejects.error} />
      </div>
      {sum("rejected") > 0 && (
        <div className="actions">
          <Button isBusy={rejects.isPending} onClick={() => rejects.mutate()}>
            <Download aria-hidden size={18} />
            {t("import.rejects")}
          </Button>
        </div>
      )}
    </li>
  );
}
