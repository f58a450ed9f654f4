import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import * as z from "zod/mini";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { LanguageField } from "@/components/language-field";
import { ErrorNotice, Notice } from "@/components/notice";
import { paths } from "@/config/paths";
import { keyOf } from "@/lib/errors";
import { currentLanguage } from "@/lib/i18n";
import { deviceZone } from "@/lib/zoned-time";
import { changeByApi } from "../ask-api";
import { ZoneField } from "../zone-field";
import { isSlug, slugOf } from "./slug";

const openedShape = z.object({ id: z.string() });

/** A clinic of one's own, with its first place. */
export function OpenClinic() {
  const { t } = useTranslation("manage");
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [ownSlug, setOwnSlug] = useState<string | null>(null);
  const [zone, setZone] = useState(deviceZone);
  const [locale, setLocale] = useState<string>(currentLanguage);
  const [place, setPlace] = useState("");
  const [address, setAddress] = useState("");
  const [isTried, setTried] = useState(false);
  const slug = ownSlug ?? slugOf(name);
  const opening = useMutation({
    mutationFn: () =>
      changeByApi({
        method: "POST",
        path: "/v1/clinics",
        body: {
          name: name.trim(),
          slug,
          time_zone: zone,
          locale,
          location: { name: place.trim(), address: address.trim() || null },
        },
        answer: openedShape,
      }),
    onSuccess: async ({ id }) => {
      await queries.invalidateQueries({ queryKey: ["memberships"] });
      void navigate(paths.staff(id, "manage/services"));
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (name.trim() && place.trim() && isSlug(slug) && !opening.isPending) {
      opening.mutate();
    }
  };
  const needed = (text: string) => isTried && !text.trim() ? t("mistake.blank") : undefined;
  const key = opening.error ? keyOf(opening.error) : null;
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <h2>{t("welcome.open")}</h2>
      <p className="muted">{t("welcome.open_lead")}</p>
      <Field
        label={t("welcome.name")}
        autoComplete="organization"
        maxLength={200}
        value={name}
        error={needed(name)}
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
        error={key === "slug_in_use"
          ? t("mistake.taken")
          : isTried && !isSlug(slug)
          ? t("settings.slug_wrong")
          : undefined}
        onChange={({ target }) => {
          setOwnSlug(target.value.toLowerCase());
          if (opening.isError) opening.reset();
        }}
      />
      <div className="pair">
        <ZoneField value={zone} onChange={setZone} />
        <LanguageField label={t("welcome.locale")} value={locale} onChange={setLocale} />
      </div>
      <div className="pair">
        <Field
          label={t("welcome.location")}
          maxLength={200}
          value={place}
          error={needed(place)}
          onChange={({ target }) => setPlace(target.value)}
        />
        <Field
          label={t("welcome.address")}
          autoComplete="street-address"
          maxLength={500}
          value={address}
          onChange={({ target }) => setAddress(target.value)}
        />
      </div>
      {key === "not_allowed"
        ? <Notice kind="bad">{t("welcome.confirm_first")}</Notice>
        : <ErrorNotice error={key === "slug_in_use" ? null : opening.error} />}
      <div className="actions">
        <Button type="submit" look="primary" isBusy={opening.isPending}>
          {t("welcome.open")}
        </Button>
      </div>
    </form>
  );
}
