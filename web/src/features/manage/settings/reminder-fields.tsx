import { Plus, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice } from "@/components/field";

interface ReminderFieldsProps {
  offsets: number[];
  onChange: (offsets: number[]) => void;
}

const HOUR = 60;
const DAY = 24 * HOUR;
const USUAL = [
  30,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  DAY,
  2 * DAY,
  3 * DAY,
  7 * DAY,
  14 * DAY,
];
const MOST = 5;

/** How long before a visit its patient is reminded, the earliest first. */
export function ReminderFields({ offsets, onChange }: ReminderFieldsProps) {
  const { t } = useTranslation("manage");
  const sorted = [...offsets].sort((one, other) => other - one);
  const inWords = (minutes: number) =>
    minutes % DAY === 0
      ? t("reminder.days", { count: minutes / DAY })
      : minutes % HOUR === 0
      ? t("reminder.hours", { count: minutes / HOUR })
      : t("reminder.minutes", { count: minutes });
  const next = USUAL.find((minutes) => minutes >= DAY && !offsets.includes(minutes));
  return (
    <fieldset className="reminders">
      <legend className="form-legend">{t("reminder.title")}</legend>
      {sorted.length === 0 && <p className="muted">{t("reminder.none")}</p>}
      <ul>
        {sorted.map((offset) => (
          <li key={offset}>
            <Choice
              label={t("reminder.one")}
              isLabelHidden
              value={String(offset)}
              options={[...new Set([...USUAL, offset])]
                .filter((minutes) => minutes === offset || !offsets.includes(minutes))
                .sort((one, other) => one - other)
                .map((minutes) => ({
                  value: String(minutes),
                  label: inWords(minutes),
                }))}
              onChange={(value) =>
                onChange(
                  sorted.map((
                    other,
                  ) => (other === offset ? Number(value) : other)),
                )}
            />
            <Button
              aria-label={t("reminder.remove", { when: inWords(offset) })}
              onClick={() => onChange(sorted.filter((other) => other !== offset))}
            >
              <X aria-hidden size={18} />
            </Button>
          </li>
        ))}
      </ul>
      {next !== undefined && sorted.length < MOST && (
        <Button onClick={() => onChange([...sorted, next])}>
          <Plus aria-hidden size={18} />
          {t("reminder.add")}
        </Button>
      )}
      <p className="field-hint">{t("reminder.hint")}</p>
    </fieldset>
  );
}
