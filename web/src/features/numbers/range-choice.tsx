import { useTranslation } from "react-i18next";
import { Choice, Field } from "@/components/field";
import type { Day } from "@/lib/zoned-time";
import { mistakeOf, type Range, rangeOf, type Span, SPANS } from "./range";

interface RangeChoiceProps {
  span: Span;
  range: Range;
  today: Day;
  onChange: (span: Span, range: Range) => void;
}

/** Which days are counted: a usual span, or from day to day. */
export function RangeChoice(
  { span, range, today, onChange }: RangeChoiceProps,
) {
  const { t } = useTranslation("manage");
  const mistake = mistakeOf(range);
  const own = (changes: Partial<Range>) => onChange("own", { ...range, ...changes });
  return (
    <>
      <Choice
        label={t("numbers.span")}
        value={span}
        options={SPANS.map((value) => ({ value, label: t(`span.${value}`) }))}
        onChange={(value) => {
          const chosen = SPANS.find((known) => known === value) ?? "4_weeks";
          onChange(chosen, chosen === "own" ? range : rangeOf(chosen, today));
        }}
      />
      {span === "own" && (
        <>
          <Field
            label={t("numbers.from")}
            type="date"
            value={range.from}
            onChange={({ target }) => own({ from: target.value })}
          />
          <Field
            label={t("numbers.until")}
            type="date"
            value={range.until}
            error={mistake && t(`numbers.mistake_${mistake}`)}
            onChange={({ target }) => own({ until: target.value })}
          />
        </>
      )}
    </>
  );
}
