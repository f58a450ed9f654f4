import { useQuery } from "@tanstack/react-query";
import { Eye } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { useLanguage } from "@/lib/hooks";
import { clockTime, formatter } from "@/lib/zoned-time";
import type { DayVisit } from "../day/day-visits";
import { ContactFacts } from "./contact-facts";
import { patientQuery, type PatientVisit } from "./patient-card-data";

/** Who comes: when they were here, when they come again, and, on request, how they are reached. */
export function VisitPatient({ clinicId, visit }: { clinicId: string; visit: DayVisit }) {
  const { t } = useTranslation("desk");
  const language = useLanguage();
  const [isAsked, setAsked] = useState(false);
  const { data } = useQuery(patientQuery(clinicId, visit.patient_id));
  const day = ({ starts_at, locations, services }: PatientVisit) => {
    const zone = locations.time_zone;
    const on = formatter(language, zone, { day: "numeric", month: "short", year: "numeric" });
    return `${on.format(new Date(starts_at))}, ${
      clockTime(starts_at, zone, language)
    } · ${services.name}`;
  };
  const others = data?.visits.filter(({ id, status }) => id !== visit.id && status !== "cancelled");
  // The latest comes first.
  const last = others?.find(({ starts_at }) => starts_at < visit.starts_at);
  const next = others?.findLast(({ starts_at }) => starts_at > visit.starts_at);
  return (
    <section className="visit-patient" aria-label={t("visit.patient")}>
      {data && (
        <dl className="facts">
          <dt>{t("visit.last")}</dt>
          <dd>{last ? day(last) : t("visit.first_visit")}</dd>
          {next && (
            <>
              <dt>{t("visit.next")}</dt>
              <dd>{day(next)}</dd>
            </>
          )}
          {last && (
            <>
              <dt>{t("visit.so_far")}</dt>
              <dd>
                {t("visit.attendance", {
                  attended: data.attendance?.attended ?? 0,
                  missed: data.attendance?.no_shows ?? 0,
                })}
              </dd>
            </>
          )}
        </dl>
      )}
      {isAsked ? <ContactFacts patientId={visit.patient_id} /> : (
        <div className="reasons">
          <Button onClick={() => setAsked(true)}>
            <Eye aria-hidden size={18} />
            {t("visit.show_contacts")}
          </Button>
          <p className="muted small">{t("sheet.on_record")}</p>
        </div>
      )}
    </section>
  );
}
