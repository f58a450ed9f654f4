import { X } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";

interface SheetProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** A page beside the page: it keeps the focus, closes on Escape, and gives the focus back. */
export function Sheet({ title, isOpen, onClose, children }: SheetProps) {
  const { t } = useTranslation("desk");
  return (
    <ModalOverlay
      className="overlay overlay-side"
      isOpen={isOpen}
      isDismissable
      onOpenChange={(open) => !open && onClose()}
    >
      <Modal className="desk-sheet">
        <AriaDialog className="dialog desk-sheet-body">
          <div className="desk-sheet-head">
            <Heading slot="title">{title}</Heading>
            <button
              type="button"
              className="icon-button"
              aria-label={t("sheet.close")}
              onClick={onClose}
            >
              <X aria-hidden size={20} />
            </button>
          </div>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
