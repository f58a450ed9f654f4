import { Undo2, X } from "lucide-react";
import { useEffect, useEffectEvent } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";

export interface Told {
  text: string;
  isBad?: boolean;
  undo?: () => void;
  /** Another way out of what was refused. */
  more?: { text: string; act: () => void };
}

const SHOWN_FOR = 12_000;

/** Says at the edge of the screen what has just happened, with a way back for some seconds. */
export function Toast({ told, onGone }: { told: Told | null; onGone: () => void }) {
  const { t } = useTranslation("desk");
  const gone = useEffectEvent(onGone);
  useEffect(() => {
    if (!told || told.isBad) return;
    const timer = setTimeout(gone, SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [told]);
  return (
    <div className="toasts" role={told?.isBad ? "alert" : "status"}>
      {told && (
        <div className={told.isBad ? "toast toast-bad" : "toast"}>
          <p>{told.text}</p>
          {told.undo && (
            <Button onClick={told.undo}>
              <Undo2 aria-hidden size={18} />
              {t("sheet.undo")}
            </Button>
          )}
          {told.more && <Button onClick={told.more.act}>{told.more.text}</Button>}
          <button
            type="button"
            className="icon-button"
            aria-label={t("sheet.close")}
            onClick={onGone}
          >
            <X aria-hidden size={18} />
          </button>
        </div>
      )}
    </div>
  );
}
