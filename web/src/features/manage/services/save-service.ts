import { rowsOf } from "@/lib/errors";
import { supabase } from "@/lib/supabase";
import { numberOf } from "../fields";
import { saved } from "../saved";
import { columnsOf, type Need, type Offer, type ServiceDraft } from "./service-draft";

/**
 * Writes a service, who gives it and what it needs; the id. What is added comes before what is taken
 * away, so that a booking in between never finds less than before or after.
 */
export async function saveService(
  clinicId: string,
  serviceId: string | undefined,
  draft: ServiceDraft,
): Promise<string> {
  const columns = columnsOf(draft);
  const table = supabase().from("services");
  const [service] = saved(
    serviceId
      ? await table.update(columns).eq("id", serviceId).select("id")
      : await table.insert({ ...columns, clinic_id: clinicId }).select("id"),
  );
  const id = service?.id ?? "";
  await saveOffers(clinicId, id, draft.offers);
  await saveNeeds(clinicId, id, draft.needs);
  return id;
}

async function saveOffers(
  clinicId: string,
  serviceId: string,
  offers: Offer[],
) {
  if (offers.length > 0) {
    saved(
      await supabase()
        .from("provider_services")
        .upsert(
          offers.map((offer) => ({
            clinic_id: clinicId,
            service_id: serviceId,
            provider_id: offer.provider_id,
            duration_minutes: numberOf(offer.duration_minutes),
          })),
        )
        .select("provider_id"),
    );
  }
  const ended = supabase().from("provider_services").delete().eq(
    "service_id",
    serviceId,
  );
  rowsOf(
    await (offers.length > 0
      ? ended.not(
        "provider_id",
        "in",
        `(${offers.map((offer) => offer.provider_id).join()})`,
      )
      : ended),
  );
}

async function saveNeeds(clinicId: string, serviceId: string, needs: Need[]) {
  let kept: string[] = [];
  if (needs.length > 0) {
    kept = saved(
      await supabase()
        .from("service_needs")
        .upsert(
          needs.map((need) => ({
            clinic_id: clinicId,
            service_id: serviceId,
            kind: need.kind,
            resource_id: need.resource_id || null,
            quantity: need.resource_id ? 1 : numberOf(need.quantity) ?? 0,
          })),
          { onConflict: "service_id,kind,resource_id" },
        )
        .select("id"),
    ).map(({ id }) => id);
  }
  const ended = supabase().from("service_needs").delete().eq(
    "service_id",
    serviceId,
  );
  rowsOf(
    await (kept.length > 0 ? ended.not("id", "in", `(${kept.join()})`) : ended),
  );
}

/** Only a service that was never booked can go; others are switched off. */
export async function removeService(serviceId: string) {
  saved(
    await supabase().from("services").delete().eq("id", serviceId).select("id"),
  );
}
