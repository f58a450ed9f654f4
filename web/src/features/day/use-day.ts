import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useBroadcast } from "@/lib/broadcasts";
import { useCoalesced } from "@/lib/coalesce";
import { addDays, type Day, startOfDay } from "@/lib/zoned-time";
import { dayFrameQuery } from "./day-frame";
import { dayVisitsQuery } from "./day-visits";

/** A clinic's day, followed live: visits, hours, blocked time and rooms. */
export function useDay(clinicId: string, userId: string, day: Day, zone: string) {
  const queries = useQueryClient();
  const query = dayVisitsQuery(
    clinicId,
    startOfDay(day, zone),
    startOfDay(addDays(day, 1), zone),
  );
  const visits = useQuery({ ...query, placeholderData: keepPreviousData });
  const frame = useQuery({
    ...dayFrameQuery(clinicId, day, zone),
    placeholderData: keepPreviousData,
  });
  const readAnew = useCoalesced(() => queries.invalidateQueries({ queryKey: ["day", clinicId] }));
  const isLive = useBroadcast(
    { topic: `clinic:${clinicId}:appointments`, isPrivate: true, event: "appointment_changed" },
    readAnew,
    readAnew,
  );
  // For a while after somebody left the clinic, its changes come here instead.
  useBroadcast(
    { topic: `user:${userId}`, isPrivate: true, event: "appointment_changed" },
    readAnew,
  );
  return {
    visits: visits.data,
    frame: frame.data,
    error: visits.error ?? frame.error,
    isLive,
    key: query.queryKey,
  };
}
