import { queryOptions } from "@tanstack/react-query";
import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import type { Day } from "@/lib/zoned-time";
import { type OutsideVisit, whoseVisits } from "./visits-outside";

/** What takes hours away from a provider or adds some, from that day on; of the clinic, too. */
export function exceptionsQuery(
  clinicId: string,
  providerId: string,
  today: Day,
) {
  return queryOptions({
    queryKey: ["exceptions", clinicId, providerId, today],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("availability_exceptions")
          .select(
            `id, kind, starts_on, ends_on, opens, closes, reason, provider_id, location_id,
             external_id`,
          )
          .eq("clinic_id", clinicId)
          .or(`provider_id.is.null,provider_id.eq.${providerId}`)
          .gte("ends_on", today)
          .order("starts_on")
          .limit(200),
      ),
    meta: { isPersonal: true },
  });
}

export type Exception = NonNullable<
  Awaited<
    ReturnType<NonNullable<ReturnType<typeof exceptionsQuery>["queryFn"]>>
  >
>[number];

export interface NewException {
  providerId: string;
  kind: "closed" | "extra";
  startsOn: Day;
  endsOn: Day;
  locationId: string | null;
  /** `HH:MM`; empty for whole days. */
  opens: string;
  closes: string;
  reason: string;
}

export async function addException(
  exception: NewException,
  onConflict: "refuse" | "mark" | "preview",
): Promise<OutsideVisit[]> {
  const visits = rowsOf(
    await supabase().rpc("add_exception", {
      provider_id: exception.providerId,
      kind: exception.kind,
      starts_on: exception.startsOn,
      ends_on: exception.endsOn,
      ...(exception.locationId && { location_id: exception.locationId }),
      ...(exception.opens && exception.closes && {
        opens: exception.opens,
        closes: exception.closes === "00:00" ? "24:00" : exception.closes,
      }),
      ...(exception.reason && { reason: exception.reason }),
      on_conflict: onConflict,
    }),
  );
  return await whoseVisits(visits);
}

export async function removeException(
  id: string,
  onConflict: "refuse" | "mark" | "preview",
): Promise<OutsideVisit[]> {
  return await whoseVisits(
    rowsOf(
      await supabase().rpc("remove_exception", {
        exception_id: id,
        on_conflict: onConflict,
      }),
    ),
  );
}
