import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CalendarSync, Copy } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice, Segments } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import type { KnownRecord } from "../account/known-records";
import { createFeed, type FeedDetails } from "./feeds";

/** Makes a subscription and shows its address, which nobody can look up later. */
export function NewFeed({ records }: { records: KnownRecord[] }) {
  const { t } = useTranslation("patient");
  const queries = useQueryClient();
  const [patientId, setPatientId] = useState(records[0]?.id ?? "");
  const [details, setDetails] = useState<FeedDetails>("busy");
  const create = useMutation({
    mutationFn: () => createFeed(patientId, details),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["feeds"] }),
  });
  return (
    <div className="card card-form">
      {records.length > 1 && (
        <Choice
          label={t("feed.of")}
          value={patientId}
          options={records.map(({ id, full_name, clinic }) => ({
            value: id,
            label: `${full_name} · ${clinic.name}`,
          }))}
          onChange={(id) => {
            setPatientId(id);
            create.reset();
          }}
        />
      )}
      <Segments
        label={t("feed.details")}
        value={details}
        options={[
          { value: "busy", label: t("feed.details_busy") },
          { value: "titles", label: t("feed.details_titles") },
        ]}
        onChange={(value) => {
          setDetails(value as FeedDetails);
          create.reset();
        }}
      />
      <p className="field-hint">{t(`feed.hint_${details}`)}</p>
      <ErrorNotice error={create.error} />
      {create.data ? <FeedAddress address={create.data} /> : (
        <div className="actions">
          <Button
            look="primary"
            isBusy={create.isPending}
            onClick={() => create.mutate()}
          >
            <CalendarSync aria-hidden size={18} />
            {t("feed.create")}
          </Button>
        </div>
      )}
    </div>
  );
}

export function FeedAddress({ address }: { address: string }) {
  const { t } = useTranslation("patient");
  const [isCopied, setCopied] = useState(false);
  return (
    <div className="secret" role="status">
      <p>
        <strong>{t("feed.once")}</strong>
      </p>
      <input
        readOnly
        aria-label={t("feed.address")}
        value={address}
        onFocus={(event) => event.target.select()}
      />
      <div className="actions">
        <a
          className="button button-primary"
          href={address.replace(/^https?:/, "webcal:")}
        >
          <CalendarSync aria-hidden size={18} />
          {t("feed.subscribe")}
        </a>
        <Button
          onClick={() =>
            void navigator.clipboard.writeText(address).then(
              () => setCopied(true),
              () => setCopied(false),
            )}
        >
          <Copy aria-hidden size={18} />
          {t(isCopied ? "feed.copied" : "feed.copy")}
        </Button>
      </div>
    </div>
  );
}
