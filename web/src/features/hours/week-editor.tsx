import { Plus, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice, Field } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import { useUnsaved } from "@/lib/unsaved";
import { type Day, dayOf, formatter, fullDay } from "@/lib/zoned-time";
import { OutsideDialog } from "./outside-dialog";
import { useCheckedChange } from "./use-checked-change";
import {
  changesAhead,
  type Hours,
  lastDayOf,
  mistakesIn,
  setWeeklyHours,
  WEEKDAYS,
  weekOn,
  type WeekRow,
} from "./weekly-hours";

interface WeekEditorProps {
  providerId: string;
  location: { id: string; name: string; time_zone: string };
  rows: readonly WeekRow[];
}

/** One provider's weeks at one place, now and later; what a change breaks is shown before it is saved. */
export function WeekEditor({ providerId, location, rows }: WeekEditorProps) {
  const { t } = useTranslation("provider");
  const language = useLanguage();
  const today = dayOf(now(), location.time_zone);
  const ahead = changesAhead(rows, location.id, today);
  const [shown, setShown] = useState(today);
  const [edited, setEdited] = useState(() => weekOn(rows, location.id, today));
  const [validFrom, setValidFrom] = useState(today);
  const [validUntil, setValidUntil] = useState(() => lastDayOf(edited));
  const [isSaved, setSaved] = useState(false);
  const [isChanged, setChanged] = useState(false);
  useUnsaved(isChanged);
  const change = useCheckedChange(setWeeklyHours, () => {
    setSaved(true);
    setChanged(false);
    setShown(validFrom);
  });
  const mistakes = mistakesIn(edited);
  const endsEarly = validUntil !== "" && validUntil < validFrom;
  const replaced = ahead.filter((day) => day > validFrom);
  const show = (day: Day) => {
    const week = weekOn(rows, location.id, day);
    setShown(day);
    setValidFrom(day);
    setValidUntil(lastDayOf(week));
    edit(week);
    setChanged(false);
  };
  const edit = (next: Hours[]) => {
    setSaved(false);
    setChanged(true);
    setEdited(next);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (mistakes.size > 0 || !validFrom || endsEarly) return;
    change.ask({
      providerId,
      locationId: location.id,
      week: edited.map((hours) => ({ ...hours, validUntil: validUntil || hours.validUntil })),
      validFrom,
    });
  };
  return (
    <form className="card card-form week-editor" onSubmit={submit} noValidate>
      <h3>{location.name}</h3>
      {ahead.length > 0 && (
        <Choice
          label={t("hours.shown")}
          value={shown}
          options={[
            { value: today, label: t("hours.shown_now") },
            ...ahead.map((day) => ({
              value: day,
              label: t("hours.shown_from", {
                day: fullDay(`${day}T12:00:00Z`, "UTC", language),
              }),
            })),
          ]}
          onChange={show}
        />
      )}
      <ul className="week-days">
        {WEEKDAYS.map((weekday) => (
          <li key={weekday}>
            <WeekdayHours
              weekday={weekday}
              hours={edited.filter((hours) => hours.weekday === weekday)}
              mistakes={mistakes}
              onChange={(hours) =>
                edit([
                  ...edited.filter((other) => other.weekday !== weekday),
                  ...hours,
                ])}
            />
          </li>
        ))}
      </ul>
      <div className="pair">
        <Field
          label={t("hours.valid_from")}
          type="date"
          min={today}
          value={validFrom}
          error={validFrom ? undefined : t("hours.give_day")}
          onChange={(event) => setValidFrom(event.target.value)}
        />
        <Field
          label={t("hours.valid_until")}
          type="date"
          min={validFrom}
          value={validUntil}
          hint={validUntil ? undefined : t("hours.valid_until_hint")}
          error={endsEarly ? t("hours.ends_early") : undefined}
          onChange={({ target }) => {
            setValidUntil(target.value);
            edit(edited.map((hours) => ({ ...hours, validUntil: target.value || null })));
          }}
        />
      </div>
      {replaced.length > 0 && (
        <p className="muted">
          {t("hours.ahead", {
            days: replaced.map((day) => fullDay(`${day}T12:00:00Z`, "UTC", language)).join(", "),
          })}
        </p>
      )}
      <ErrorNotice error={change.isAsking ? null : change.error} />
      {isSaved && <Notice kind="good">{t("hours.saved")}</Notice>}
      <div className="actions">
        <Button type="submit" look="primary" isBusy={change.isBusy}>
          {t("hours.save")}
        </Button>
      </div>
      <OutsideDialog change={change} zone={location.time_zone} />
    </form>
  );
}

interface WeekdayHoursProps {
  weekday: number;
  hours: Hours[];
  mistakes: Map<string, "no_span" | "overlap">;
  onChange: (hours: Hours[]) => void;
}

function WeekdayHours(
  { weekday, hours, mistakes, onChange }: WeekdayHoursProps,
) {
  const { t } = useTranslation("provider");
  const language = useLanguage();
  const day = weekdayName(weekday, language);
  const replace = (key: string, change: Partial<Hours>) =>
    onChange(
      hours.map((one) => (one.key === key ? { ...one, ...change } : one)),
    );
  const add = () => {
    const last = hours.at(-1);
    onChange([...hours, {
      key: crypto.randomUUID(),
      weekday,
      opens: last ? last.closes : "09:00",
      closes: last ? "" : "17:00",
      cycleWeeks: 1,
      cycleFrom: null,
      validUntil: null,
    }]);
  };
  return (
    <fieldset className="week-day">
      <legend>{day}</legend>
      <div className="week-spans">
        {hours.map((one) => (
          <HoursLine
            key={one.key}
            day={day}
            hours={one}
            mistake={mistakes.get(one.key)}
            onChange={(change) => replace(one.key, change)}
            onRemove={() => onChange(hours.filter(({ key }) => key !== one.key))}
          />
        ))}
        <div className="week-line">
          {hours.length === 0 && <span className="muted">{t("hours.closed")}</span>}
          <Button
            className="week-add"
            aria-label={t("hours.add_on", { day })}
            onClick={add}
          >
            <Plus aria-hidden size={18} />
            {t("hours.add")}
          </Button>
        </div>
      </div>
    </fieldset>
  );
}

interface HoursLineProps {
  day: string;
  hours: Hours;
  mistake: "no_span" | "overlap" | undefined;
  onChange: (change: Partial<Hours>) => void;
  onRemove: () => void;
}

function HoursLine(
  { day, hours, mistake, onChange, onRemove }: HoursLineProps,
) {
  const { t } = useTranslation("provider");
  const isWrong = mistake ? true : undefined;
  return (
    <div className="week-line">
      <input
        type="time"
        aria-label={t("hours.opens_on", { day })}
        value={hours.opens}
        aria-invalid={isWrong}
        onChange={({ target }) => onChange({ opens: target.value })}
      />
      <span aria-hidden>–</span>
      <input
        type="time"
        aria-label={t("hours.closes_on", { day })}
        value={hours.closes}
        aria-invalid={isWrong}
        onChange={({ target }) => onChange({ closes: target.value })}
      />
      <select
        aria-label={t("hours.how_often_on", { day })}
        value={hours.cycleWeeks}
        onChange={({ target }) => onChange({ cycleWeeks: Number(target.value), cycleFrom: null })}
      >
        {[...new Set([1, 2, 3, 4, hours.cycleWeeks])].map((weeks) => (
          <option key={weeks} value={weeks}>
            {t("hours.every", { count: weeks })}
          </option>
        ))}
      </select>
      <Button
        className="icon-button"
        aria-label={t("hours.remove_on", { day })}
        onClick={onRemove}
      >
        <X aria-hidden size={18} />
      </Button>
      {mistake && (
        <p className="field-error" role="alert">
          {t(`hours.mistake_${mistake}`)}
        </p>
      )}
    </div>
  );
}

/** 1 is Monday. */
function weekdayName(weekday: number, language: string): string {
  // 1 January 2024 was a Monday.
  return formatter(language, "UTC", { weekday: "long" }).format(
    Date.UTC(2024, 0, weekday),
  );
}
