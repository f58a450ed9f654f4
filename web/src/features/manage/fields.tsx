import { type ComponentProps, useId } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "@/components/field";
import { mistakeIn } from "./saved";

interface ColumnProps extends Omit<ComponentProps<typeof Field>, "value" | "onChange" | "error"> {
  /** The column behind it: a refusal that names one of its rules is told here. */
  column: string;
  refusal: unknown;
}

interface TextProps extends ColumnProps {
  value: string;
  onChange: (value: string) => void;
}

/** A text of a row. */
export function TextField({ column, refusal, onChange, ...field }: TextProps) {
  const mistake = useMistake(refusal, column);
  return (
    <Field
      maxLength={200}
      {...field}
      error={mistake}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

interface NumberProps extends ColumnProps {
  /** As it was typed; empty for none. */
  value: string;
  onChange: (value: string) => void;
}

/** A whole number of a row. */
export function NumberField(
  { column, refusal, onChange, ...field }: NumberProps,
) {
  const mistake = useMistake(refusal, column);
  return (
    <Field
      inputMode="numeric"
      autoComplete="off"
      {...field}
      error={mistake}
      onChange={(event) => onChange(event.target.value.replace(/[^\d]/g, "").slice(0, 6))}
    />
  );
}

interface LongTextProps {
  label: string;
  hint?: string;
  value: string;
  maxLength: number;
  onChange: (value: string) => void;
}

/** A few sentences. */
export function LongText(
  { label, hint, value, maxLength, onChange }: LongTextProps,
) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        rows={3}
        maxLength={maxLength}
        value={value}
        aria-describedby={hint && `${id}-hint`}
        onChange={(event) => onChange(event.target.value)}
      />
      {hint && <p className="field-hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}

/** Null for an empty field, so that the database gives its answer to everything else. */
export function numberOf(typed: string): number | null {
  return typed === "" ? null : Number(typed);
}

function useMistake(refusal: unknown, column: string): string | undefined {
  const { t } = useTranslation("manage");
  const mistake = mistakeIn(refusal, column);
  return mistake && t(`mistake.${mistake}`);
}
