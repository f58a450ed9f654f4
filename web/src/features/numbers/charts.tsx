import { useTranslation } from "react-i18next";
import { useLanguage } from "@/lib/hooks";
import { type Bar, BarChart } from "./bar-chart";
import { ColumnChart } from "./column-chart";
import { type Numbers, rowsBy } from "./get-numbers";
import { count, decimal, nameOf, percent } from "./in-words";
import type { Group } from "./numbers-board";
import { Tiles } from "./tiles";

interface ChartsProps {
  numbers: Numbers[];
  group: Group;
}

/** More weeks than these are shown by month. */
const MOST_WEEKS = 26;

/** What the numbers say: in total, over time, and side by side. */
export function Charts({ numbers, group }: ChartsProps) {
  const [total] = rowsBy(numbers, "total");
  if (!total) return null;
  return (
    <>
      <Tiles total={total} />
      <OverTime numbers={numbers} />
      <div className="charts">
        <ByGroup rows={rowsBy(numbers, group)} group={group} />
        <LeadTimes total={total} />
        <Reminders total={total} />
      </div>
    </>
  );
}

function OverTime({ numbers }: { numbers: Numbers[] }) {
  const { t } = useTranslation("manage");
  const language = useLanguage();
  const weeks = rowsBy(numbers, "week");
  const isByWeek = weeks.length <= MOST_WEEKS;
  const rows = isByWeek ? weeks : rowsBy(numbers, "month");
  return (
    <ColumnChart
      title={t(isByWeek ? "chart.weeks" : "chart.months")}
      of={t(isByWeek ? "chart.week" : "chart.month")}
      names={(["attended", "open", "missed", "cancelled"] as const).map((
        name,
      ) => ({
        name,
        label: t(`chart.${name}`),
      }))}
      columns={rows.map((row) => ({
        key: row.key ?? "",
        label: nameOf(row, language),
        parts: [
          { name: "attended", value: row.attended },
          { name: "open", value: row.visits - row.attended - row.missed },
          { name: "missed", value: row.missed },
          { name: "cancelled", value: row.cancelled },
        ],
      }))}
    />
  );
}

function ByGroup({ rows, group }: { rows: Numbers[]; group: Group }) {
  const { t } = useTranslation("manage");
  const language = useLanguage();
  const bars = (
    describe: (row: Numbers) => Omit<Bar, "key" | "label">,
  ): Bar[] =>
    rows.map((row) => ({
      key: row.key ?? "",
      label: nameOf(row, language),
      ...describe(row),
    }));
  const hours = (minutes: number) => decimal(minutes / 60, language);
  const of = (part: number, all: number) =>
    t("chart.of", {
      part: count(part, language),
      all: count(all, language),
    });
  const common = { of: t(`numbers.by_${group}`) };
  return (
    <>
      {group !== "service" && (
        <BarChart
          {...common}
          title={t("chart.utilisation")}
          lead={t("chart.utilisation_lead")}
          measure={t("chart.utilisation")}
          full={1}
          bars={bars(({ utilisation, booked_minutes, open_minutes }) => ({
            value: utilisation,
            text: percent(utilisation, language),
            detail: t("chart.hours_of", {
              booked: hours(booked_minutes),
              open: hours(open_minutes ?? 0),
            }),
          }))}
        />
      )}
      <BarChart
        {...common}
        title={t("chart.visits")}
        measure={t("chart.visits")}
        bars={bars(({ visits }) => ({
          value: visits,
          text: count(visits, language),
        }))}
      />
      <BarChart
        {...common}
        title={t("chart.no_shows")}
        lead={t("chart.no_shows_lead")}
        measure={t("chart.no_shows")}
        tone="bad"
        bars={bars(({ no_show_rate, missed, attended }) => ({
          value: no_show_rate,
          text: percent(no_show_rate, language),
          detail: of(missed, missed + attended),
        }))}
      />
      <BarChart
        {...common}
        title={t("chart.cancellations")}
        lead={t("chart.cancellations_lead")}
        measure={t("chart.cancellations")}
        tone="warn"
        bars={bars(({ cancellation_rate, cancelled, visits }) => ({
          value: cancellation_rate,
          text: percent(cancellation_rate, language),
          detail: of(cancelled, cancelled + visits),
        }))}
      />
      <BarChart
        {...common}
        title={t("chart.lead")}
        lead={t("chart.lead_lead")}
        measure={t("chart.lead_days")}
        bars={bars(({ lead_days }) => ({
          value: lead_days,
          text: decimal(lead_days, language),
        }))}
      />
      <BarChart
        {...common}
        title={t("chart.reminders_compared")}
        lead={t("chart.reminders_lead")}
        measure={t("chart.no_shows")}
        tone="bad"
        bars={rows.flatMap((row) =>
          (["reminded", "not_reminded"] as const).map((name) => ({
            key: `${row.key} ${name}`,
            label: t(`chart.group_${name}`, { name: nameOf(row, language) }),
            value: row[`${name}_no_show_rate`],
            text: percent(row[`${name}_no_show_rate`], language),
            detail: of(row[`${name}_missed`], row[name]),
          }))
        )}
      />
    </>
  );
}

function LeadTimes({ total }: { total: Numbers }) {
  const { t } = useTranslation("manage");
  const language = useLanguage();
  const spans = ["same_day", "within_week", "within_month", "earlier"] as const;
  const all = spans.reduce((sum, span) => sum + total[`booked_${span}`], 0);
  return (
    <BarChart
      title={t("chart.booked_ahead")}
      of={t("chart.booked")}
      measure={t("chart.visits")}
      full={all}
      bars={spans.map((span) => ({
        key: span,
        label: t(`chart.booked_${span}`),
        value: total[`booked_${span}`],
        text: count(total[`booked_${span}`], language),
        detail: percent(
          all > 0 ? total[`booked_${span}`] / all : null,
          language,
        ),
      }))}
    />
  );
}

function Reminders({ total }: { total: Numbers }) {
  const { t } = useTranslation("manage");
  const language = useLanguage();
  return (
    <BarChart
      title={t("chart.reminders")}
      lead={t("chart.reminders_lead")}
      of={t("chart.reminder")}
      measure={t("chart.no_shows")}
      tone="bad"
      bars={(["reminded", "not_reminded"] as const).map((name) => ({
        key: name,
        label: t(`chart.${name}`),
        value: total[`${name}_no_show_rate`],
        text: percent(total[`${name}_no_show_rate`], language),
        detail: t("chart.of", {
          part: total[`${name}_missed`],
          all: total[name],
        }),
      }))}
    />
  );
}
