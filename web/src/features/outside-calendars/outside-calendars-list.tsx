import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/components/button";
import { Field } from "@/components/field";
import { ErrorNotice } from "@/components/notice";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import {
  addOutsideCalendar,
  outsideCalendarsQuery,
  removeOutsideCalendar,
  troubleOf,
} from "./outside-calendars";

/** Calendars elsewhere, each with how fresh what is known of it is. */
export function OutsideCalendarsList({ providerId }: { providerId: string }) {
  const { t } = useTranslation("provider");
  const queries = useQueryClient();
  const { data: calendars } = useSuspenseQuery(
    outsideCalendarsQuery(providerId),
  );
  const remove = useMutation({
    mutationFn: removeOutsideCalendar,
    onSettled: () => queries.invalidateQueries({ queryKey: ["outside-calendars"] }),
  });
  return (
    <>
      <ErrorNotice error={remove.error} />
      {calendars.length === 0 && <p className="muted">{t("outside_calendars.none")}</p>}
      <ul className="cards">
        {calendars.map((calendar) => {
          const trouble = troubleOf(calendar.last_error);
          return (
            <li className="card" key={calendar.id}>
              <div className="card-body">
                <span className="tags">
                  <span className={`status status-${calendar.state}`}>
                    {t(`outside_calendars.state_${calendar.state}`)}
                  </span>
                </span>
                <strong>{calendar.name}</strong>
                <span className="muted">
                  {calendar.last_fetched_at
                    ? <Read at={calendar.last_fetched_at} />
                    : t("outside_calendars.never")}
                </span>
                {trouble && <span>{t(`outside_calendars.trouble_${trouble}`)}</span>}
                {calendar.skipped_events > 0 && (
                  <span className="muted">
                    {t("outside_calendars.skipped", {
                      count: calendar.skipped_events,
                    })}
                  </span>
                )}
              </div>
              <Button
                look="danger"
                aria-label={t("outside_calendars.remove_named", {
                  name: calendar.name,
                })}
                isBusy={remove.isPending}
                onClick={() => remove.mutate(calendar.id)}
              >
                {t("outside_calendars.remove")}
              </Button>
            </li>
          );
        })}
      </ul>
      <AddCalendar providerId={providerId} />
    </>
  );
}

function Read({ at }: { at: string }) {
  const { t } = useTranslation("provider");
  const language = useLanguage();
  const minutes = Math.round((Date.parse(at) - now()) / 60_000);
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const when = minutes > -60
    ? format.format(Math.min(minutes, 0), "minute")
    : format.format(Math.round(minutes / 60), "hour");
  return <>{t("outside_calendars.read", { when })}</>;
}

function AddCalendar({ providerId }: { providerId: string }) {
  const { t } = useTranslation("provider");
  const queries = useQueryClient();
  const [url, setUrl] = useState("");
  const [name, setName] = useState("");
  const [isTried, setTried] = useState(false);
  const isAddress = /^(https?|webcals?):\/\/\S+\.\S+/i.test(url.trim());
  const add = useMutation({
    mutationFn: () => addOutsideCalendar(providerId, url.trim(), name.trim()),
    onSuccess: () => {
      setUrl("");
      setName("");
      setTried(false);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["outside-calendars"] }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (isAddress && !add.isPending) add.mutate();
  };
  return (
    <form className="form card card-form" onSubmit={submit} noValidate>
      <Field
        label={t("outside_calendars.address")}
        hint={t("outside_calendars.address_hint")}
        type="url"
        inputMode="url"
        autoComplete="off"
        spellCheck={false}
        maxLength={2000}
        value={url}
        error={isTried && !isAddress ? t("outside_calendars.give_address") : undefined}
        onChange={(event) => setUrl(event.target.value)}
      />
      <Field
        label={t("outside_calendars.name")}
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <ErrorNotice error={add.error} />
      <div className="actions">
        <Button type="submit" look="primary" isBusy={add.isPending}>
          {t("outside_calendars.add")}
        </Button>
      </div>
    </form>
  );
}
