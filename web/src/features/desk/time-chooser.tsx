import { useMutation, useQuery } from "@tanstack/react-query";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Choice, Field } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import { addDays, clockTime, type Day, dayOf, longDay, startOfDay } from "@/lib/zoned-time";
import { instantOf, wallText } from "../calendar/wall-clock";
import { openSlots, slotsQuery } from "../slots/open-slots";
import type { ChosenTime } from "./book-visit";
import { WhyNot } from "./why-not";

interface TimeChooserProps {
  serviceId: string;
  providers: { id: string; full_name: string }[];
  zone: string;
  value: ChosenTime | null;
  onChange: (value: ChosenTime | null) => void;
  /** The day that is shown first. */
  day: Day;
  providerId: string | null;
  /** Whether a time that is not offered may be taken with a reason. */
  mayOverbook: boolean;
}

/** A free time of a service, or any other one together with why; says why a time is not offered. */
export function TimeChooser(
  { serviceId, providers, zone, value, onChange, day: firstDay, providerId: first, mayOverbook }:
    TimeChooserProps,
) {
  const { t } = useTranslation("desk");
  const language = useLanguage();
  const name = useId();
  const [day, setDay] = useState(value ? dayOf(value.at, zone) : firstDay);
  const [providerId, setProviderId] = useState(value ? value.providerId : first);
  const [typed, setTyped] = useState(value ? wallText(value.at, zone).slice(11) : "");
  const [reason, setReason] = useState("");

  const slots = useQuery(slotsQuery({
    serviceId,
    from: startOfDay(day, zone),
    to: startOfDay(addDays(day, 1), zone),
    providerId,
    placeId: null,
  }));
  const times = [...new Set(slots.data?.map(({ starts_at }) => Date.parse(starts_at)))];
  const isOffered = value !== null && times.includes(value.at);
  const isTypedInGap = typed !== "" && instantOf(`${day}T${typed}`, zone) === null;

  const choose = (wall: string, on: Day, provider: string | null, why: string) => {
    const at = wall ? instantOf(`${on}T${wall}`, zone) : null;
    onChange(at === null ? null : { at, providerId: provider, overbookReason: why });
  };
  const changeDay = (next: Day) => {
    setDay(next);
    choose(typed, next, providerId, reason);
  };

  return (
    <div className="form time-chooser">
      <Choice
        label={t("book.provider")}
        value={providerId ?? ""}
        options={[
          { value: "", label: t("book.any_provider") },
          ...providers.map(({ id, full_name }) => ({ value: id, label: full_name })),
        ]}
        onChange={(id) => {
          setProviderId(id || null);
          choose(typed, day, id || null, reason);
        }}
      />
      <div className="day-choice">
        <Button aria-label={t("book.day_before")} onClick={() => changeDay(addDays(day, -1))}>
          <ChevronLeft aria-hidden size={20} />
        </Button>
        <Field
          label={t("book.day")}
          type="date"
          value={day}
          onChange={({ target }) => target.value && changeDay(target.value)}
        />
        <Button aria-label={t("book.day_after")} onClick={() => changeDay(addDays(day, 1))}>
          <ChevronRight aria-hidden size={20} />
        </Button>
      </div>
      <fieldset className="time-choice">
        <legend>
          {t("book.free_times", {
            day: longDay(startOfDay(day, zone) + 43_200_000, zone, language),
          })}
        </legend>
        <ErrorNotice error={slots.error} />
        {slots.data && times.length === 0 && (
          <NextFree
            key={day}
            search={{ serviceId, providerId, placeId: null }}
            after={startOfDay(addDays(day, 1), zone)}
            onFound={(at) => changeDay(dayOf(at, zone))}
          />
        )}
        <div>
          {times.map((at) => (
            <label key={at}>
              <input
                type="radio"
                name={name}
                checked={value?.at === at}
                onChange={() => {
                  setTyped(wallText(at, zone).slice(11));
                  onChange({ at, providerId, overbookReason: "" });
                }}
              />
              <span>{clockTime(at, zone, language)}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <Field
        label={t("book.other_time")}
        type="time"
        step={300}
        value={typed}
        error={isTypedInGap ? t("book.no_such_time") : undefined}
        onChange={({ target }) => {
          setTyped(target.value);
          choose(target.value, day, providerId, reason);
        }}
      />
      {value && slots.data && !isOffered && (
        <div className="not-offered">
          <p role="status">
            <strong>
              {value.at <= now() ? t("book.time_over") : t("book.not_offered", {
                time: clockTime(value.at, zone, language),
              })}
            </strong>
          </p>
          {providerId
            ? <WhyNot serviceId={serviceId} providerId={providerId} at={value.at} />
            : <p>{t("book.name_provider")}</p>}
          {mayOverbook && providerId && value.at > now() && (
            <Field
              label={t("book.overbook_reason")}
              hint={t("book.overbook_hint")}
              maxLength={500}
              value={reason}
              onChange={({ target }) => {
                setReason(target.value);
                onChange({ ...value, overbookReason: target.value });
              }}
            />
          )}
        </div>
      )}
    </div>
  );
}

interface NextFreeProps {
  search: { serviceId: string; providerId: string | null; placeId: string | null };
  after: number;
  onFound: (at: number) => void;
}

const TWO_WEEKS = 14 * 86_400_000;

/** Where a day has nothing free: the way to the next one that has. */
function NextFree({ search, after, onFound }: NextFreeProps) {
  const { t } = useTranslation("desk");
  const look = useMutation({
    mutationFn: () => openSlots({ ...search, from: after, to: after + TWO_WEEKS }),
    onSuccess: ([first]) => first && onFound(Date.parse(first.starts_at)),
  });
  return (
    <>
      <p className="muted" role="status">
        {look.data?.length === 0 ? t("book.none_soon") : t("book.none_free")}
      </p>
      <ErrorNotice error={look.error} />
      <Button isBusy={look.isPending} onClick={() => look.mutate()}>{t("book.next_free")}</Button>
    </>
  );
}
