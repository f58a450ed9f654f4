import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice, Field } from "@/components/field";
import { ErrorNotice, Notice } from "@/components/notice";
import { keyOf, Refusal, rowsOf } from "@/lib/errors";
import { useLanguage } from "@/lib/hooks";
import { supabase } from "@/lib/supabase";
import { clockTime, type Day } from "@/lib/zoned-time";
import { instantOf, laterOnTheWall, wallText } from "../calendar/wall-clock";
import type { Block } from "../day/day-frame";
import { Sheet } from "./sheet";

interface BlockTimeProps {
  day: Day;
  zone: string;
  providers: { id: string; full_name: string }[];
  picked: { at: number; providerId: string | null } | null;
  onClose: () => void;
  onDone: (told: string) => void;
}

interface Span {
  providerId: string;
  startsAt: number;
  endsAt: number;
  reason: string;
}

/** Closes some hours of a day for one provider; says first which booked visits that would touch. */
export function BlockTime({ day, zone, providers, picked, onClose, onDone }: BlockTimeProps) {
  const { t } = useTranslation("desk");
  const queries = useQueryClient();
  const from = picked ? wallText(picked.at, zone) : `${day}T12:00`;
  const [providerId, setProviderId] = useState(picked?.providerId ?? providers[0]?.id ?? "");
  const [on, setOn] = useState(from.slice(0, 10));
  const [begins, setBegins] = useState(from.slice(11));
  const [ends, setEnds] = useState(laterOnTheWall(from, 60).slice(11));
  const [reason, setReason] = useState("");

  const block = useMutation({
    mutationFn: ({ span, isMarking }: { span: Span; isMarking: boolean }) =>
      blockTime(span, isMarking),
    onSuccess: () => {
      onDone(t("block.done"));
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["day"] }),
  });
  const startsAt = instantOf(`${on}T${begins}`, zone);
  const endsAt = instantOf(`${on}T${ends}`, zone);
  const noSuchTime = (wall: string, instant: number | null) =>
    on && wall && instant === null ? t("book.no_such_time") : undefined;
  const touches = block.error && keyOf(block.error) === "visits_outside_hours";
  const submit = (isMarking: boolean) => {
    if (startsAt === null || endsAt === null || block.isPending) return;
    block.mutate({ span: { providerId, startsAt, endsAt, reason }, isMarking });
  };
  return (
    <Sheet title={t("block.title")} isOpen onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          submit(false);
        }}
      >
        <p className="muted">{t("block.lead")}</p>
        <Choice
          label={t("book.provider")}
          value={providerId}
          options={providers.map(({ id, full_name }) => ({ value: id, label: full_name }))}
          onChange={setProviderId}
        />
        <Field
          label={t("book.day")}
          type="date"
          required
          value={on}
          onChange={({ target }) => setOn(target.value)}
        />
        <div className="pair">
          <Field
            label={t("block.from")}
            type="time"
            required
            value={begins}
            error={noSuchTime(begins, startsAt)}
            onChange={({ target }) => setBegins(target.value)}
          />
          <Field
            label={t("block.to")}
            type="time"
            required
            value={ends}
            error={begins && ends && ends <= begins ? t("block.order") : noSuchTime(ends, endsAt)}
            onChange={({ target }) => setEnds(target.value)}
          />
        </div>
        <Field
          label={t("block.reason")}
          hint={t("block.reason_hint")}
          maxLength={200}
          value={reason}
          onChange={({ target }) => setReason(target.value)}
        />
        {touches
          ? (
            <Notice kind="bad">
              <p>{t("block.touches")}</p>
              <Button onClick={() => submit(true)}>{t("block.anyway")}</Button>
            </Notice>
          )
          : <ErrorNotice error={block.error} />}
        <div className="actions desk-sheet-actions">
          <Button type="submit" look="primary" isBusy={block.isPending}>{t("block.do")}</Button>
          <Button onClick={onClose}>{t("sheet.cancel")}</Button>
        </div>
      </form>
    </Sheet>
  );
}

async function blockTime(span: Span, isMarking: boolean): Promise<void> {
  if (span.endsAt <= span.startsAt) throw new Refusal("invalid_time");
  rowsOf(
    await supabase().rpc("block_time", {
      provider_id: span.providerId,
      starts_at: new Date(span.startsAt).toISOString(),
      ends_at: new Date(span.endsAt).toISOString(),
      on_conflict: isMarking ? "mark" : "refuse",
      ...(span.reason.trim() && { reason: span.reason.trim() }),
    }),
  );
}

interface BlockSheetProps {
  block: Block;
  provider: string;
  zone: string;
  onClose: () => void;
  onDone: (told: string) => void;
}

/** A blocked time, and the way to give it back. */
export function BlockSheet({ block, provider, zone, onClose, onDone }: BlockSheetProps) {
  const { t } = useTranslation("desk");
  const language = useLanguage();
  const queries = useQueryClient();
  const giveBack = useMutation({
    mutationFn: async () =>
      rowsOf(await supabase().rpc("unblock_time", { exception_id: block.id })),
    onSuccess: () => {
      onDone(t("block.given_back"));
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["day"] }),
  });
  return (
    <Sheet
      title={block.reason ?? t(block.isOurs ? "block.blocked" : "block.elsewhere")}
      isOpen
      onClose={onClose}
    >
      <p>
        {provider}, {clockTime(block.startsAt, zone, language)} –{" "}
        {clockTime(block.endsAt, zone, language)}
      </p>
      {!block.isOurs && <p className="muted">{t("block.elsewhere_lead")}</p>}
      <ErrorNotice error={giveBack.error} />
      {block.isOurs && (
        <div className="actions">
          <Button look="primary" isBusy={giveBack.isPending} onClick={() => giveBack.mutate()}>
            {t("block.give_back")}
          </Button>
        </div>
      )}
    </Sheet>
  );
}
