import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Choice } from "@/components/field";
import { remember, remembered } from "@/lib/storage";

const THEMES = ["system", "light", "dark"] as const;

/** Light, dark, or as the device has it; public/theme.js applies it before the first paint. */
export function ThemeChoice() {
  const { t } = useTranslation();
  const [theme, setTheme] = useState(remembered("theme") ?? "system");
  const change = (value: string) => {
    setTheme(value);
    remember("theme", value);
    if (value === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
  };
  return (
    <Choice
      label={t("app.theme")}
      value={theme}
      options={THEMES.map((value) => ({
        value,
        label: t(`app.theme_${value}`),
      }))}
      onChange={change}
    />
  );
}
