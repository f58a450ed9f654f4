import { CalendarOff, CalendarPlus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { ErrorNotice } from "@/components/notice";
import { removeException } from "@/features/hours/exceptions";
import { OutsideDialog } from "@/features/hours/outside-dialog";
import { useCheckedChange } from "@/features/hours/use-checked-change";
import { useWorkplace } from "@/features/workplace/workplace";
import { useLanguage } from "@/lib/hooks";
import { fullDay } from "@/lib/zoned-time";
import type { Closure } from "./get-closures";

/** Coming closures and extra hours of the clinic and its places. */
export function ClosureList({ closures }: { closures: Closure[] }) {
  const { t } = useTranslation("manage");
  const { zone } = useWorkplace();
  const removal = useCheckedChange(removeException, () => undefined);
  if (closures.length === 0) {
    return <p className="muted">{t("closures.none")}</p>;
  }
  return (
    <>
      <ErrorNotice error={removal.isAsking ? null : removal.error} />
      <ul className="cards">
        {closures.map((closure) => (
          <ClosureCard
            key={closure.id}
            closure={closure}
            isBusy={removal.isBusy}
            onRemove={() => removal.ask(closure.id)}
          />
        ))}
      </ul>
      <OutsideDialog change={removal} zone={zone} />
    </>
  );
}

interface ClosureCardProps {
  closure: Closure;
  isBusy: boolean;
  onRemove: () => void;
}

function ClosureCard({ closure, isBusy, onRemove }: ClosureCardProps) {
  const { t } = useTranslation("manage");
  const language = useLanguage();
  const day = (value: string) => fullDay(`${value}T12:00:00Z`, "UTC", language);
  const Icon = closure.kind === "closed" ? CalendarOff : CalendarPlus;
  const name = closure.reason ?? t(`closures.${closure.kind}`);
  const days = closure.starts_on === closure.ends_on
    ? day(closure.starts_on)
    : `${day(closure.starts_on)} – ${day(closure.ends_on)}`;
  return (
    <li className="card manage-card">
      <Icon aria-hidden size={22} />
      <div className="card-body">
        <strong>{name}</strong>
        <span className="muted">
          {days}
          {closure.opens && closure.closes &&
            `, ${closure.opens.slice(0, 5)} – ${closure.closes.slice(0, 5)}`}
        </span>
        <span className="tags">
          <span className="tag">{t(`closures.${closure.kind}`)}</span>
          <span className="tag">
            {closure.locations?.name ?? t("closures.everywhere")}
          </span>
          {closure.external_id?.startsWith("holiday:") && (
            <span className="tag">{t("closures.holiday")}</span>
          )}
        </span>
      </div>
      <div className="actions">
        <Button
          look="danger"
          isBusy={isBusy}
          aria-label={t("form.remove_of", { name: `${name}, ${days}` })}
          onClick={onRemove}
        >
          {t("form.remove")}
        </Button>
      </div>
    </li>
  );
}
