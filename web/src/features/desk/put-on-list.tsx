import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice, Field, Segments } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import type { Service } from "./get-offerings";
import { PatientPicker } from "./patient-picker";
import type { PatientName } from "./patients";
import { Sheet } from "./sheet";
import type { Told } from "./toast";
import { useListChange } from "./use-list-change";
import { putOnList, type Urgency } from "./waiting-entries";

interface PutOnListProps {
  clinicId: string;
  providers: { id: string; full_name: string }[];
  services: Service[];
  onClose: () => void;
  onTold: (told: Told) => void;
}

const URGENCIES = ["routine", "soon", "urgent"] as const;

/** Puts somebody on the waiting list who calls or stands at the desk. */
export function PutOnList({ clinicId, providers, services, onClose, onTold }: PutOnListProps) {
  const { t } = useTranslation("desk");
  const [patient, setPatient] = useState<PatientName | null>(null);
  const [serviceId, setServiceId] = useState(services[0]?.id ?? "");
  const [providerId, setProviderId] = useState("");
  const [earliest, setEarliest] = useState("");
  const [latest, setLatest] = useState("");
  const [urgency, setUrgency] = useState<Urgency>("routine");
  const put = useListChange(putOnList);
  const giving = providers.filter(({ id }) =>
    services.find((service) => service.id === serviceId)?.provider_services
      .some(({ provider_id }) => provider_id === id)
  );
  const isOutOfOrder = Boolean(earliest && latest && latest < earliest);
  return (
    <Sheet title={t("waiting.add")} isOpen onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!patient || isOutOfOrder || put.isPending) return;
          put.mutate(
            { serviceId, patientId: patient.id, providerId, earliest, latest, urgency },
            {
              onSuccess: () => {
                onTold({ text: t("waiting.added", { name: patient.full_name }) });
                onClose();
              },
            },
          );
        }}
      >
        <PatientPicker clinicId={clinicId} value={patient} onChange={setPatient} />
        <Choice
          label={t("book.service")}
          value={serviceId}
          options={services.map(({ id, name }) => ({ value: id, label: name }))}
          onChange={(id) => {
            setServiceId(id);
            setProviderId("");
          }}
        />
        <Choice
          label={t("book.provider")}
          value={providerId}
          options={[
            { value: "", label: t("book.any_provider") },
            ...giving.map(({ id, full_name }) => ({ value: id, label: full_name })),
          ]}
          onChange={setProviderId}
        />
        <div className="pair">
          <Field
            label={t("waiting.earliest")}
            type="date"
            value={earliest}
            onChange={({ target }) => setEarliest(target.value)}
          />
          <Field
            label={t("waiting.latest")}
            type="date"
            value={latest}
            error={isOutOfOrder ? t("block.order") : undefined}
            onChange={({ target }) => setLatest(target.value)}
          />
        </div>
        <Segments
          label={t("waiting.urgency")}
          value={urgency}
          options={URGENCIES.map((value) => ({ value, label: t(`waiting.urgency_${value}`) }))}
          onChange={(value) => setUrgency(URGENCIES.find((known) => known === value) ?? "routine")}
        />
        <ErrorNotice error={put.error} />
        <div className="actions desk-sheet-actions">
          <Button type="submit" look="primary" isBusy={put.isPending || !patient}>
            {t("waiting.add_do")}
          </Button>
          <Button onClick={onClose}>{t("sheet.cancel")}</Button>
        </div>
      </form>
    </Sheet>
  );
}
