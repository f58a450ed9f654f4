import { numberOf } from "../fields";
import type { ManagedService } from "./get-services";

/** A service as it stands in the form: numbers as they were typed. */
export interface ServiceDraft {
  name: string;
  description: string;
  preparation: string;
  duration_minutes: string;
  buffer_before_minutes: string;
  buffer_after_minutes: string;
  slot_interval_minutes: string;
  min_notice_minutes: string;
  cancel_notice_minutes: string;
  horizon_days: string;
  capacity: string;
  max_per_day: string;
  max_per_week: string;
  needs_approval: boolean;
  new_patients_only: boolean;
  active: boolean;
  offers: Offer[];
  needs: Need[];
}

export interface Offer {
  provider_id: string;
  /** Empty: as long as the service. */
  duration_minutes: string;
}

export interface Need {
  kind: "room" | "equipment";
  /** Empty: any of the kind. */
  resource_id: string;
  quantity: string;
}

const NEW: ServiceDraft = {
  name: "",
  description: "",
  preparation: "",
  duration_minutes: "30",
  buffer_before_minutes: "0",
  buffer_after_minutes: "0",
  slot_interval_minutes: "15",
  min_notice_minutes: "120",
  cancel_notice_minutes: "1440",
  horizon_days: "90",
  capacity: "1",
  max_per_day: "",
  max_per_week: "",
  needs_approval: false,
  new_patients_only: false,
  active: true,
  offers: [],
  needs: [],
};

export function draftOf(service: ManagedService | undefined): ServiceDraft {
  if (!service) return NEW;
  return {
    name: service.name,
    description: service.description ?? "",
    preparation: service.preparation ?? "",
    duration_minutes: String(service.duration_minutes),
    buffer_before_minutes: String(service.buffer_before_minutes),
    buffer_after_minutes: String(service.buffer_after_minutes),
    slot_interval_minutes: String(service.slot_interval_minutes),
    min_notice_minutes: String(service.min_notice_minutes),
    cancel_notice_minutes: String(service.cancel_notice_minutes),
    horizon_days: String(service.horizon_days),
    capacity: String(service.capacity),
    max_per_day: String(service.max_per_day ?? ""),
    max_per_week: String(service.max_per_week ?? ""),
    needs_approval: service.needs_approval,
    new_patients_only: service.new_patients_only,
    active: service.active,
    offers: service.provider_services.map((
      { provider_id, duration_minutes },
    ) => ({
      provider_id,
      duration_minutes: String(duration_minutes ?? ""),
    })),
    needs: service.service_needs.map(({ kind, resource_id, quantity }) => ({
      kind,
      resource_id: resource_id ?? "",
      quantity: String(quantity),
    })),
  };
}

/** The columns of the service itself. */
export function columnsOf(draft: ServiceDraft) {
  return {
    name: draft.name.trim(),
    description: draft.description.trim() || null,
    preparation: draft.preparation.trim() || null,
    duration_minutes: numberOf(draft.duration_minutes) ?? 0,
    buffer_before_minutes: numberOf(draft.buffer_before_minutes) ?? 0,
    buffer_after_minutes: numberOf(draft.buffer_after_minutes) ?? 0,
    slot_interval_minutes: numberOf(draft.slot_interval_minutes) ?? 0,
    min_notice_minutes: numberOf(draft.min_notice_minutes) ?? 0,
    cancel_notice_minutes: numberOf(draft.cancel_notice_minutes) ?? 0,
    horizon_days: numberOf(draft.horizon_days) ?? 0,
    capacity: numberOf(draft.capacity) ?? 0,
    max_per_day: numberOf(draft.max_per_day),
    max_per_week: numberOf(draft.max_per_week),
    needs_approval: draft.needs_approval,
    new_patients_only: draft.new_patients_only,
    active: draft.active,
  };
}
