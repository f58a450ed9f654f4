import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { ErrorNotice } from "@/components/notice";
import { useLanguage } from "@/lib/hooks";
import { clockTime, longDay } from "@/lib/zoned-time";
import type { useCheckedChange } from "./use-checked-change";
import { SHOWN } from "./visits-outside";

type Checked = Pick<
  ReturnType<typeof useCheckedChange>,
  "agree" | "giveUp" | "outside" | "isAsking" | "isBusy" | "error"
>;

/** Shows what a change would leave outside of the hours, before it is made. */
export function OutsideDialog(
  { change, zone }: { change: Checked; zone: string },
) {
  const { t } = useTranslation("provider");
  const language = useLanguage();
  const { outside } = change;
  return (
    <Dialog
      title={t("outside.title", { count: outside.length })}
      isOpen={change.isAsking}
      onClose={change.giveUp}
    >
      <p>{t("outside.lead")}</p>
      {/* It scrolls, so the keyboard must reach it. */}
      <ul className="outside-visits" tabIndex={0}>
        {outside.slice(0, SHOWN).map(({ id, startsAt, who }) => (
          <li key={id}>
            <strong>{who}</strong>
            <span className="muted">
              {longDay(startsAt, zone, language)}, {clockTime(startsAt, zone, language)}
            </span>
          </li>
        ))}
      </ul>
      {outside.length > SHOWN && <p>{t("outside.more", { count: outside.length - SHOWN })}</p>}
      <ErrorNotice error={change.error} />
      <div className="actions">
        <Button look="danger" isBusy={change.isBusy} onClick={change.agree}>
          {t("outside.agree")}
        </Button>
        <Button onClick={change.giveUp}>{t("outside.back")}</Button>
      </div>
    </Dialog>
  );
}
