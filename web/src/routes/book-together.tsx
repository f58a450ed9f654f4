import "@/styles/together.css";
import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { ErrorNotice } from "@/components/notice";
import { Page } from "@/components/page";
import { When } from "@/components/when";
import { paths } from "@/config/paths";
import { NameForm } from "@/features/booking/name-form";
import type { PatientRecord } from "@/features/booking/patient-records";
import { usePatientRecords } from "@/features/booking/use-patient";
import { type Clinic, clinicQuery, serviceOf } from "@/features/clinics/get-clinic";
import { SignedInOnly } from "@/features/sign-in/signed-in-only";
import { bookTogether, type PersonsVisit } from "@/features/together/book-together";
import { type Chosen, WhoComes } from "@/features/together/who-comes";
import { TogetherFinder } from "@/features/together/together-finder";

export function Component() {
  return (
    <SignedInOnly>
      {({ user }) => <BookTogether userId={user.id} />}
    </SignedInOnly>
  );
}

function BookTogether({ userId }: { userId: string }) {
  const { t } = useTranslation("patient");
  const { slug = "" } = useParams();
  const { data: clinic } = useSuspenseQuery(clinicQuery(slug));
  const patients = usePatientRecords(clinic.id, userId, "");
  return (
    <Page
      title={t("together.title")}
      lead={t("together.lead")}
      back={{ to: paths.clinic(slug), label: clinic.name }}
    >
      {patients.needsName && (
        <NameForm
          error={patients.error}
          isBusy={patients.isRegistering}
          onName={patients.register}
        />
      )}
      {!patients.needsName && <ErrorNotice error={patients.error} />}
      {patients.records && <Choosing clinic={clinic} records={patients.records} userId={userId} />}
    </Page>
  );
}

function Choosing({ clinic, records, userId }: {
  clinic: Clinic;
  records: PatientRecord[];
  userId: string;
}) {
  const { t } = useTranslation("patient");
  const [chosen, setChosen] = useState<Chosen>({});
  const [visits, setVisits] = useState<PersonsVisit[] | null>(null);
  const asked = records.flatMap(({ id, full_name }) => {
    const serviceId = chosen[id];
    return serviceId ? [{ patientId: id, name: full_name, serviceId }] : [];
  });
  return (
    <>
      <WhoComes
        clinic={clinic}
        records={records}
        userId={userId}
        chosen={chosen}
        onChange={setChosen}
      />
      {asked.length < 2
        ? <p className="muted" role="status">{t("together.at_least_two")}</p>
        : (
          <TogetherFinder
            key={asked.map(({ patientId, serviceId }) => patientId + serviceId)
              .join()}
            clinic={clinic}
            asked={asked}
            onChoose={setVisits}
          />
        )}
      {visits && (
        <BookDialog
          key={visits.map(({ slot }) => slot.starts_at + slot.provider_id)
            .join()}
          clinic={clinic}
          records={records}
          visits={visits}
          onClose={() => setVisits(null)}
        />
      )}
    </>
  );
}

function BookDialog({ clinic, records, visits, onClose }: {
  clinic: Clinic;
  records: PatientRecord[];
  visits: PersonsVisit[];
  onClose: () => void;
}) {
  const { t } = useTranslation(["patient", "common"]);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [requestId] = useState(() => crypto.randomUUID());
  const book = useMutation({
    mutationFn: () => bookTogether(visits, requestId),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["visits"] });
      await navigate(`${paths.visits}?together=1`, { replace: true });
    },
    onError: () => void queries.invalidateQueries({ queryKey: ["slots"] }),
  });
  return (
    <Dialog title={t("together.confirm_title")} isOpen onClose={onClose}>
      <dl className="from-to">
        {visits.map(({ patientId, serviceId, slot }) => (
          <div key={patientId}>
            <dt>
              {records.find(({ id }) => id === patientId)?.full_name} ·{" "}
              {serviceOf(clinic, serviceId).name} ·{" "}
              {clinic.providers.find(({ id }) => id === slot.provider_id)
                ?.full_name}
            </dt>
            <dd>
              <When
                startsAt={slot.starts_at}
                zone={clinic.locations.find(({ id }) => id === slot.location_id)
                  ?.time_zone ??
                  clinic.time_zone}
              />
            </dd>
          </div>
        ))}
      </dl>
      <p className="muted">{t("together.all_or_none")}</p>
      <ErrorNotice error={book.error} />
      <div className="actions">
        <Button
          look="primary"
          isBusy={book.isPending}
          onClick={() => book.mutate()}
        >
          {t("together.book")}
        </Button>
        <Button onClick={onClose}>{t("common:confirm.other_time")}</Button>
      </div>
    </Dialog>
  );
}
