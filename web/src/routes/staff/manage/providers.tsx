import { useSuspenseQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Page } from "@/components/page";
import { providersQuery } from "@/features/manage/providers/get-providers";
import { ProviderCard, ProviderForm } from "@/features/manage/providers/provider-card";
import { useWorkplace } from "@/features/workplace/workplace";

export function Component() {
  const { t } = useTranslation("manage");
  const { clinicId } = useWorkplace();
  const { data: providers } = useSuspenseQuery(providersQuery(clinicId));
  const [isAdding, setAdding] = useState(false);
  return (
    <Page title={t("pages.providers")} lead={t("providers.lead")}>
      {isAdding
        ? (
          <section className="card card-form">
            <h2>{t("providers.add")}</h2>
            <ProviderForm userId="" onDone={() => setAdding(false)} />
          </section>
        )
        : (
          <div className="actions">
            <Button look="primary" onClick={() => setAdding(true)}>
              <Plus aria-hidden size={18} />
              {t("providers.add")}
            </Button>
          </div>
        )}
      <ul className="cards">
        {providers.map((provider) => <ProviderCard key={provider.id} provider={provider} />)}
      </ul>
    </Page>
  );
}
