import { Plus, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice } from "@/components/field";
import { NumberField } from "../fields";
import type { Resource } from "./get-services";
import type { Need } from "./service-draft";

interface NeedsFieldsProps {
  resources: Resource[];
  needs: Need[];
  refusal: unknown;
  onChange: (needs: Need[]) => void;
}

/** What the service keeps busy besides people: a named room, or any two of a kind. */
export function NeedsFields(
  { resources, needs, refusal, onChange }: NeedsFieldsProps,
) {
  const { t } = useTranslation("manage");
  const options = [
    { value: "room:", label: t("needs.any_room") },
    { value: "equipment:", label: t("needs.any_equipment") },
    ...resources
      .filter(({ id, active }) => active || needs.some(({ resource_id }) => resource_id === id))
      .map(({ id, kind, name }) => ({ value: `${kind}:${id}`, label: name })),
  ];
  const choose = (need: Need, value: string) => {
    const [kind, resource_id = ""] = value.split(":");
    const chosen: Need = {
      kind: kind === "equipment" ? "equipment" : "room",
      resource_id,
      quantity: resource_id ? "1" : need.quantity,
    };
    onChange(needs.map((other) => (other === need ? chosen : other)));
  };
  const isFree = (value: string) =>
    !needs.some(({ kind, resource_id }) => `${kind}:${resource_id}` === value);
  const next = options.find(({ value }) => isFree(value));
  return (
    <fieldset className="card card-form">
      <legend className="form-legend">{t("needs.title")}</legend>
      <p className="muted">{t("needs.lead")}</p>
      <ul className="need-list">
        {needs.map((need, index) => {
          const value = `${need.kind}:${need.resource_id}`;
          return (
            <li key={index}>
              <Choice
                label={t("needs.what")}
                value={value}
                options={options.filter((option) => option.value === value || isFree(option.value))}
                onChange={(chosen) => choose(need, chosen)}
              />
              {!need.resource_id && (
                <NumberField
                  column="quantity"
                  refusal={refusal}
                  label={t("needs.quantity")}
                  value={need.quantity}
                  onChange={(quantity) =>
                    onChange(
                      needs.map((
                        other,
                      ) => (other === need ? { ...need, quantity } : other)),
                    )}
                />
              )}
              <Button
                aria-label={t("needs.remove", {
                  name: options.find((option) => option.value === value)?.label ?? "",
                })}
                onClick={() => onChange(needs.filter((other) => other !== need))}
              >
                <X aria-hidden size={18} />
              </Button>
            </li>
          );
        })}
      </ul>
      {next && (
        <div className="actions">
          <Button
            onClick={() => {
              const [kind, resource_id = ""] = next.value.split(":");
              onChange([...needs, {
                kind: kind === "equipment" ? "equipment" : "room",
                resource_id,
                quantity: "1",
              }]);
            }}
          >
            <Plus aria-hidden size={18} />
            {t("needs.add")}
          </Button>
        </div>
      )}
    </fieldset>
  );
}
