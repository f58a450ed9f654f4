import { useSuspenseQuery } from "@tanstack/react-query";
import { CalendarOff, CalendarPlus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { ErrorNotice } from "@/components/notice";
import { useLanguage } from "@/lib/hooks";
import { type Day, formatter } from "@/lib/zoned-time";
import { type Exception, exceptionsQuery, removeException } from "./exceptions";
import { OutsideDialog } from "./outside-dialog";
import { useCheckedChange } from "./use-checked-change";

interface ExceptionsListProps {
  clinicId: string;
  providerId: string;
  today: Day;
  zone: string;
  mayChangeClinic: boolean;
}

/** Absences, extra hours and the clinic's closures from today on. */
export function ExceptionsList(
  { clinicId, providerId, today, zone, mayChangeClinic }: ExceptionsListProps,
) {
  const { t } = useTranslation("provider");
  const { data: exceptions } = useSuspenseQuery(
    exceptionsQuery(clinicId, providerId, today),
  );
  const removal = useCheckedChange(removeException, () => undefined);
  if (exceptions.length === 0) {
    return <p className="muted">{t("exceptions.none")}</p>;
  }
  return (
    <>
      <ErrorNotice error={removal.isAsking ? null : removal.error} />
      <ul className="cards">
        {exceptions.map((exception) => (
          <li className="card" key={exception.id}>
            {exception.kind === "closed"
              ? <CalendarOff aria-hidden size={20} />
              : <CalendarPlus aria-hidden size={20} />}
            <div className="card-body">
              <strong>
                <Days exception={exception} />
              </strong>
              <span className="muted">
                {[
                  t(`exceptions.kind_${exception.kind}`),
                  exception.provider_id === null &&
                  t("exceptions.whole_clinic"),
                  exception.reason,
                ].filter(Boolean).join(" · ")}
              </span>
            </div>
            {(exception.provider_id !== null || mayChangeClinic) && (
              <Button
                isBusy={removal.isBusy}
                onClick={() => removal.ask(exception.id)}
              >
                {t("exceptions.remove")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <OutsideDialog change={removal} zone={zone} />
    </>
  );
}

function Days({ exception }: { exception: Exception }) {
  const language = useLanguage();
  const format = formatter(language, "UTC", { dateStyle: "medium" });
  const first = new Date(`${exception.starts_on}T12:00:00Z`);
  const last = new Date(`${exception.ends_on}T12:00:00Z`);
  const clock = exception.opens && exception.closes
    ? `, ${exception.opens.slice(0, 5)}–${exception.closes.slice(0, 5)}`
    : "";
  return <>{format.formatRange(first, last) + clock}</>;
}
