import { useQuery } from "@tanstack/react-query";
import { CalendarCheck } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNotice } from "@/components/notice";
import { Page } from "@/components/page";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import { deviceZone, fullDay, showSameClock, startOfDay, zoneCity } from "@/lib/zoned-time";
import { Calendar, type Moved } from "../calendar/calendar";
import { useMediaQuery } from "../calendar/use-media-query";
import { BlockSheet, BlockTime } from "../desk/block-time";
import type { ChosenTime } from "../desk/book-visit";
import { offeringsQuery } from "../desk/get-offerings";
import { QuickBook } from "../desk/quick-book";
import { Toast, type Told } from "../desk/toast";
import { VisitSheet } from "../desk/visit-sheet";
import { boardOfProviders, boardOfRooms } from "./board-columns";
import { DayList } from "./day-list";
import { useDaySearch } from "./day-search";
import { DayToolbar } from "./day-toolbar";
import { NextPatient } from "./next-patient";
import { useDay } from "./use-day";
import { useMove } from "./use-move";

interface DayBoardProps {
  clinicId: string;
  clinicName: string;
  zone: string;
  providers: { id: string; full_name: string; user_id: string | null }[];
  userId: string;
}

type Doing = { what: "book" | "block"; picked: { at: number; providerId: string | null } | null };

const NARROW = "(max-width: 47.99rem)";

/** A clinic's day across providers and rooms: follows what others change, and changes it. */
export function DayBoard({ clinicId, clinicName, zone, providers, userId }: DayBoardProps) {
  const { t } = useTranslation(["workplace", "desk"]);
  const language = useLanguage();
  const isNarrow = useMediaQuery(NARROW);
  const own = providers.find((provider) => provider.user_id === userId)?.id ?? "";
  const search = useDaySearch(zone, own);
  const { day, today, shown, place } = search;
  const [told, tell] = useState<Told | null>(null);
  const [doing, setDoing] = useState<Doing | null>(null);
  const [wanted, setWanted] = useState<ChosenTime | null>(null);
  const { data: offerings } = useQuery(offeringsQuery(clinicId));
  const { visits: all, frame, error, isLive, key } = useDay(clinicId, userId, day, zone);

  const isList = search.view === "list" || (search.view !== "columns" && isNarrow);
  const isMine = (visit: { provider_id: string; location_id: string }) =>
    (!shown || visit.provider_id === shown) && (!place || visit.location_id === place);
  const visits = useMemo(() => all?.filter(isMine), [all, shown, place]);

  const board = useMemo(() => {
    if (!visits || !frame) return null;
    const ways = {
      status: (visit: (typeof visits)[number]) => t(`day.status_${visit.status}`),
      blocked: t("day.blocked"),
      elsewhere: t("day.elsewhere"),
      noRoom: t("day.no_room"),
      interval: ({ service_id }: (typeof visits)[number]) =>
        offerings?.services.find(({ id }) => id === service_id)?.slot_interval_minutes,
    };
    if (search.isByRooms) {
      const rooms = offerings?.resources.filter(({ location_id }) =>
        !place || location_id === place
      );
      return boardOfRooms(rooms ?? [], visits, frame, ways);
    }
    const here = { ...frame, hours: frame.hours.filter(isMine) };
    return boardOfProviders(
      providers.filter(({ id }) => !shown || id === shown),
      visits,
      here,
      ways,
    );
  }, [visits, frame, offerings, search.isByRooms, providers, shown, place, t]);

  const move = useMove({
    visitsKey: key,
    zone,
    tell,
    onRefused: (visit, to) => {
      tell(null);
      setWanted(to);
      search.change({ visit: visit.id });
    },
  });
  const drop = async ({ id, startsAt, columnId }: Moved) => {
    const visit = all?.find((known) => known.id === id);
    if (!visit) throw new Error("gone");
    if (search.isByRooms && startsAt === Date.parse(visit.starts_at)) {
      tell({ text: t("desk:move.room_is_found") });
      throw new Error("no other time");
    }
    const providerId = search.isByRooms ? null : columnId;
    await move(visit, { at: startsAt, providerId, overbookReason: "" });
  };
  const opened = all?.find(({ id }) => id === search.visitId);
  const block = frame?.blocks.find(({ id }) => `block:${id}` === search.visitId);
  const open = (id: string) => search.change({ visit: id });
  const close = () => {
    setWanted(null);
    search.change({ visit: null });
  };
  const services = offerings?.services ?? [];
  const roomsOf = (visitId: string) =>
    frame?.rooms.filter(({ appointment_id }) => appointment_id === visitId)
      .flatMap(({ resource_id }) =>
        offerings?.resources.find(({ id }) => id === resource_id)?.name ?? []
      ) ?? [];
  const noon = startOfDay(day, zone) + 12 * 3_600_000;

  return (
    <Page
      title={fullDay(noon, zone, language)}
      lead={
        <span className="day-lead">
          {clinicName}
          {isLive && <span className="is-live live-mark">{t("day.live")}</span>}
          {!showSameClock(zone, deviceZone(), [noon]) && (
            <span className="small">{t("day.clock", { zone: zoneCity(zone) })}</span>
          )}
        </span>
      }
    >
      <DayToolbar
        search={search}
        providers={providers}
        places={offerings?.locations ?? []}
        isList={isList}
        onBook={() => setDoing({ what: "book", picked: null })}
        onBlock={() => setDoing({ what: "block", picked: null })}
      />
      <ErrorNotice error={error} />
      {shown && day === today && visits && (
        <NextPatient
          visits={visits}
          now={now()}
          onOpen={open}
        />
      )}
      {visits?.length === 0 && (
        <div className="empty">
          <CalendarCheck aria-hidden size={32} />
          <p>{t("day.empty")}</p>
        </div>
      )}
      {isList
        ? visits && <DayList visits={visits} isToday={day === today} onOpen={open} />
        : board && (
          <Calendar
            label={fullDay(noon, zone, language)}
            day={day}
            zone={zone}
            {...board}
            onOpen={open}
            onPick={({ at, columnId }) =>
              setDoing({
                what: "book",
                picked: { at, providerId: search.isByRooms ? null : columnId },
              })}
            onMove={drop}
          />
        )}
      {opened && (
        <VisitSheet
          key={opened.id}
          clinicId={clinicId}
          visit={opened}
          zone={zone}
          services={services}
          providers={providers}
          rooms={roomsOf(opened.id)}
          wanted={wanted}
          onMove={(to) => move(opened, to)}
          onClose={close}
        />
      )}
      {block && (
        <BlockSheet
          block={block}
          provider={providers.find(({ id }) => id === block.providerId)?.full_name ?? ""}
          zone={zone}
          onClose={close}
          onDone={(text) => tell({ text })}
        />
      )}
      {doing?.what === "book" && services.length > 0 && (
        <QuickBook
          clinicId={clinicId}
          zone={zone}
          day={day < today ? today : day}
          services={services}
          providers={providers}
          picked={doing.picked}
          onClose={() => setDoing(null)}
          onBooked={(text) => tell({ text })}
        />
      )}
      {doing?.what === "block" && (
        <BlockTime
          day={day}
          zone={zone}
          providers={own ? [...providers].sort((one) => (one.id === own ? -1 : 0)) : providers}
          picked={doing.picked}
          onClose={() => setDoing(null)}
          onDone={(text) => tell({ text })}
        />
      )}
      <Toast told={told} onGone={() => tell(null)} />
    </Page>
  );
}
