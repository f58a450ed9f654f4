import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Button } from "@/components/button";
import { Choice } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { PageLoading } from "@/components/page";
import { useWorkplace } from "@/features/workplace/workplace";
import { now } from "@/lib/clock";
import { saveFile } from "@/lib/save-file";
import { dayOf } from "@/lib/zoned-time";
import { Charts } from "./charts";
import { numbersQuery } from "./get-numbers";
import { numbersCsv } from "./numbers-csv";
import { mistakeOf, type Range, rangeOf, type Span, SPANS } from "./range";
import { RangeChoice } from "./range-choice";

export const GROUPS = ["provider", "service", "weekday"] as const;
export type Group = (typeof GROUPS)[number];

/** A clinic's numbers; what is looked at stands in the address, so that it can be passed on. */
export function NumbersBoard() {
  const { t } = useTranslation("manage");
  const { clinicId, clinic, zone } = useWorkplace();
  const [search, setSearch] = useSearchParams();
  const today = dayOf(now(), zone);
  const span: Span = SPANS.find((value) => value === search.get("span")) ??
    "3_months";
  const range: Range = span === "own"
    ? { from: search.get("from") ?? "", until: search.get("until") ?? "" }
    : rangeOf(span, today);
  const group = GROUPS.find((value) => value === search.get("by")) ??
    "provider";
  const isCountable = mistakeOf(range) === undefined;
  const numbers = useQuery({
    ...numbersQuery(clinicId, range.from, range.until),
    enabled: isCountable,
    placeholderData: keepPreviousData,
  });
  const look = (changes: Record<string, string>) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      for (const [name, value] of Object.entries(changes)) {
        next.set(name, value);
      }
      return next;
    }, { replace: true });
  return (
    <div className="numbers">
      <div className="filters card">
        <RangeChoice
          span={span}
          range={range}
          today={today}
          onChange={(chosen, { from, until }) =>
            look({ span: chosen, ...(chosen === "own" && { from, until }) })}
        />
        <Choice
          label={t("numbers.by")}
          value={group}
          options={GROUPS.map((value) => ({
            value,
            label: t(`numbers.by_${value}`),
          }))}
          onChange={(by) => look({ by })}
        />
        <Button
          disabled={!numbers.data}
          onClick={() =>
            numbers.data &&
            saveFile(
              `${clinic.slug}-${range.from}-${range.until}.csv`,
              numbersCsv(numbers.data),
            )}
        >
          <Download aria-hidden size={18} />
          {t("numbers.export")}
        </Button>
      </div>
      <ErrorNotice error={numbers.error} />
      {isCountable && numbers.isPending && <PageLoading />}
      {numbers.data && <Charts numbers={numbers.data} group={group} />}
    </div>
  );
}
