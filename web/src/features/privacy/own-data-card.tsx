import { useMutation } from "@tanstack/react-query";
import { FileDown, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { ErrorNotice } from "@/components/notice";
import { paths } from "@/config/paths";
import { signOut } from "../sign-in/sign-in";
import { downloadOwnData, eraseOwnData, type Format } from "./own-data";

/** Take everything along, or have it forgotten. */
export function OwnDataCard() {
  const { t } = useTranslation("patient");
  const [isAsking, setAsking] = useState(false);
  const download = useMutation({
    mutationFn: (format: Format) => downloadOwnData(format),
  });
  return (
    <div className="card card-form">
      <p className="muted">{t("privacy.data_lead")}</p>
      <ErrorNotice error={download.error} />
      <div className="actions">
        <Button
          look="primary"
          isBusy={download.isPending}
          onClick={() => download.mutate("html")}
        >
          <FileDown aria-hidden size={18} />
          {t("privacy.readable")}
        </Button>
        <Button
          isBusy={download.isPending}
          onClick={() => download.mutate("json")}
        >
          {t("privacy.json")}
        </Button>
        <Button look="danger" onClick={() => setAsking(true)}>
          <Trash2 aria-hidden size={18} />
          {t("privacy.erase")}
        </Button>
      </div>
      {isAsking && <EraseDialog onClose={() => setAsking(false)} />}
    </div>
  );
}

function EraseDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("patient");
  const navigate = useNavigate();
  const [requestId] = useState(() => crypto.randomUUID());
  const erase = useMutation({
    mutationFn: () => eraseOwnData(requestId),
    onSuccess: async () => {
      await signOut();
      await navigate(paths.home);
    },
  });
  return (
    <Dialog title={t("privacy.erase_title")} isOpen onClose={onClose}>
      <p>{t("privacy.erase_lead")}</p>
      <ErrorNotice error={erase.error} />
      <div className="actions">
        <Button
          look="danger"
          isBusy={erase.isPending}
          onClick={() => erase.mutate()}
        >
          {t("privacy.erase_do")}
        </Button>
        <Button onClick={onClose}>{t("privacy.erase_not")}</Button>
      </div>
    </Dialog>
  );
}
