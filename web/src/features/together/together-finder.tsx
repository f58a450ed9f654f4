import { useQueries } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Segments } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { partOf, PARTS } from "../slots/slot-grid";
import { now } from "@/lib/clock";
import { addDays, dayOf, startOfDay } from "@/lib/zoned-time";
import { type Clinic, serviceOf } from "../clinics/get-clinic";
import { slotsQuery } from "../slots/open-slots";
import type { PersonsVisit } from "./book-together";
import { type Manner, plansFor } from "./plan-together";
import { PlanList } from "./plan-list";

export interface Asked {
  patientId: string;
  name: string;
  serviceId: string;
}

interface TogetherFinderProps {
  clinic: Clinic;
  asked: Asked[];
  onChoose: (visits: PersonsVisit[]) => void;
}

const SPAN_DAYS = 14;
const SHOWN = 6;

/** Times that suit everybody asked for, in the coming days. */
export function TogetherFinder(
  { clinic, asked, onChoose }: TogetherFinderProps,
) {
  const { t } = useTranslation(["patient", "common"]);
  const [manner, setManner] = useState<Manner>("in_turn");
  const [part, setPart] = useState("any");
  const [shown, setShown] = useState(SHOWN);
  const [span, setSpan] = useState(() => spanFrom(dayOf(now(), clinic.time_zone), clinic));
  const serviceIds = [...new Set(asked.map(({ serviceId }) => serviceId))];
  const answers = useQueries({
    queries: serviceIds.map((serviceId) =>
      slotsQuery({
        serviceId,
        from: span.from,
        to: span.to,
        providerId: null,
        placeId: null,
      })
    ),
  });
  const isLoading = answers.some(({ isPending }) => isPending);
  const error = answers.find((answer) => answer.error)?.error;
  const slots = useMemo(
    () => new Map(serviceIds.map((id, index) => [id, answers[index]?.data ?? []])),
    [serviceIds.join(), ...answers.map(({ data }) => data)],
  );
  const plans = useMemo(() =>
    plansFor(
      asked.map(({ serviceId }, index) => {
        const service = serviceOf(clinic, serviceId);
        const all = slots.get(serviceId) ?? [];
        return {
          slots: index === 0 && part !== "any"
            ? all.filter((slot) => partOf(slot.starts_at, clinic.time_zone) === part)
            : all,
          bufferBefore: service.buffer_before_minutes,
          bufferAfter: service.buffer_after_minutes,
        };
      }),
      manner,
      200,
    ), [slots, manner, part, clinic, asked]);

  return (
    <section aria-labelledby="together-times" className="together-times">
      <h2 id="together-times">{t("together.times")}</h2>
      <div className="filters">
        <Segments
          label={t("together.manner")}
          value={manner}
          options={(["in_turn", "at_once"] as const).map((value) => ({
            value,
            label: t(`together.${value}`),
          }))}
          onChange={(value) => setManner(value as Manner)}
        />
        <Segments
          label={t("common:slots.part")}
          value={part}
          options={(["any", ...PARTS] as const).map((value) => ({
            value,
            label: t(`common:slots.part_${value}`),
          }))}
          onChange={setPart}
        />
      </div>
      <ErrorNotice error={error}>
        <Button
          onClick={() => answers.forEach((answer) => void answer.refetch())}
        >
          {t("common:app.retry")}
        </Button>
      </ErrorNotice>
      {isLoading && (
        <div
          className="bone"
          role="status"
          aria-label={t("common:app.loading")}
        />
      )}
      {!isLoading && !error && plans.length === 0 && (
        <div className="empty">
          <p>{t("together.none")}</p>
          <Button
            look="primary"
            onClick={() => setSpan(spanFrom(span.next, clinic))}
          >
            {t("common:slots.next_days")}
          </Button>
        </div>
      )}
      <PlanList
        clinic={clinic}
        asked={asked}
        plans={plans.slice(0, shown)}
        onChoose={onChoose}
      />
      {plans.length > shown && (
        <div className="actions">
          <Button onClick={() => setShown(shown + SHOWN)}>
            {t("together.more")}
          </Button>
        </div>
      )}
    </section>
  );
}

function spanFrom(day: string, clinic: Clinic) {
  const next = addDays(day, SPAN_DAYS);
  return {
    from: startOfDay(day, clinic.time_zone),
    to: startOfDay(next, clinic.time_zone),
    next,
  };
}
