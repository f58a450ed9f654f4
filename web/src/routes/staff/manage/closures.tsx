import { useSuspenseQueries } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { ClosureForm } from "@/features/manage/closures/closure-form";
import { ClosureList } from "@/features/manage/closures/closure-list";
import { closuresQuery } from "@/features/manage/closures/get-closures";
import { placesQuery } from "@/features/manage/places/get-places";
import { useWorkplace } from "@/features/workplace/workplace";
import { now } from "@/lib/clock";
import { dayOf } from "@/lib/zoned-time";

export function Component() {
  const { t } = useTranslation("manage");
  const { clinicId, zone } = useWorkplace();
  const today = dayOf(now(), zone);
  const [{ data: closures }, { data: places }] = useSuspenseQueries({
    queries: [closuresQuery(clinicId, today), placesQuery(clinicId)],
  });
  return (
    <Page title={t("pages.closures")} lead={t("closures.lead")}>
      <section>
        <h2>{t("closures.coming")}</h2>
        <ClosureList closures={closures} />
      </section>
      <ClosureForm places={places} today={today} />
    </Page>
  );
}
