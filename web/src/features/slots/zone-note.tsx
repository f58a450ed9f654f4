import { Globe } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { zoneCity } from "@/lib/zoned-time";

interface ZoneNoteProps {
  ownZone: string;
  clinicZone: string;
  usesOwnZone: boolean;
  onChange: (usesOwnZone: boolean) => void;
}

/** Says whose clock the times are on, where the reader's and the clinic's differ. */
export function ZoneNote(
  { ownZone, clinicZone, usesOwnZone, onChange }: ZoneNoteProps,
) {
  const { t } = useTranslation();
  const words = { zone: zoneCity(ownZone), clinic: zoneCity(clinicZone) };
  return (
    <div className="zone-note">
      <Globe aria-hidden size={20} />
      <p>{t(usesOwnZone ? "slots.your_zone" : "slots.clinic_zone", words)}</p>
      <Button onClick={() => onChange(!usesOwnZone)}>
        {t(usesOwnZone ? "slots.show_clinic_zone" : "slots.show_your_zone")}
      </Button>
    </div>
  );
}
