import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice, Field, Segments } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import { useUnsaved } from "@/lib/unsaved";
import type { Day } from "@/lib/zoned-time";
import { addException, type NewException } from "./exceptions";
import { OutsideDialog } from "./outside-dialog";
import { useCheckedChange } from "./use-checked-change";

interface ExceptionFormProps {
  providerId: string;
  locations: { id: string; name: string }[];
  today: Day;
  zone: string;
}

/** Days off, hours off, or extra hours. */
export function ExceptionForm(
  { providerId, locations, today, zone }: ExceptionFormProps,
) {
  const { t } = useTranslation("provider");
  const [kind, setKind] = useState<NewException["kind"]>("closed");
  const [startsOn, setStartsOn] = useState(today);
  const [endsOn, setEndsOn] = useState("");
  const [opens, setOpens] = useState("");
  const [closes, setCloses] = useState("");
  const [locationId, setLocationId] = useState("");
  const [reason, setReason] = useState("");
  const [isSaved, setSaved] = useState(false);
  useUnsaved(endsOn !== "" || reason !== "");
  const change = useCheckedChange(addException, () => {
    setSaved(true);
    setEndsOn("");
    setReason("");
  });
  const lastDay = endsOn || startsOn;
  const needsPlace = kind === "extra" && locations.length > 1;
  const mistakes = {
    startsOn: startsOn ? undefined : t("hours.give_day"),
    endsOn: lastDay < startsOn ? t("exceptions.ends_before") : undefined,
    times: timesAreWrong(kind, opens, closes) ? t("exceptions.give_times") : undefined,
    place: needsPlace && !locationId ? t("exceptions.give_place") : undefined,
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (Object.values(mistakes).some(Boolean)) return;
    setSaved(false);
    change.ask({
      providerId,
      kind,
      startsOn,
      endsOn: lastDay,
      locationId: locationId ||
        (kind === "extra" ? locations[0]?.id ?? null : null),
      opens,
      closes,
      reason: reason.trim(),
    });
  };
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <Segments
        label={t("exceptions.kind")}
        value={kind}
        options={[
          { value: "closed", label: t("exceptions.kind_closed") },
          { value: "extra", label: t("exceptions.kind_extra") },
        ]}
        onChange={(value) => setKind(value === "extra" ? "extra" : "closed")}
      />
      <div className="pair">
        <Field
          label={t("exceptions.first_day")}
          type="date"
          min={today}
          value={startsOn}
          error={mistakes.startsOn}
          onChange={(event) => setStartsOn(event.target.value)}
        />
        <Field
          label={t("exceptions.last_day")}
          type="date"
          min={startsOn}
          value={lastDay}
          error={mistakes.endsOn}
          onChange={(event) => setEndsOn(event.target.value)}
        />
      </div>
      <div className="pair">
        <Field
          label={t("exceptions.from")}
          type="time"
          hint={kind === "closed" ? t("exceptions.all_day_hint") : undefined}
          value={opens}
          error={mistakes.times}
          onChange={(event) => setOpens(event.target.value)}
        />
        <Field
          label={t("exceptions.until")}
          type="time"
          value={closes}
          onChange={(event) => setCloses(event.target.value)}
        />
      </div>
      {locations.length > 1 && (
        <Choice
          label={t("exceptions.place")}
          value={locationId}
          aria-invalid={mistakes.place ? true : undefined}
          options={[
            {
              value: "",
              label: kind === "extra" ? "–" : t("exceptions.all_places"),
            },
            ...locations.map(({ id, name }) => ({ value: id, label: name })),
          ]}
          onChange={setLocationId}
        />
      )}
      {mistakes.place && <p className="field-error" role="alert">{mistakes.place}</p>}
      <Field
        label={t("exceptions.reason")}
        hint={t("exceptions.reason_hint")}
        maxLength={200}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <ErrorNotice error={change.isAsking ? null : change.error} />
      {isSaved && <Notice kind="good">{t("hours.saved")}</Notice>}
      <div className="actions">
        <Button type="submit" look="primary" isBusy={change.isBusy}>
          {t("exceptions.add")}
        </Button>
      </div>
      <OutsideDialog change={change} zone={zone} />
    </form>
  );
}

function timesAreWrong(
  kind: NewException["kind"],
  opens: string,
  closes: string,
): boolean {
  if (!opens && !closes) return kind === "extra";
  return !opens || !closes || (closes !== "00:00" && opens >= closes);
}
