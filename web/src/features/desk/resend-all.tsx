import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { ErrorNotice } from "@/components/notice";
import { requeueAll } from "./attention";
import type { Told } from "./toast";
import { useSettling } from "./use-settling";

/** One click for what an outage of the mail provider left behind. */
export function ResendAll(
  { clinicId, onTold }: { clinicId: string; onTold: (t: Told) => void },
) {
  const { t } = useTranslation("desk");
  const resend = useSettling(requeueAll);
  return (
    <>
      <ErrorNotice error={resend.error} />
      <div className="actions">
        <Button
          look="quiet"
          isBusy={resend.isPending}
          onClick={() =>
            resend.mutate(clinicId, {
              onSuccess: (number) => onTold({ text: t("attention.requeued_all", { number }) }),
            })}
        >
          {t("attention.requeue_all")}
        </Button>
      </div>
    </>
  );
}
