import { type ComponentProps, useId } from "react";
import { useLanguage } from "@/lib/hooks";
import { fullDay } from "@/lib/zoned-time";

interface FieldProps extends Omit<ComponentProps<"input">, "id"> {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
}

/**
 * A labelled input; its error stands beside it and is read out with it. A date is also told in words,
 * since the order of its numbers is the device's and not the page's.
 */
export function Field(
  { label, hint, error, className = "", ...input }: FieldProps,
) {
  const id = useId();
  const language = useLanguage();
  const day = input.type === "date" && input.value
    ? fullDay(`${input.value as string}T12:00:00Z`, "UTC", language)
    : undefined;
  const described = [day && `${id}-day`, hint && `${id}-hint`, error && `${id}-error`].filter(
    Boolean,
  ).join(" ");
  return (
    <div className={`field ${className}`}>
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
        id={id}
        aria-invalid={error ? true : undefined}
        aria-describedby={described || undefined}
      />
      {day && <p className="field-hint field-day" id={`${id}-day`}>{day}</p>}
      {hint && <p className="field-hint" id={`${id}-hint`}>{hint}</p>}
      {error && <p className="field-error" id={`${id}-error`} role="alert">{error}</p>}
    </div>
  );
}

interface ChoiceProps extends Omit<ComponentProps<"select">, "id" | "onChange"> {
  label: string;
  options: { value: string; label: string }[];
  onChange: (value: string) => void;
  isLabelHidden?: boolean;
}

/** A labelled choice; the platform's own list, which phones and screen readers know best. */
export function Choice(
  { label, options, onChange, isLabelHidden, ...select }: ChoiceProps,
) {
  const id = useId();
  return (
    <div className="field">
      <label
        htmlFor={id}
        className={isLabelHidden ? "visually-hidden" : undefined}
      >
        {label}
      </label>
      <div className="choice">
        <select
          {...select}
          id={id}
          onChange={(event) => onChange(event.target.value)}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}

interface SegmentsProps {
  label: string;
  value: string;
  options: { value: string; label: string }[];
  onChange: (value: string) => void;
}

/** One of a few, all visible. */
export function Segments({ label, value, options, onChange }: SegmentsProps) {
  const name = useId();
  return (
    <fieldset className="segments">
      <legend>{label}</legend>
      <div>
        {options.map((option) => (
          <label key={option.value}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
