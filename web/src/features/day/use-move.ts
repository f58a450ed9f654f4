import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { keyOf } from "@/lib/errors";
import { useLanguage } from "@/lib/hooks";
import { clockTime } from "@/lib/zoned-time";
import { type ChosenTime, moveTo } from "../desk/book-visit";
import type { Told } from "../desk/toast";
import type { DayVisit } from "./day-visits";

interface UseMove {
  visitsKey: readonly unknown[];
  zone: string;
  tell: (told: Told | null) => void;
  /** Somebody wants to know why it was refused, or to do it anyway. */
  onRefused: (visit: DayVisit, to: ChosenTime) => void;
}

/**
 * Moves a visit: on the screen at once, in the database as one step. What is refused goes back to
 * where it was and says why; what was done can be undone for some seconds.
 */
export function useMove({ visitsKey, zone, tell, onRefused }: UseMove) {
  const { t } = useTranslation(["desk", "common"]);
  const language = useLanguage();
  const queries = useQueryClient();

  const show = (visit: DayVisit, to: ChosenTime) =>
    queries.setQueryData<DayVisit[]>(visitsKey, (visits) =>
      visits?.map((shown) => {
        if (shown.id !== visit.id) return shown;
        const length = Date.parse(visit.ends_at) - Date.parse(visit.starts_at);
        return {
          ...shown,
          starts_at: new Date(to.at).toISOString(),
          ends_at: new Date(to.at + length).toISOString(),
          provider_id: to.providerId ?? visit.provider_id,
        };
      }));

  const undo = async (visit: DayVisit, version: number) => {
    try {
      await moveTo({ id: visit.id, version }, {
        at: Date.parse(visit.starts_at),
        providerId: visit.provider_id,
        overbookReason: visit.overbook_reason ?? "",
      });
      tell({ text: t("move.undone") });
    } catch (error) {
      tell({ isBad: true, text: t(`common:errors.${keyOf(error)}`) });
    } finally {
      void queries.invalidateQueries({ queryKey: ["day"] });
    }
  };

  return async (visit: DayVisit, to: ChosenTime): Promise<void> => {
    tell(null);
    const target = { ...to, providerId: to.providerId ?? visit.provider_id };
    show(visit, target);
    try {
      const moved = await moveTo(visit, target);
      tell({
        text: t("move.done", {
          name: visit.patients.full_name,
          time: clockTime(moved.starts_at, zone, language),
        }),
        undo: () => void undo(visit, moved.version),
      });
    } catch (error) {
      tell({
        isBad: true,
        text: `${t("move.refused", { name: visit.patients.full_name })} ${
          t(`common:errors.${keyOf(error)}`)
        }`,
        more: { text: t("move.why"), act: () => onRefused(visit, target) },
      });
      throw error;
    } finally {
      void queries.invalidateQueries({ queryKey: ["day"] });
      void queries.invalidateQueries({ queryKey: ["slots"] });
      void queries.invalidateQueries({ queryKey: ["why"] });
    }
  };
}
