import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice, Field } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { useLanguage } from "@/lib/hooks";
import { useUnsaved } from "@/lib/unsaved";
import { clockTime, type Day } from "@/lib/zoned-time";
import { bookFor, type ChosenTime } from "./book-visit";
import type { Service } from "./get-offerings";
import { PatientPicker } from "./patient-picker";
import type { PatientName } from "./patients";
import { Sheet } from "./sheet";
import { TimeChooser } from "./time-chooser";
import { useRequestId } from "./use-request-id";

interface QuickBookProps {
  clinicId: string;
  zone: string;
  day: Day;
  services: Service[];
  providers: { id: string; full_name: string }[];
  /** The cell that was chosen on the board. */
  picked: { at: number; providerId: string | null } | null;
  patient?: PatientName | null;
  onClose: () => void;
  onBooked: (told: string) => void;
}

/** Books for somebody at the desk or on the phone: who, what, when. */
export function QuickBook(props: QuickBookProps) {
  const { t } = useTranslation("desk");
  return (
    <Sheet title={t("book.title")} isOpen onClose={props.onClose}>
      <QuickBookForm {...props} />
    </Sheet>
  );
}

function QuickBookForm(
  { clinicId, zone, day, services, providers, picked, patient: given, onClose, onBooked }:
    QuickBookProps,
) {
  const { t } = useTranslation("desk");
  const language = useLanguage();
  const queries = useQueryClient();
  const requestId = useRequestId();
  const offered = picked?.providerId
    ? services.filter(({ provider_services }) =>
      provider_services.some(({ provider_id }) => provider_id === picked.providerId)
    )
    : services;
  const [patient, setPatient] = useState<PatientName | null>(given ?? null);
  const [serviceId, setServiceId] = useState(offered[0]?.id ?? "");
  const [time, setTime] = useState<ChosenTime | null>(
    picked ? { ...picked, overbookReason: "" } : null,
  );
  const [reason, setReason] = useState("");
  useUnsaved(reason !== "" || patient !== (given ?? null));
  const service = services.find(({ id }) => id === serviceId);
  const giving = providers.filter(({ id }) =>
    service?.provider_services.some(({ provider_id }) => provider_id === id)
  );

  const book = useMutation({
    mutationFn: (booking: Parameters<typeof bookFor>[0]) => bookFor(booking, requestId(booking)),
    onSuccess: ({ starts_at }) => {
      onBooked(t("book.booked", {
        name: patient?.full_name ?? "",
        time: clockTime(starts_at, zone, language),
      }));
      onClose();
    },
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["day"] });
      void queries.invalidateQueries({ queryKey: ["slots"] });
      void queries.invalidateQueries({ queryKey: ["why"] });
    },
  });
  const isReady = patient !== null && time !== null && serviceId !== "";
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isReady || book.isPending) return;
        book.mutate({ ...time, serviceId, patientId: patient.id, reason });
      }}
    >
      <PatientPicker clinicId={clinicId} value={patient} onChange={setPatient} />
      <Choice
        label={t("book.service")}
        value={serviceId}
        options={offered.map(({ id, name }) => ({ value: id, label: name }))}
        onChange={setServiceId}
      />
      {serviceId && (
        <TimeChooser
          key={serviceId}
          serviceId={serviceId}
          providers={giving}
          zone={zone}
          day={day}
          providerId={picked?.providerId ?? null}
          value={time}
          onChange={setTime}
          mayOverbook
        />
      )}
      <Field
        label={t("book.reason")}
        hint={t("book.reason_hint")}
        maxLength={2000}
        value={reason}
        onChange={({ target }) => setReason(target.value)}
      />
      <ErrorNotice error={book.error} />
      <div className="actions desk-sheet-actions">
        <Button type="submit" look="primary" isBusy={book.isPending || !isReady}>
          {time?.overbookReason.trim() ? t("book.squeeze_in") : t("book.book")}
        </Button>
        <Button onClick={onClose}>{t("sheet.cancel")}</Button>
      </div>
    </form>
  );
}
