import "@/styles/desk.css";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Page } from "@/components/page";
import { paths } from "@/config/paths";
import { PatientSearch } from "@/features/desk/patient-picker";
import { useWorkplace } from "@/features/workplace/workplace";

export function Component() {
  const { t } = useTranslation("desk");
  const { clinicId } = useWorkplace();
  const navigate = useNavigate();
  const [typed, setTyped] = useState("");
  return (
    <Page title={t("patient.title")} lead={t("patient.lead")} isNarrow>
      <PatientSearch
        clinicId={clinicId}
        typed={typed}
        onType={setTyped}
        onChoose={({ id }) => void navigate(paths.staff(clinicId, `patients/${id}`))}
      />
    </Page>
  );
}
