import { Choice } from "@/components/field";
import { isLanguage, LANGUAGES } from "@/lib/i18n";

interface LanguageFieldProps {
  label: string;
  /** A tag, e.g. de or de-AT. */
  value: string;
  onChange: (language: string) => void;
}

/** The languages of our mails, and the one that is set, which may be another. */
export function LanguageField({ label, value, onChange }: LanguageFieldProps) {
  const language = value.split("-")[0] ?? value;
  const options = Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }));
  return (
    <Choice
      label={label}
      value={language}
      options={isLanguage(language) ? options : [...options, { value: language, label: value }]}
      onChange={onChange}
    />
  );
}
