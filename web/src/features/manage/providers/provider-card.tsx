import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Button } from "@/components/button";
import { Choice } from "@/components/field";
import { PersonMark } from "@/components/person-mark";
import { Switch } from "@/components/switch";
import { paths } from "@/config/paths";
import { useWorkplace } from "@/features/workplace/workplace";
import { TextField } from "../fields";
import { SaveBar } from "../save-bar";
import { staffQuery } from "../staff/get-staff";
import type { ManagedProvider } from "./get-providers";
import { saveProvider } from "./save-provider";

/** One provider and, when it is opened, the form to change them. */
export function ProviderCard({ provider }: { provider: ManagedProvider }) {
  const { t } = useTranslation("manage");
  const { clinicId } = useWorkplace();
  const { data: staff } = useSuspenseQuery(staffQuery(clinicId));
  const [isOpen, setOpen] = useState(false);
  const logIn = staff.find(({ provider_id }) => provider_id === provider.id);
  const services = provider.provider_services.map(({ services }) => services.name).sort();
  return (
    <li
      className={provider.active ? "card card-form" : "card card-form is-off"}
    >
      <div className="place-head">
        <PersonMark name={provider.full_name} />
        <div className="card-body">
          <strong>{provider.full_name}</strong>
          {provider.speciality && <span className="muted">{provider.speciality}</span>}
          <span className="muted small">
            {services.length > 0 ? services.join(", ") : t("provider.no_services")}
          </span>
          <span className="tags">
            {!provider.active && <span className="tag tag-warn">{t("provider.off")}</span>}
            {provider.weekly_hours.length === 0 && (
              <span className="tag tag-warn">{t("provider.no_hours")}</span>
            )}
            {logIn && <span className="tag">{t("provider.has_log_in")}</span>}
          </span>
        </div>
        {provider.active && (
          <Link
            className="button button-quiet"
            to={`${paths.staff(clinicId, "hours")}?with=${provider.id}`}
            aria-label={t("provider.hours_of", { name: provider.full_name })}
          >
            {t("provider.hours")}
          </Link>
        )}
        <Button
          aria-label={t("form.change_of", { name: provider.full_name })}
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          {t("form.change")}
        </Button>
      </div>
      {isOpen && (
        <ProviderForm
          provider={provider}
          userId={logIn?.user_id ?? ""}
          onDone={() => setOpen(false)}
        />
      )}
    </li>
  );
}

interface ProviderFormProps {
  provider?: ManagedProvider;
  /** Empty: has no log-in. */
  userId: string;
  onDone: () => void;
}

/** A new provider without `provider`. */
export function ProviderForm({ provider, userId, onDone }: ProviderFormProps) {
  const { t } = useTranslation("manage");
  const { clinicId } = useWorkplace();
  const queries = useQueryClient();
  const { data: staff } = useSuspenseQuery(staffQuery(clinicId));
  const [name, setName] = useState(provider?.full_name ?? "");
  const [speciality, setSpeciality] = useState(provider?.speciality ?? "");
  const [isActive, setActive] = useState(provider?.active ?? true);
  const [user, setUser] = useState(userId);
  const saving = useMutation({
    mutationFn: () =>
      saveProvider(clinicId, provider?.id, {
        full_name: name.trim(),
        speciality: speciality.trim() || null,
        active: isActive,
        user_id: user || null,
      }),
    onSuccess: async () => {
      await Promise.all(
        ["providers", "staff", "workplace"].map((key) =>
          queries.invalidateQueries({ queryKey: [key, clinicId] })
        ),
      );
      onDone();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!saving.isPending) saving.mutate();
  };
  const free = staff.filter(({ provider_id, user_id, active }) =>
    user_id === userId || (active && provider_id === null)
  );
  return (
    <form className="form inset" onSubmit={submit} noValidate>
      <div className="pair">
        <TextField
          column="full_name"
          refusal={saving.error}
          label={t("provider.full_name")}
          value={name}
          onChange={setName}
        />
        <TextField
          column="speciality"
          refusal={saving.error}
          label={t("provider.speciality")}
          value={speciality}
          onChange={setSpeciality}
        />
      </div>
      <Choice
        label={t("provider.log_in")}
        value={user}
        options={[
          { value: "", label: t("provider.no_log_in") },
          ...free.map(({ user_id, email, role }) => ({
            value: user_id,
            label: `${email} (${t(`role.${role}`)})`,
          })),
        ]}
        onChange={setUser}
      />
      <p className="field-hint">{t("provider.log_in_hint")}</p>
      <Switch
        label={t("provider.active")}
        hint={t("provider.active_hint")}
        isOn={isActive}
        onChange={setActive}
      />
      <SaveBar saving={saving}>
        <Button onClick={onDone}>{t("form.back")}</Button>
      </SaveBar>
    </form>
  );
}
