import { useId } from "react";
import { useTranslation } from "react-i18next";
import { useMediaQuery } from "@/features/calendar/use-media-query";

interface Column {
  key: string;
  label: string;
  /** From the bottom up. */
  parts: { name: ColumnPart; value: number }[];
}

type ColumnPart = "attended" | "open" | "missed" | "cancelled";

interface ColumnChartProps {
  title: string;
  lead?: string;
  of: string;
  names: { name: ColumnPart; label: string }[];
  columns: Column[];
}

const HEIGHT = 240;
const FOOT = 28;
const SIDE = 44;

/** Stacked columns over time, with the same numbers as a table. */
export function ColumnChart(
  { title, lead, of, names, columns }: ColumnChartProps,
) {
  const { t } = useTranslation("manage");
  const id = useId();
  // Drawn anew for a phone, since letters would shrink with the drawing.
  const isNarrow = useMediaQuery("(max-width: 45rem)");
  const chartWidth = isNarrow ? 400 : 960;
  const sums = columns.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0));
  const top = roundUp(Math.max(1, ...sums));
  const step = (chartWidth - SIDE) / Math.max(1, columns.length);
  const width = Math.min(56, step * 0.72);
  const heightOf = (value: number) => (value / top) * (HEIGHT - FOOT - 12);
  const every = Math.ceil(columns.length / (isNarrow ? 5 : 13));
  return (
    <figure className="card card-form chart chart-wide" aria-labelledby={id}>
      <figcaption>
        <h2 id={id}>{title}</h2>
        {lead && <p className="muted small">{lead}</p>}
      </figcaption>
      {columns.length === 0 ? <p className="muted">{t("numbers.nothing")}</p> : (
        <>
          <ul className="legend" aria-hidden>
            {names.map(({ name, label }) => (
              <li key={name}>
                <span className={`swatch part-${name}`} />
                {label}
              </li>
            ))}
          </ul>
          <svg
            className="columns"
            viewBox={`0 0 ${chartWidth} ${HEIGHT}`}
            aria-hidden
          >
            {[0, 0.5, 1].map((share) => {
              const y = HEIGHT - FOOT - heightOf(top * share);
              return (
                <g key={share}>
                  <line
                    className="grid-line"
                    x1={SIDE}
                    x2={chartWidth}
                    y1={y}
                    y2={y}
                  />
                  <text
                    className="axis"
                    x={SIDE - 8}
                    y={y + 5}
                    textAnchor="end"
                  >
                    {Math.round(top * share)}
                  </text>
                </g>
              );
            })}
            {columns.map((column, index) => {
              let y = HEIGHT - FOOT;
              const x = SIDE + step * index + (step - width) / 2;
              return (
                <g key={column.key}>
                  {column.parts.map(({ name, value }) => {
                    y -= heightOf(value);
                    return (
                      <rect
                        key={name}
                        className={`part-${name}`}
                        x={x}
                        y={y}
                        width={width}
                        height={heightOf(value)}
                      />
                    );
                  })}
                  {index % every === 0 && (
                    <text
                      className="axis"
                      x={x + width / 2}
                      y={HEIGHT - 8}
                      textAnchor="middle"
                    >
                      {column.label}
                    </text>
                  )}
                </g>
              );
            })}
          </svg>
          <div className="visually-hidden">
            <table>
              <caption>{title}</caption>
              <thead>
                <tr>
                  <th scope="col">{of}</th>
                  {names.map(({ name, label }) => <th scope="col" key={name}>{label}</th>)}
                </tr>
              </thead>
              <tbody>
                {columns.map((column) => (
                  <tr key={column.key}>
                    <th scope="row">{column.label}</th>
                    {names.map(({ name }) => (
                      <td key={name}>
                        {column.parts.find((part) => part.name === name)
                          ?.value ?? 0}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </figure>
  );
}

/** To a number that halves well. */
function roundUp(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  const steps = [1, 2, 4, 6, 8, 10];
  return Math.max(2, unit * (steps.find((step) => step * unit >= value) ?? 10));
}
