import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Field, Segments } from "@/components/field";
import { LanguageField } from "@/components/language-field";
import { useWorkplace } from "@/features/workplace/workplace";
import { useUnsaved } from "@/lib/unsaved";
import { NumberField, numberOf } from "../fields";
import { SaveBar } from "../save-bar";
import { mistakeIn } from "../saved";
import { changeRules, type Rules } from "./change-settings";
import type { Settings } from "./get-settings";
import { ReminderFields } from "./reminder-fields";

const COUNTS = {
  booking: [
    "hold_minutes",
    "max_holds_per_person",
    "max_open_bookings_per_patient",
  ],
  missed: [
    "late_cancel_hours",
    "max_missed_visits",
    "missed_visits_window_days",
  ],
} as const;
type Count = (typeof COUNTS)[keyof typeof COUNTS][number];

/** What patients may book by themselves, and when they no longer may. */
export function LimitsForm({ settings }: { settings: Settings }) {
  const { t } = useTranslation("manage");
  const form = useRules(settings.id);
  const [typed, setTyped] = useState<Record<Count, string>>(() => {
    const names = [...COUNTS.booking, ...COUNTS.missed];
    return Object.fromEntries(
      names.map((name) => [name, String(settings[name] ?? "")]),
    ) as Record<Count, string>;
  });
  const fields = (names: readonly Count[]) => (
    <div className="pair">
      {names.map((name) => (
        <NumberField
          key={name}
          column={name}
          refusal={form.saving.error}
          label={t(`rule.${name}`)}
          hint={t(`rule_hint.${name}`)}
          value={typed[name]}
          onChange={(value) => {
            setTyped((before) => ({ ...before, [name]: value }));
            form.edited();
          }}
        />
      ))}
    </div>
  );
  const rules = (): Rules => ({
    hold_minutes: numberOf(typed.hold_minutes) ?? 0,
    max_holds_per_person: numberOf(typed.max_holds_per_person) ?? 0,
    max_open_bookings_per_patient: numberOf(
      typed.max_open_bookings_per_patient,
    ),
    late_cancel_hours: numberOf(typed.late_cancel_hours) ?? 0,
    max_missed_visits: numberOf(typed.max_missed_visits),
    missed_visits_window_days: numberOf(typed.missed_visits_window_days) ?? 0,
  });
  return (
    <RulesCard title={t("settings.limits")} form={form} rules={rules}>
      {fields(COUNTS.booking)}
      <h3>{t("settings.missed")}</h3>
      {fields(COUNTS.missed)}
    </RulesCard>
  );
}

// Empty: each language's own way.
const CLOCKS = [
  { hours: "", words: "language" },
  { hours: "12", words: "h12" },
  { hours: "24", words: "h24" },
] as const;

/** Reminders, the message after a missed visit, and when nobody is written to. */
export function MessagesForm({ settings }: { settings: Settings }) {
  const { t } = useTranslation("manage");
  const form = useRules(settings.id);
  const [offsets, setOffsets] = useState(
    () => [...settings.reminder_offsets_minutes],
  );
  const [followUp, setFollowUp] = useState(
    String(settings.follow_up_minutes ?? ""),
  );
  const [from, setFrom] = useState(settings.quiet_from?.slice(0, 5) ?? "");
  const [until, setUntil] = useState(settings.quiet_until?.slice(0, 5) ?? "");
  const [clock, setClock] = useState(String(settings.clock_hours ?? ""));
  const [locale, setLocale] = useState(settings.locale);
  const quietMistake = mistakeIn(form.saving.error, "quiet_hours");
  const rules = (): Rules => ({
    reminder_offsets_minutes: offsets,
    follow_up_minutes: numberOf(followUp),
    quiet_from: from || null,
    quiet_until: until || null,
    clock_hours: numberOf(clock),
    locale,
  });
  const edit = <Value,>(set: (value: Value) => void) => (value: Value) => {
    set(value);
    form.edited();
  };
  return (
    <RulesCard title={t("settings.messages")} form={form} rules={rules}>
      <LanguageField label={t("rule.locale")} value={locale} onChange={edit(setLocale)} />
      <ReminderFields offsets={offsets} onChange={edit(setOffsets)} />
      <NumberField
        column="follow_up_minutes"
        refusal={form.saving.error}
        label={t("rule.follow_up_minutes")}
        hint={t("rule_hint.follow_up_minutes")}
        value={followUp}
        onChange={edit(setFollowUp)}
      />
      <div className="pair">
        <Field
          label={t("rule.quiet_from")}
          hint={t("rule_hint.quiet_from")}
          type="time"
          value={from}
          onChange={({ target }) => edit(setFrom)(target.value)}
        />
        <Field
          label={t("rule.quiet_until")}
          type="time"
          value={until}
          error={quietMistake && t("settings.quiet_both")}
          onChange={({ target }) => edit(setUntil)(target.value)}
        />
      </div>
      <Segments
        label={t("rule.clock_hours")}
        value={clock}
        options={CLOCKS.map(({ hours, words }) => ({ value: hours, label: t(`clock.${words}`) }))}
        onChange={edit(setClock)}
      />
    </RulesCard>
  );
}

/** Who is asked first when a time becomes free, and how long the log of accesses is kept, which
 * owners decide alone. */
export function WaitingListForm({ settings }: { settings: Settings }) {
  const { t } = useTranslation("manage");
  const { role } = useWorkplace();
  const isOwner = role === "owner";
  const form = useRules(settings.id);
  const [policy, setPolicy] = useState(settings.waitlist_policy);
  const [minutes, setMinutes] = useState(String(settings.offer_minutes));
  const [days, setDays] = useState(String(settings.audit_retention_days));
  const edit = <Value,>(set: (value: Value) => void) => (value: Value) => {
    set(value);
    form.edited();
  };
  const rules = (): Rules => ({
    waitlist_policy: policy,
    offer_minutes: numberOf(minutes) ?? 0,
    ...(isOwner && { audit_retention_days: numberOf(days) ?? 0 }),
  });
  return (
    <RulesCard title={t("settings.waiting_list")} form={form} rules={rules}>
      <Segments
        label={t("rule.waitlist_policy")}
        value={policy}
        options={(["longest_waiting", "urgency"] as const).map((value) => ({
          value,
          label: t(`policy.${value}`),
        }))}
        onChange={(value) => edit(setPolicy)(value as typeof policy)}
      />
      <div className="pair">
        <NumberField
          column="offer_minutes"
          refusal={form.saving.error}
          label={t("rule.offer_minutes")}
          hint={t("rule_hint.offer_minutes")}
          value={minutes}
          onChange={edit(setMinutes)}
        />
        {isOwner && (
          <NumberField
            column="audit_retention_days"
            refusal={form.saving.error}
            label={t("rule.audit_retention_days")}
            hint={t("rule_hint.audit_retention_days")}
            value={days}
            onChange={edit(setDays)}
          />
        )}
      </div>
    </RulesCard>
  );
}

interface RulesCardProps {
  title: string;
  form: ReturnType<typeof useRules>;
  rules: () => Rules;
  children: ReactNode;
}

function RulesCard(
  { title, form: { saving }, rules, children }: RulesCardProps,
) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!saving.isPending) saving.mutate(rules());
  };
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <h2>{title}</h2>
      {children}
      <SaveBar saving={saving} />
    </form>
  );
}

function useRules(clinicId: string) {
  const queries = useQueryClient();
  const [isEdited, setEdited] = useState(false);
  useUnsaved(isEdited);
  const saving = useMutation({
    mutationFn: (rules: Rules) => changeRules(clinicId, rules),
    onSuccess: () => {
      setEdited(false);
      return Promise.all(
        [["settings", clinicId], ["workplace", clinicId]].map(
          (queryKey) => queries.invalidateQueries({ queryKey }),
        ),
      );
    },
  });
  return {
    saving,
    /** What was said about the last attempt is over once something is typed. */
    edited: () => {
      setEdited(true);
      if (saving.isSuccess || saving.isError) saving.reset();
    },
  };
}
