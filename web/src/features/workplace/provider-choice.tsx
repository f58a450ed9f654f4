import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Choice } from "@/components/field";
import { useWorkplace } from "./workplace";

/** Whose page this is: who was named in the address, else the person's own, else the first. */
export function useChosenProvider() {
  const { clinic, userId } = useWorkplace();
  const [search] = useSearchParams();
  const asked = search.get("with");
  const active = clinic.providers.filter((provider) => provider.active);
  return active.find(({ id }) => id === asked) ??
    active.find(({ user_id }) => user_id === userId) ??
    active[0];
}

/** Lets managers and the front desk look at somebody else's. */
export function ProviderChoice() {
  const { t } = useTranslation("provider");
  const { clinic, role } = useWorkplace();
  const [, setSearch] = useSearchParams();
  const provider = useChosenProvider();
  if (!provider) return <p className="muted">{t("providers.none")}</p>;
  if (role === "provider") return null;
  return (
    <div className="provider-choice">
      <Choice
        label={t("providers.show")}
        value={provider.id}
        options={clinic.providers.filter(({ active }) => active).map((
          { id, full_name },
        ) => ({
          value: id,
          label: full_name,
        }))}
        onChange={(id) =>
          setSearch((before) => {
            const next = new URLSearchParams(before);
            next.set("with", id);
            return next;
          }, { replace: true })}
      />
    </div>
  );
}
