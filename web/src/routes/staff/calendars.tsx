import { useTranslation } from "react-i18next";
import { Page } from "@/components/page";
import { ProviderFeed } from "@/features/feeds/provider-feed";
import { OutsideCalendarsList } from "@/features/outside-calendars/outside-calendars-list";
import { ProviderChoice, useChosenProvider } from "@/features/workplace/provider-choice";

export function Component() {
  const { t } = useTranslation("provider");
  const provider = useChosenProvider();
  return (
    <Page title={t("calendars.title")} lead={t("calendars.lead")} isNarrow>
      <ProviderChoice />
      {provider && (
        <>
          <section aria-labelledby="outside">
            <h2 id="outside">{t("outside_calendars.title")}</h2>
            <p className="muted">{t("outside_calendars.lead")}</p>
            <OutsideCalendarsList key={provider.id} providerId={provider.id} />
          </section>
          <section aria-labelledby="feed">
            <h2 id="feed">{t("calendars.feed")}</h2>
            <p className="muted">{t("calendars.feed_lead")}</p>
            <ProviderFeed key={provider.id} providerId={provider.id} />
          </section>
        </>
      )}
    </Page>
  );
}
