import { useSuspenseQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Page } from "@/components/page";
import { placesQuery } from "@/features/manage/places/get-places";
import { PlaceCard, PlaceForm } from "@/features/manage/places/place-card";
import { useWorkplace } from "@/features/workplace/workplace";

export function Component() {
  const { t } = useTranslation("manage");
  const { clinicId } = useWorkplace();
  const { data: places } = useSuspenseQuery(placesQuery(clinicId));
  const [isAdding, setAdding] = useState(false);
  return (
    <Page title={t("pages.places")} lead={t("places.lead")}>
      {places.map((place) => <PlaceCard key={place.id} place={place} />)}
      {isAdding
        ? (
          <section className="card card-form">
            <h2>{t("places.add")}</h2>
            <PlaceForm onDone={() => setAdding(false)} />
          </section>
        )
        : (
          <div className="actions">
            <Button onClick={() => setAdding(true)}>
              <Plus aria-hidden size={18} />
              {t("places.add")}
            </Button>
          </div>
        )}
    </Page>
  );
}
