import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { ErrorNotice } from "@/components/notice";
import { type KnownRecord, useKnownRecords } from "@/features/account/known-records";
import { type FeedDetails, feedsQuery, revokeFeed } from "@/features/feeds/feeds";
import { NewFeed } from "@/features/feeds/new-feed";
import { useLanguage } from "@/lib/hooks";
import { deviceZone, fullDay } from "@/lib/zoned-time";
import { useAccountOwner } from "./layout";

export function Component() {
  const { t } = useTranslation(["patient", "common"]);
  const { userId } = useAccountOwner();
  const records = useKnownRecords(userId);
  const { data: feeds } = useSuspenseQuery(feedsQuery(userId));
  return (
    <>
      <section aria-labelledby="feed">
        <h2 id="feed">{t("feed.title")}</h2>
        <p className="muted">{t("feed.lead")}</p>
        {records.length === 0
          ? <p className="muted">{t("common:account.none")}</p>
          : <NewFeed records={records} />}
      </section>
      {feeds.length > 0 && (
        <section aria-labelledby="feeds">
          <h2 id="feeds">{t("feed.working")}</h2>
          <ul className="cards">
            {feeds.map((feed) => (
              <li key={feed.id}>
                <FeedCard
                  feed={feed}
                  record={records.find(({ id }) => id === feed.patient_id)}
                />
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

interface FeedCardProps {
  feed: { id: string; details: FeedDetails; created_at: string };
  record: KnownRecord | undefined;
}

function FeedCard({ feed, record }: FeedCardProps) {
  const { t } = useTranslation("patient");
  const language = useLanguage();
  const queries = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => revokeFeed(feed.id),
    onSettled: () => queries.invalidateQueries({ queryKey: ["feeds"] }),
  });
  return (
    <div className="card">
      <span className="card-body">
        <strong>
          {record ? `${record.full_name} · ${record.clinic.name}` : t("feed.title")}
        </strong>
        <span className="muted">
          {t(`feed.details_${feed.details}`)} · {t("feed.since", {
            day: fullDay(feed.created_at, deviceZone(), language),
          })}
        </span>
        <ErrorNotice error={revoke.error} />
      </span>
      <Button
        look="danger"
        isBusy={revoke.isPending}
        onClick={() => revoke.mutate()}
      >
        {t("feed.revoke")}
      </Button>
    </div>
  );
}
