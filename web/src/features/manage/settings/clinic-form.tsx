import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import { Switch } from "@/components/switch";
import { useWorkplace } from "@/features/workplace/workplace";
import { keyOf } from "@/lib/errors";
import { useUnsaved } from "@/lib/unsaved";
import { SaveBar } from "../save-bar";
import { isSlug } from "../welcome/slug";
import { ZoneField } from "../zone-field";
import { changeClinic, type ClinicChanges } from "./change-settings";
import type { Settings } from "./get-settings";

/** The clinic's name and address on the web. */
export function ClinicForm({ settings }: { settings: Settings }) {
  const { t } = useTranslation("manage");
  const [name, setName] = useState(settings.name);
  const [slug, setSlug] = useState(settings.slug);
  const [zone, setZone] = useState(settings.time_zone);
  const saving = useChange(settings.id);
  const isReadable = isSlug(slug);
  useUnsaved(
    name.trim() !== settings.name || slug !== settings.slug ||
      zone !== settings.time_zone,
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!name.trim() || !isReadable || saving.isPending) return;
    saving.mutate({ name: name.trim(), slug, time_zone: zone });
  };
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <h2>{t("settings.clinic")}</h2>
      <Field
        label={t("settings.name")}
        maxLength={200}
        value={name}
        error={name.trim() ? undefined : t("mistake.blank")}
        onChange={({ target }) => setName(target.value)}
      />
      <Field
        label={t("settings.slug")}
        hint={t("settings.slug_hint", {
          address: `${location.origin}/c/${slug}`,
        })}
        maxLength={60}
        autoCapitalize="none"
        spellCheck={false}
        value={slug}
        error={!isReadable
          ? t("settings.slug_wrong")
          : saving.error && keyOf(saving.error) === "slug_in_use"
          ? t("mistake.taken")
          : undefined}
        onChange={({ target }) => setSlug(target.value.toLowerCase())}
      />
      <ZoneField value={zone} onChange={setZone} />
      <SaveBar saving={saving} />
    </form>
  );
}

/** Who may see the clinic, and how its staff signs in: each counts at once. */
export function ClinicSwitches({ settings }: { settings: Settings }) {
  const { t } = useTranslation("manage");
  const { role } = useWorkplace();
  const opening = useChange(settings.id);
  const guarding = useChange(settings.id);
  return (
    <section className="card card-form">
      <h2>{t("settings.access")}</h2>
      <Switch
        label={t("settings.books_publicly")}
        hint={t("settings.books_publicly_hint")}
        isOn={settings.books_publicly}
        onChange={(books_publicly) => opening.mutate({ books_publicly })}
      />
      {keyOf(opening.error) === "invalid_input"
        ? <Notice kind="bad">{t("settings.nothing_to_book")}</Notice>
        : <ErrorNotice error={opening.error} />}
      {role === "owner" && (
        <Switch
          label={t("settings.second_factor")}
          hint={t("settings.second_factor_hint")}
          isOn={settings.staff_needs_second_factor}
          onChange={(staff_needs_second_factor) => guarding.mutate({ staff_needs_second_factor })}
        />
      )}
      {keyOf(guarding.error) === "not_allowed"
        ? <Notice kind="bad">{t("settings.own_factor_first")}</Notice>
        : <ErrorNotice error={guarding.error} />}
    </section>
  );
}

function useChange(clinicId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (changes: ClinicChanges) => changeClinic(clinicId, changes),
    onSettled: () =>
      Promise.all(
        [["settings", clinicId], ["workplace", clinicId], ["memberships"], [
          "clinic",
        ]].map(
          (queryKey) => queries.invalidateQueries({ queryKey }),
        ),
      ),
  });
}
