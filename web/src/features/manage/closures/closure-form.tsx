import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice, Field, Segments } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import { Switch } from "@/components/switch";
import { OutsideDialog } from "@/features/hours/outside-dialog";
import { useCheckedChange } from "@/features/hours/use-checked-change";
import { useWorkplace } from "@/features/workplace/workplace";
import { useUnsaved } from "@/lib/unsaved";
import type { Day } from "@/lib/zoned-time";
import { addClosure, type NewClosure } from "./add-closure";

interface ClosureFormProps {
  places: { id: string; name: string }[];
  today: Day;
}

/** Days on which the clinic or a place is closed; who is booked then is shown before it is saved. */
export function ClosureForm({ places, today }: ClosureFormProps) {
  const { t } = useTranslation("manage");
  const { clinicId, zone } = useWorkplace();
  const blank: NewClosure = {
    clinicId,
    locationId: null,
    kind: "closed",
    startsOn: today,
    endsOn: today,
    opens: "",
    closes: "",
    reason: "",
  };
  const [draft, setDraft] = useState(blank);
  const [isWhole, setWhole] = useState(true);
  const [isSaved, setSaved] = useState(false);
  const [isChanged, setChanged] = useState(false);
  useUnsaved(isChanged);
  const change = useCheckedChange(addClosure, () => {
    setSaved(true);
    setChanged(false);
    setDraft(blank);
  });
  const edit = (changes: Partial<NewClosure>) => {
    setSaved(false);
    setChanged(true);
    setDraft((before) => ({ ...before, ...changes }));
  };
  const mistake = mistakeOf(draft, isWhole);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!mistake) {
      change.ask(isWhole ? { ...draft, opens: "", closes: "" } : draft);
    }
  };
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <h2>{t("closures.add")}</h2>
      <Segments
        label={t("closures.kind")}
        value={draft.kind}
        options={(["closed", "extra"] as const).map((value) => ({
          value,
          label: t(`closures.${value}`),
        }))}
        onChange={(kind) => edit({ kind: kind === "extra" ? "extra" : "closed" })}
      />
      <Choice
        label={t("closures.where")}
        value={draft.locationId ?? ""}
        options={[
          { value: "", label: t("closures.everywhere") },
          ...places.map(({ id, name }) => ({ value: id, label: name })),
        ]}
        onChange={(id) => edit({ locationId: id || null })}
      />
      <div className="pair">
        <Field
          label={t("closures.from")}
          type="date"
          min={today}
          value={draft.startsOn}
          error={mistake === "starts_on" ? t("closures.give_day") : undefined}
          onChange={({ target }) =>
            edit({
              startsOn: target.value,
              ...(target.value > draft.endsOn && { endsOn: target.value }),
            })}
        />
        <Field
          label={t("closures.until")}
          type="date"
          min={draft.startsOn}
          value={draft.endsOn}
          error={mistake === "ends_on" ? t("closures.ends_before") : undefined}
          onChange={({ target }) => edit({ endsOn: target.value })}
        />
      </div>
      <Switch
        label={t("closures.whole_days")}
        isOn={isWhole}
        onChange={setWhole}
      />
      {!isWhole && (
        <div className="pair">
          <Field
            label={t("closures.opens")}
            type="time"
            value={draft.opens}
            onChange={({ target }) => edit({ opens: target.value })}
          />
          <Field
            label={t("closures.closes")}
            type="time"
            value={draft.closes}
            error={mistake === "closes" ? t("closures.no_span") : undefined}
            onChange={({ target }) => edit({ closes: target.value })}
          />
        </div>
      )}
      <Field
        label={t("closures.reason")}
        hint={t("closures.reason_hint")}
        maxLength={200}
        value={draft.reason}
        onChange={({ target }) => edit({ reason: target.value })}
      />
      <ErrorNotice error={change.isAsking ? null : change.error} />
      {isSaved && <Notice kind="good">{t("form.saved")}</Notice>}
      <div className="actions">
        <Button type="submit" look="primary" isBusy={change.isBusy}>
          {t("form.save")}
        </Button>
      </div>
      <OutsideDialog change={change} zone={zone} />
    </form>
  );
}

function mistakeOf(draft: NewClosure, isWhole: boolean) {
  if (!draft.startsOn) return "starts_on";
  if (!draft.endsOn || draft.endsOn < draft.startsOn) return "ends_on";
  const closes = draft.closes === "00:00" ? "24:00" : draft.closes;
  if (!isWhole && (!draft.opens || !closes || draft.opens >= closes)) {
    return "closes";
  }
  return undefined;
}
