import "@/styles/day.css";
import "@/styles/desk.css";
import { useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { CalendarPlus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { Button } from "@/components/button";
import { Page } from "@/components/page";
import { PersonMark } from "@/components/person-mark";
import { paths } from "@/config/paths";
import { offeringsQuery } from "@/features/desk/get-offerings";
import { PatientCard } from "@/features/desk/patient-card";
import { patientQuery } from "@/features/desk/patient-card-data";
import { QuickBook } from "@/features/desk/quick-book";
import { Toast, type Told } from "@/features/desk/toast";
import { useWorkplace } from "@/features/workplace/workplace";
import { now } from "@/lib/clock";
import { dayOf } from "@/lib/zoned-time";

export function Component() {
  const { t } = useTranslation("desk");
  const { patientId = "" } = useParams();
  const { clinicId, clinic, zone } = useWorkplace();
  const { data: { patient } } = useSuspenseQuery(
    patientQuery(clinicId, patientId),
  );
  const { data: offerings } = useQuery(offeringsQuery(clinicId));
  const [isBooking, setBooking] = useState(false);
  const [told, tell] = useState<Told | null>(null);
  return (
    <Page
      title={patient.full_name}
      mark={<PersonMark name={patient.full_name} />}
      back={{ to: paths.staff(clinicId, "patients"), label: t("patient.all") }}
    >
      <div className="actions">
        <Button look="primary" onClick={() => setBooking(true)}>
          <CalendarPlus aria-hidden size={18} />
          {t("book.title")}
        </Button>
      </div>
      <PatientCard clinicId={clinicId} patientId={patientId} />
      {isBooking && offerings && (
        <QuickBook
          clinicId={clinicId}
          zone={zone}
          day={dayOf(now(), zone)}
          services={offerings.services}
          providers={clinic.providers.filter(({ active }) => active)}
          picked={null}
          patient={patient}
          onClose={() => setBooking(false)}
          onBooked={(text) => tell({ text })}
        />
      )}
      <Toast told={told} onGone={() => tell(null)} />
    </Page>
  );
}
