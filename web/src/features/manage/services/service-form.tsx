import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Switch } from "@/components/switch";
import { paths } from "@/config/paths";
import { useWorkplace } from "@/features/workplace/workplace";
import { draft, dropDraft, keepDraft } from "@/lib/storage";
import { Confirm } from "../confirm";
import { LongText, NumberField, TextField } from "../fields";
import { SaveBar } from "../save-bar";
import type { ManagedService, Resource } from "./get-services";
import { NeedsFields } from "./needs-fields";
import { OfferFields } from "./offer-fields";
import { removeService, saveService } from "./save-service";
import { draftOf, type ServiceDraft } from "./service-draft";

interface ServiceFormProps {
  service: ManagedService | undefined;
  resources: Resource[];
}

const TIMES = [
  "duration_minutes",
  "slot_interval_minutes",
  "buffer_before_minutes",
  "buffer_after_minutes",
] as const;
const RULES = [
  "min_notice_minutes",
  "cancel_notice_minutes",
  "horizon_days",
] as const;
const LIMITS = ["capacity", "max_per_day", "max_per_week"] as const;

/** Everything about one kind of visit. */
export function ServiceForm({ service, resources }: ServiceFormProps) {
  const { t } = useTranslation("manage");
  const { clinicId, clinic } = useWorkplace();
  const navigate = useNavigate();
  const queries = useQueryClient();
  // A reload loses nothing; what somebody else has saved since is not overwritten by it.
  const kept = `service.${clinicId}.${service?.id ?? "new"}.${service?.updated_at ?? ""}`;
  const [edited, setEdited] = useState(() => draft<ServiceDraft>(kept) ?? draftOf(service));
  const toList = () => navigate(paths.staff(clinicId, "manage/services"));
  const saving = useMutation({
    mutationFn: () => saveService(clinicId, service?.id, edited),
    onSuccess: async (id) => {
      dropDraft(kept);
      await queries.invalidateQueries({ queryKey: ["services", clinicId] });
      if (!service) {
        void navigate(paths.staff(clinicId, `manage/services/${id}`), {
          replace: true,
        });
      }
    },
  });
  const remove = async () => {
    await removeService(service?.id ?? "");
    await queries.invalidateQueries({ queryKey: ["services", clinicId] });
    void toList();
  };
  const change = (changes: Partial<ServiceDraft>) => {
    const next = { ...edited, ...changes };
    setEdited(next);
    keepDraft(kept, next);
    if (saving.isSuccess) saving.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!saving.isPending) saving.mutate();
  };
  const numbers = (
    names: readonly (typeof TIMES | typeof RULES | typeof LIMITS)[number][],
  ) => (
    <div className="pair">
      {names.map((name) => (
        <NumberField
          key={name}
          column={name}
          refusal={saving.error}
          label={t(`service.${name}`)}
          hint={t(`service_hint.${name}`)}
          value={edited[name]}
          onChange={(value) => change({ [name]: value })}
        />
      ))}
    </div>
  );
  return (
    <form className="manage-form" onSubmit={submit} noValidate>
      <section className="card card-form">
        <TextField
          column="name"
          refusal={saving.error}
          label={t("service.name")}
          value={edited.name}
          onChange={(name) => change({ name })}
        />
        <LongText
          label={t("service.description")}
          maxLength={2000}
          value={edited.description}
          onChange={(description) => change({ description })}
        />
        <LongText
          label={t("service.preparation")}
          hint={t("service_hint.preparation")}
          maxLength={500}
          value={edited.preparation}
          onChange={(preparation) => change({ preparation })}
        />
        <Switch
          label={t("service.active")}
          hint={t("service_hint.active")}
          isOn={edited.active}
          onChange={(active) => change({ active })}
        />
      </section>
      <section className="card card-form">
        <h2>{t("service.times")}</h2>
        {numbers(TIMES)}
      </section>
      <section className="card card-form">
        <h2>{t("service.rules")}</h2>
        {numbers(RULES)}
        <Switch
          label={t("service.needs_approval")}
          hint={t("service_hint.needs_approval")}
          isOn={edited.needs_approval}
          onChange={(needs_approval) => change({ needs_approval })}
        />
        <Switch
          label={t("service.new_patients_only")}
          hint={t("service_hint.new_patients_only")}
          isOn={edited.new_patients_only}
          onChange={(new_patients_only) => change({ new_patients_only })}
        />
      </section>
      <section className="card card-form">
        <h2>{t("service.limits")}</h2>
        {numbers(LIMITS)}
      </section>
      <OfferFields
        providers={clinic.providers}
        offers={edited.offers}
        refusal={saving.error}
        onChange={(offers) => change({ offers })}
      />
      <NeedsFields
        resources={resources}
        needs={edited.needs}
        refusal={saving.error}
        onChange={(needs) => change({ needs })}
      />
      <SaveBar saving={saving}>
        {service && (
          <Confirm
            label={t("service.remove")}
            title={t("service.remove_title", { name: service.name })}
            act={remove}
          >
            <p>{t("service.remove_lead")}</p>
          </Confirm>
        )}
      </SaveBar>
    </form>
  );
}
