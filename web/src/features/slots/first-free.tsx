import { queryOptions, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { now } from "@/lib/clock";
import { rowsOf } from "@/lib/errors";
import { useLanguage } from "@/lib/hooks";
import { supabase } from "@/lib/supabase";
import { clockTime, deviceZone, longDay } from "@/lib/zoned-time";

interface FirstFreeProps {
  serviceId: string;
  providerId: string | undefined;
  placeId: string | undefined;
}

const SPAN = 14 * 86_400_000;

function firstFreeQuery({ serviceId, providerId, placeId }: FirstFreeProps) {
  return queryOptions({
    queryKey: ["first-free", serviceId, providerId, placeId],
    queryFn: async () => {
      const [slot] = rowsOf(
        await supabase().rpc("open_slots", {
          service_id: serviceId,
          from_time: new Date(now()).toISOString(),
          to_time: new Date(now() + SPAN).toISOString(),
          max_results: 1,
          ...(providerId && { provider_id: providerId }),
          ...(placeId && { location_id: placeId }),
        }),
      );
      return slot?.starts_at ?? null;
    },
    staleTime: 60_000,
    retry: false,
  });
}

/** The first free time of a service, asked for once its line is on the screen; else an empty line. */
export function FirstFree(props: FirstFreeProps) {
  const { t } = useTranslation();
  const language = useLanguage();
  const line = useRef<HTMLSpanElement>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (!line.current) return;
    const watcher = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) setSeen(true);
    });
    watcher.observe(line.current);
    return () => watcher.disconnect();
  }, []);
  const { data: startsAt } = useQuery({ ...firstFreeQuery(props), enabled: isSeen });
  const zone = deviceZone();
  return (
    <span ref={line} className="first-free-line">
      {startsAt === null && t("clinic.none_soon")}
      {startsAt && t("clinic.first_free", {
        day: longDay(startsAt, zone, language),
        time: clockTime(startsAt, zone, language),
      })}
    </span>
  );
}
