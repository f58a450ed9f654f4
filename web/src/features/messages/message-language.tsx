import { useTranslation } from "react-i18next";
import { Choice } from "@/components/field";
import { isLanguage, LANGUAGES } from "@/lib/i18n";

interface MessageLanguageProps {
  /** A language tag; null: none of one's own. */
  tag: string | null;
  /** What applies then. */
  otherwise: string;
  onChange: (tag: string | null) => void;
}

/** In which language somebody is written to. */
export function MessageLanguage({ tag, otherwise, onChange }: MessageLanguageProps) {
  const { t } = useTranslation("patient");
  const language = tag?.slice(0, 2);
  return (
    <Choice
      label={t("messages.language")}
      value={isLanguage(language) ? language : ""}
      options={[
        { value: "", label: otherwise },
        ...Object.entries(LANGUAGES).map(([value, label]) => ({ value, label })),
      ]}
      onChange={(value) => onChange(value || null)}
    />
  );
}
