import { useTranslation } from "react-i18next";
import { Choice } from "@/components/field";
import { useLanguage } from "@/lib/hooks";
import { changeLanguage, isLanguage, LANGUAGES } from "@/lib/i18n";

export function LanguageChoice() {
  const { t } = useTranslation();
  const language = useLanguage();
  return (
    <Choice
      label={t("app.language")}
      value={language}
      options={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
      onChange={(value) => {
        if (isLanguage(value)) void changeLanguage(value);
      }}
    />
  );
}
