import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import { addDays, type Day, startOfDay } from "@/lib/zoned-time";
import { instantOf } from "../calendar/wall-clock";

/** What a day is made of besides its visits: hours, blocked time, rooms in use. */
export function dayFrameQuery(clinicId: string, day: Day, zone: string) {
  return queryOptions({
    queryKey: ["day", clinicId, "frame", day],
    queryFn: () => getDayFrame(clinicId, day, zone),
    meta: { isPersonal: true },
  });
}

export type DayFrame = Awaited<ReturnType<typeof getDayFrame>>;

export interface Block {
  id: string;
  providerId: string;
  startsAt: number;
  endsAt: number;
  reason: string | null;
  /** Only what was blocked here can be given back here. */
  isOurs: boolean;
}

async function getDayFrame(clinicId: string, day: Day, zone: string) {
  const from = new Date(startOfDay(day, zone)).toISOString();
  const to = new Date(startOfDay(addDays(day, 1), zone)).toISOString();
  const span = { clinic_id: clinicId, from_time: from, to_time: to };
  const [hours, rooms, exceptions, busy] = await Promise.all([
    supabase().rpc("working_hours", span),
    supabase().rpc("rooms_in_use", span),
    supabase().from("availability_exceptions")
      .select("id, provider_id, opens, closes, reason")
      .eq("clinic_id", clinicId).eq("kind", "closed")
      .not("provider_id", "is", null).not("opens", "is", null)
      .lte("starts_on", day).gte("ends_on", day),
    supabase().from("busy_blocks").select("id, provider_id, starts_at, ends_at")
      .eq("clinic_id", clinicId).lt("starts_at", to).gt("ends_at", from),
  ]);
  const blocks: Block[] = [
    ...rowsOf(exceptions).flatMap((block) => blockOf(block, day, zone)),
    ...rowsOf(busy).map((block) => ({
      id: block.id,
      providerId: block.provider_id,
      startsAt: Math.max(Date.parse(block.starts_at), Date.parse(from)),
      endsAt: Math.min(Date.parse(block.ends_at), Date.parse(to)),
      reason: null,
      isOurs: false,
    })),
  ];
  return { hours: rowsOf(hours), rooms: rowsOf(rooms), blocks };
}

interface Exception {
  id: string;
  provider_id: string | null;
  opens: string | null;
  closes: string | null;
  reason: string | null;
}

function blockOf(
  { id, provider_id, opens, closes, reason }: Exception,
  day: Day,
  zone: string,
): Block[] {
  if (!provider_id || !opens || !closes) return [];
  const end = startOfDay(addDays(day, 1), zone);
  const startsAt = instantOf(`${day}T${opens}`, zone);
  const endsAt = closes.startsWith("24") ? end : instantOf(`${day}T${closes}`, zone) ?? end;
  return startsAt === null
    ? []
    : [{ id, providerId: provider_id, startsAt, endsAt, reason, isOurs: true }];
}
