import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useBroadcast } from "@/lib/broadcasts";
import { useCoalesced } from "@/lib/coalesce";
import type { Clinic } from "../clinics/get-clinic";
import { type Slot, type SlotSearch, slotsQuery } from "./open-slots";
import { slotKey } from "./slot-grid";

interface SlotsChanged {
  provider_id: string;
  from: string;
  to: string;
}

/**
 * Free slots that follow what happens elsewhere. A message greys out what it touches at once; the
 * question asked again then says what is really free. `gone` was shown before and is free no more.
 */
export function useLiveSlots(clinic: Clinic, search: SlotSearch) {
  const queries = useQueryClient();
  const answer = useQuery({
    ...slotsQuery(search),
    placeholderData: keepPreviousData,
  });
  // What has been told since the question was last asked.
  const [changes, setChanges] = useState<(SlotsChanged & { toldAt: number })[]>(
    [],
  );
  const free = useMemo(
    () => answer.data?.filter((slot) => !changes.some((change) => isTouched(slot, change))),
    [answer.data, changes],
  );
  const readAnew = useCoalesced(async () => {
    const askedAt = performance.now();
    await queries.invalidateQueries({ queryKey: ["slots"] }, {
      throwOnError: true,
    });
    setChanges((all) => all.filter(({ toldAt }) => toldAt > askedAt));
  });
  const gone = useGone(
    JSON.stringify(search),
    answer.isPlaceholderData ? undefined : free,
  );

  const isLive = useBroadcast<SlotsChanged>(
    {
      topic: `clinic:${clinic.id}:slots`,
      isPrivate: !clinic.books_publicly,
      event: "slots_changed",
    },
    (change) => {
      setChanges((all) => [...all, { ...change, toldAt: performance.now() }]);
      readAnew();
    },
    readAnew,
  );

  return {
    free,
    gone,
    isLive,
    error: answer.error,
    isFetching: answer.isFetching,
    retry: answer.refetch,
  };
}

function isTouched(slot: Slot, change: SlotsChanged): boolean {
  return slot.provider_id === change.provider_id &&
    Date.parse(slot.starts_at) < Date.parse(change.to) &&
    Date.parse(slot.ends_at) > Date.parse(change.from);
}

/** Slots of this search that were free on this screen and are not any more. */
function useGone(searchKey: string, free: Slot[] | undefined): Slot[] {
  const [seen, setSeen] = useState({
    searchKey,
    free,
    slots: new Map<string, Slot>(),
  });
  let current = seen;
  if (seen.searchKey !== searchKey || seen.free !== free) {
    const slots = new Map(seen.searchKey === searchKey ? seen.slots : []);
    for (const slot of free ?? []) slots.set(slotKey(slot), slot);
    current = { searchKey, free, slots };
    setSeen(current);
  }
  return useMemo(() => {
    const freeNow = new Set((free ?? []).map(slotKey));
    return [...current.slots].filter(([key]) => !freeNow.has(key)).map((
      [, slot],
    ) => slot);
  }, [current, free]);
}
