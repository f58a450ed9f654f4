import { useId } from "react";
import { useTranslation } from "react-i18next";

export interface Bar {
  key: string;
  label: string;
  /** Null: there is nothing to say about it. */
  value: number | null;
  /** The value as people read it. */
  text: string;
  /** What it is made of, e.g. "12 of 80". */
  detail?: string;
}

interface BarChartProps {
  title: string;
  lead?: string;
  /** What the labels are, and what the values: headings of the table. */
  of: string;
  measure: string;
  bars: Bar[];
  /** What a full bar stands for; left out: the largest. */
  full?: number;
  tone?: "accent" | "warn" | "bad";
}

/** Horizontal bars for those who see them, the same as a table for those who listen. */
export function BarChart(
  { title, lead, of, measure, bars, full, tone = "accent" }: BarChartProps,
) {
  const { t } = useTranslation("manage");
  const id = useId();
  const largest = full ?? Math.max(0, ...bars.map(({ value }) => value ?? 0));
  const part = (value: number | null) =>
    value && largest > 0 ? Math.min(100, (100 * value) / largest) : 0;
  return (
    <figure className="card card-form chart" aria-labelledby={id}>
      <figcaption>
        <h2 id={id}>{title}</h2>
        {lead && <p className="muted small">{lead}</p>}
      </figcaption>
      {bars.length === 0 ? <p className="muted">{t("numbers.nothing")}</p> : (
        <>
          <div className={`bars bars-${tone}`} aria-hidden>
            {bars.map((bar) => (
              <div className="bar" key={bar.key}>
                <span className="bar-label">{bar.label}</span>
                <svg
                  className="bar-track"
                  width="100%"
                  height="14"
                  preserveAspectRatio="none"
                >
                  <rect
                    className="bar-ground"
                    width="100%"
                    height="14"
                    rx="7"
                  />
                  <rect
                    className="bar-value"
                    width={`${part(bar.value)}%`}
                    height="14"
                    rx="7"
                  />
                </svg>
                <span className="bar-text">
                  <strong>{bar.text}</strong>
                  {bar.detail && <span className="muted small">{bar.detail}</span>}
                </span>
              </div>
            ))}
          </div>
          <div className="visually-hidden">
            <table>
              <caption>{title}</caption>
              <thead>
                <tr>
                  <th scope="col">{of}</th>
                  <th scope="col">{measure}</th>
                </tr>
              </thead>
              <tbody>
                {bars.map((bar) => (
                  <tr key={bar.key}>
                    <th scope="row">{bar.label}</th>
                    <td>
                      {bar.detail ? `${bar.text} (${bar.detail})` : bar.text}
                    </td>
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
