import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CalendarSync } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Segments } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { rowsOf } from "@/lib/errors";
import { useLanguage } from "@/lib/hooks";
import { supabase } from "@/lib/supabase";
import { type FeedDetails, revokeFeed } from "./feeds";
import { FeedAddress } from "./new-feed";

/** Subscriptions of a provider's calendar: those that work, and a new one. */
export function ProviderFeed({ providerId }: { providerId: string }) {
  const { t } = useTranslation("provider");
  const language = useLanguage();
  const queries = useQueryClient();
  const [details, setDetails] = useState<FeedDetails>("busy");
  const feeds = useQuery({
    queryKey: ["feeds", "provider", providerId],
    queryFn: async () =>
      rowsOf(
        await supabase()
          .from("calendar_feeds")
          .select("id, details, created_at")
          .eq("provider_id", providerId)
          .is("revoked_at", null)
          .order("created_at", { ascending: false }),
      ),
    meta: { isPersonal: true },
  });
  const readAnew = () => queries.invalidateQueries({ queryKey: ["feeds"] });
  const create = useMutation({
    mutationFn: async () => {
      const [feed] = rowsOf(
        await supabase().rpc("create_feed", {
          provider_id: providerId,
          details,
        }),
      );
      return feed?.address ?? "";
    },
    onSuccess: readAnew,
  });
  const revoke = useMutation({ mutationFn: revokeFeed, onSettled: readAnew });
  const written = new Intl.DateTimeFormat(language, { dateStyle: "long" });
  return (
    <>
      <ErrorNotice error={feeds.error ?? revoke.error ?? create.error} />
      <ul className="cards">
        {feeds.data?.map((feed) => (
          <li className="card" key={feed.id}>
            <div className="card-body">
              <strong>{t(`calendars.details_${feed.details}`)}</strong>
              <span className="muted">
                {t("calendars.made", {
                  date: written.format(new Date(feed.created_at)),
                })}
              </span>
            </div>
            <Button
              look="danger"
              isBusy={revoke.isPending}
              onClick={() => revoke.mutate(feed.id)}
            >
              {t("calendars.revoke")}
            </Button>
          </li>
        ))}
      </ul>
      <div className="card card-form">
        <Segments
          label={t("calendars.details")}
          value={details}
          options={(["busy", "titles"] as const).map((value) => ({
            value,
            label: t(`calendars.details_${value}`),
          }))}
          onChange={(value) => {
            setDetails(value === "titles" ? "titles" : "busy");
            create.reset();
          }}
        />
        {create.data ? <FeedAddress address={create.data} /> : (
          <div className="actions">
            <Button
              look="primary"
              isBusy={create.isPending}
              onClick={() => create.mutate()}
            >
              <CalendarSync aria-hidden size={18} />
              {t("calendars.create")}
            </Button>
          </div>
        )}
      </div>
    </>
  );
}
