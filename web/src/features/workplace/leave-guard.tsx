import { useTranslation } from "react-i18next";
import { useBlocker } from "react-router";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { isAnythingUnsaved } from "@/lib/unsaved";

/** Asks before a page is left on which something typed is not saved. */
export function LeaveGuard() {
  const { t } = useTranslation();
  const blocker = useBlocker(({ currentLocation: here, nextLocation: there }) =>
    isAnythingUnsaved() &&
    (here.pathname !== there.pathname || here.search !== there.search)
  );
  if (blocker.state !== "blocked") return null;
  return (
    <Dialog title={t("unsaved.title")} isOpen onClose={blocker.reset}>
      <p>{t("unsaved.lead")}</p>
      <div className="actions">
        <Button look="primary" onClick={blocker.reset}>
          {t("unsaved.stay")}
        </Button>
        <Button look="danger" onClick={blocker.proceed}>
          {t("unsaved.leave")}
        </Button>
      </div>
    </Dialog>
  );
}
