import { useTranslation } from "react-i18next";
import { NumberField } from "../fields";
import { BrokenRule } from "../saved";
import type { Offer } from "./service-draft";

interface OfferFieldsProps {
  providers: { id: string; full_name: string; active: boolean }[];
  offers: Offer[];
  refusal: unknown;
  onChange: (offers: Offer[]) => void;
}

/** Who gives the service, and how long it takes them. */
export function OfferFields(
  { providers, offers, refusal, onChange }: OfferFieldsProps,
) {
  const { t } = useTranslation("manage");
  const listed = providers.filter(({ id, active }) =>
    active || offers.some((offer) => offer.provider_id === id)
  );
  const own = refusal instanceof BrokenRule &&
      refusal.rule.startsWith("provider_services_")
    ? refusal
    : null;
  return (
    <fieldset className="card card-form">
      <legend className="form-legend">{t("service.offered_by")}</legend>
      {listed.length === 0 && <p className="muted">{t("service.no_providers")}</p>}
      <ul className="pick-list">
        {listed.map(({ id, full_name }) => {
          const offer = offers.find(({ provider_id }) => provider_id === id);
          return (
            <li key={id}>
              <label className="check">
                <input
                  type="checkbox"
                  checked={offer !== undefined}
                  onChange={(event) =>
                    onChange(
                      event.target.checked
                        ? [...offers, { provider_id: id, duration_minutes: "" }]
                        : offers.filter(({ provider_id }) => provider_id !== id),
                    )}
                />
                <span>{full_name}</span>
              </label>
              {offer && (
                <NumberField
                  column="duration_minutes"
                  refusal={own}
                  label={t("service.own_minutes")}
                  aria-label={t("service.own_duration", { name: full_name })}
                  placeholder={t("service.as_service")}
                  value={offer.duration_minutes}
                  onChange={(duration_minutes) =>
                    onChange(
                      offers.map((other) =>
                        other === offer ? { ...offer, duration_minutes } : other
                      ),
                    )}
                />
              )}
            </li>
          );
        })}
      </ul>
    </fieldset>
  );
}
