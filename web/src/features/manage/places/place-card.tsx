import { useMutation, useQueryClient } from "@tanstack/react-query";
import { DoorOpen, MapPin, Microscope, Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Segments } from "@/components/field";
import { Switch } from "@/components/switch";
import { useWorkplace } from "@/features/workplace/workplace";
import { Confirm } from "../confirm";
import { TextField } from "../fields";
import { SaveBar } from "../save-bar";
import { ZoneField } from "../zone-field";
import type { ManagedPlace, PlaceResource } from "./get-places";
import { removePlace, removeResource, savePlace, saveResource } from "./save-place";

/** One place with its rooms and equipment; each is changed where it stands. */
export function PlaceCard({ place }: { place: ManagedPlace }) {
  const { t } = useTranslation("manage");
  const [open, setOpen] = useState<string | null>(null);
  const close = () => setOpen(null);
  return (
    <section className="card card-form place">
      <div className="place-head">
        <MapPin aria-hidden size={22} />
        <div className="card-body">
          <h2>{place.name}</h2>
          <span className="muted">
            {[
              place.address,
              place.phone?.replaceAll(" ", "\u00a0"),
              place.time_zone.replaceAll("_", " "),
            ].filter(Boolean).join(" · ")}
          </span>
        </div>
        <Button
          aria-label={t("form.change_of", { name: place.name })}
          aria-expanded={open === "place"}
          onClick={() => setOpen(open === "place" ? null : "place")}
        >
          {t("form.change")}
        </Button>
      </div>
      {open === "place" && <PlaceForm place={place} onDone={close} />}
      <ul className="resource-list">
        {place.resources.map((resource) => (
          <li
            key={resource.id}
            className={resource.active ? undefined : "is-off"}
          >
            {resource.kind === "room"
              ? <DoorOpen aria-hidden size={20} />
              : <Microscope aria-hidden size={20} />}
            <span>
              <strong>{resource.name}</strong>
              <span className="muted small">
                {t(`resource.${resource.kind}`)}
                {!resource.active && ` · ${t("resource.off")}`}
              </span>
            </span>
            <Button
              aria-label={t("form.change_of", { name: resource.name })}
              aria-expanded={open === resource.id}
              onClick={() => setOpen(open === resource.id ? null : resource.id)}
            >
              {t("form.change")}
            </Button>
            {open === resource.id && (
              <ResourceForm
                placeId={place.id}
                resource={resource}
                onDone={close}
              />
            )}
          </li>
        ))}
      </ul>
      {open === "new"
        ? <ResourceForm placeId={place.id} onDone={close} />
        : (
          <div className="actions">
            <Button onClick={() => setOpen("new")}>
              <Plus aria-hidden size={18} />
              {t("resource.add")}
            </Button>
          </div>
        )}
    </section>
  );
}

/** Name, address, phone and clock of a place; a new one without `place`. */
export function PlaceForm(
  { place, onDone }: { place?: ManagedPlace; onDone: () => void },
) {
  const { t } = useTranslation("manage");
  const { clinicId, zone } = useWorkplace();
  const queries = useQueryClient();
  const [name, setName] = useState(place?.name ?? "");
  const [address, setAddress] = useState(place?.address ?? "");
  const [phone, setPhone] = useState(place?.phone ?? "");
  const [timeZone, setTimeZone] = useState(place?.time_zone ?? zone);
  const readAnew = () => queries.invalidateQueries({ queryKey: ["places", clinicId] });
  const saving = useMutation({
    mutationFn: () =>
      savePlace(clinicId, place?.id, {
        name: name.trim(),
        address: address.trim() || null,
        phone: phone.trim() || null,
        time_zone: timeZone,
      }),
    onSuccess: async () => {
      await readAnew();
      onDone();
    },
  });
  return (
    <form
      className="form inset"
      noValidate
      onSubmit={(event) => submit(event, saving)}
    >
      <TextField
        column="name"
        refusal={saving.error}
        label={t("place.name")}
        value={name}
        onChange={setName}
      />
      <TextField
        column="address"
        refusal={saving.error}
        label={t("place.address")}
        value={address}
        onChange={setAddress}
      />
      <TextField
        column="phone"
        refusal={saving.error}
        label={t("place.phone")}
        hint={t("place.phone_hint")}
        type="tel"
        maxLength={25}
        value={phone}
        onChange={setPhone}
      />
      <ZoneField value={timeZone} onChange={setTimeZone} />
      <p className="field-hint">{t("place.time_zone_hint")}</p>
      <SaveBar saving={saving}>
        <Button onClick={onDone}>{t("form.back")}</Button>
        {place && (
          <Confirm
            label={t("form.remove")}
            ariaLabel={t("form.remove_of", { name: place.name })}
            title={t("form.remove_of", { name: place.name })}
            act={() => removePlace(place.id).then(readAnew)}
          >
            <p>{t("form.remove_lead")}</p>
          </Confirm>
        )}
      </SaveBar>
    </form>
  );
}

interface ResourceFormProps {
  placeId: string;
  resource?: PlaceResource;
  onDone: () => void;
}

function ResourceForm({ placeId, resource, onDone }: ResourceFormProps) {
  const { t } = useTranslation("manage");
  const { clinicId } = useWorkplace();
  const queries = useQueryClient();
  const [name, setName] = useState(resource?.name ?? "");
  const [kind, setKind] = useState<PlaceResource["kind"]>(
    resource?.kind ?? "room",
  );
  const [active, setActive] = useState(resource?.active ?? true);
  const readAnew = () =>
    Promise.all(
      ["places", "resources"].map((key) =>
        queries.invalidateQueries({ queryKey: [key, clinicId] })
      ),
    );
  const saving = useMutation({
    mutationFn: () =>
      saveResource(clinicId, resource?.id, {
        location_id: placeId,
        kind,
        name: name.trim(),
        active,
      }),
    onSuccess: async () => {
      await readAnew();
      onDone();
    },
  });
  return (
    <form
      className="form inset"
      noValidate
      onSubmit={(event) => submit(event, saving)}
    >
      {!resource && (
        <Segments
          label={t("resource.kind")}
          value={kind}
          options={(["room", "equipment"] as const).map((value) => ({
            value,
            label: t(`resource.${value}`),
          }))}
          onChange={(value) => setKind(value === "equipment" ? "equipment" : "room")}
        />
      )}
      <TextField
        column="name"
        refusal={saving.error}
        label={t("resource.name")}
        value={name}
        onChange={setName}
      />
      {resource && (
        <Switch
          label={t("resource.active")}
          hint={t("resource.active_hint")}
          isOn={active}
          onChange={setActive}
        />
      )}
      <SaveBar saving={saving}>
        <Button onClick={onDone}>{t("form.back")}</Button>
        {resource && (
          <Confirm
            label={t("form.remove")}
            ariaLabel={t("form.remove_of", { name: resource.name })}
            title={t("form.remove_of", { name: resource.name })}
            act={() => removeResource(resource.id).then(readAnew)}
          >
            <p>{t("form.remove_lead")}</p>
          </Confirm>
        )}
      </SaveBar>
    </form>
  );
}

function submit(
  event: FormEvent,
  saving: { isPending: boolean; mutate: () => void },
) {
  event.preventDefault();
  if (!saving.isPending) saving.mutate();
}
