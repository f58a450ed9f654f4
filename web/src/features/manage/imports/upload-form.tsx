import { useMutation, useQueryClient } from "@tanstack/react-query";
import { FileUp } from "lucide-react";
import { type FormEvent, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Segments } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import { Switch } from "@/components/switch";
import { keyOf } from "@/lib/errors";
import { type Kind, KINDS, startImport } from "./import-jobs";

const MOST_BYTES = 16 * 1024 * 1024;

/** A file and what to do with it; trying it out is the default. */
export function UploadForm({ clinicId }: { clinicId: string }) {
  const { t } = useTranslation("manage");
  const queries = useQueryClient();
  const id = useId();
  const [kind, setKind] = useState<Kind>("patients");
  const [isDryRun, setDryRun] = useState(true);
  const [file, setFile] = useState<File | null>(null);
  const [isTried, setTried] = useState(false);
  const key = useRef(crypto.randomUUID());
  const uploading = useMutation({
    mutationFn: (chosen: File) =>
      startImport({ clinicId, kind, isDryRun, file: chosen, key: key.current }),
    onError: (error) => {
      if (isUnreadable(error)) setFile(null);
    },
    onSuccess: () => {
      key.current = crypto.randomUUID();
      return queries.invalidateQueries({ queryKey: ["imports", clinicId] });
    },
  });
  const edit = <Value,>(set: (value: Value) => void) => (value: Value) => {
    set(value);
    key.current = crypto.randomUUID();
    uploading.reset();
  };
  const isTooLarge = file !== null && file.size > MOST_BYTES;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (file && !isTooLarge && !uploading.isPending) uploading.mutate(file);
  };
  const mistake = isTooLarge
    ? t("import.too_large")
    : isUnreadable(uploading.error)
    ? t("import.changed")
    : isTried && !file
    ? t("import.choose_file")
    : undefined;
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <h2>{t("import.new")}</h2>
      <Segments
        label={t("import.kind")}
        value={kind}
        options={KINDS.map((value) => ({
          value,
          label: t(`import.kind_${value}`),
        }))}
        onChange={(value) => edit(setKind)(value as Kind)}
      />
      <p className="muted">{t(`import.means_${kind}`)}</p>
      <div className="field">
        <label htmlFor={id}>{t("import.file")}</label>
        <input
          id={id}
          className="visually-hidden"
          type="file"
          accept={kind === "synthea" ? ".zip" : ".csv,text/csv"}
          aria-invalid={mistake ? true : undefined}
          aria-describedby={mistake && `${id}-error`}
          // Otherwise choosing the same file again, corrected, would change nothing.
          onClick={({ currentTarget }) => {
            currentTarget.value = "";
            edit(setFile)(null);
          }}
          onChange={({ target }) => edit(setFile)(target.files?.[0] ?? null)}
        />
        {/* The browser's own button speaks the browser's language. */}
        <label className="file-choice" htmlFor={id}>
          <span className="button button-quiet" aria-hidden>
            <FileUp size={18} />
            {t("import.pick")}
          </span>
          <span className={file ? undefined : "muted"}>{file?.name ?? t("import.no_file")}</span>
        </label>
        {mistake && (
          <p className="field-error" id={`${id}-error`} role="alert">
            {mistake}
          </p>
        )}
      </div>
      <Switch
        label={t("import.dry_run")}
        hint={t("import.dry_run_hint")}
        isOn={isDryRun}
        onChange={edit(setDryRun)}
      />
      {keyOf(uploading.error) === "invalid_input"
        ? <Notice kind="bad">{t(`import.unreadable_${kind}`)}</Notice>
        : (
          <ErrorNotice
            error={isUnreadable(uploading.error) ? null : uploading.error}
          />
        )}
      <div className="actions">
        <Button type="submit" look="primary" isBusy={uploading.isPending}>
          {t(isDryRun ? "import.try" : "import.start")}
        </Button>
      </div>
    </form>
  );
}

/** Whether the file changed on the disk since it was chosen; browsers then refuse to read it. */
function isUnreadable(error: unknown): boolean {
  return error instanceof DOMException;
}
