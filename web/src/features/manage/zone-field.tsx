import { useTranslation } from "react-i18next";
import { Choice } from "@/components/field";

interface ZoneFieldProps {
  value: string;
  onChange: (zone: string) => void;
}

/** The time zones this device knows, and the one that is set. */
export function ZoneField({ value, onChange }: ZoneFieldProps) {
  const { t } = useTranslation("manage");
  const zones = [
    ...new Set([value, "UTC", ...Intl.supportedValuesOf("timeZone")]),
  ].sort();
  return (
    <Choice
      label={t("place.time_zone")}
      value={value}
      options={zones.map((zone) => ({
        value: zone,
        label: zone.replaceAll("_", " "),
      }))}
      onChange={onChange}
    />
  );
}
