import { useTranslation } from "react-i18next";
import { Choice } from "@/components/field";
import { changeLanguage, currentLanguage, isLanguage, LANGUAGES } from "@/lib/i18n";

export function LanguageChoice() {
  const { t } = useTranslation();
  return (
    <Choice
      label={t("app.language")}
      value={currentLanguage()}
      options={Object.entries(LANGUAGES).map(([value, label]) => ({
        value,
        label,
      }))}
      onChange={(value) => {
        if (isLanguage(value)) void changeLanguage(value);
      }}
    />
  );
}
