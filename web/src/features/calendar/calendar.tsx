import "@event-calendar/core/index.css";
import "@/styles/calendar.css";
import {
  type Calendar as Core,
  createCalendar,
  destroyCalendar,
  Interaction,
  ResourceTimeGrid,
  TimeGrid,
} from "@event-calendar/core";
import { useEffect, useEffectEvent, useRef } from "react";
import { now } from "@/lib/clock";
import { useLanguage } from "@/lib/hooks";
import { addDays, clockTime, type Day, formatter } from "@/lib/zoned-time";
import {
  type CalendarColumn,
  type CalendarEntry,
  drawnClosures,
  drawnEntries,
  type OpenSpan,
  shownHours,
} from "./entries";
import { instantOf, laterOnTheWall, mondayOf, offsetText, wallText } from "./wall-clock";

export interface Moved {
  id: string;
  startsAt: number;
  /** The column it was dropped in, if that is another one. */
  columnId: string | null;
}

export interface Picked {
  at: number;
  columnId: string | null;
}

interface CalendarProps {
  label: string;
  /** The day that is shown, or any day of the week. */
  day: Day;
  zone: string;
  /** Side by side on one day; without them, the days of a week. */
  columns?: CalendarColumn[];
  entries: CalendarEntry[];
  open: OpenSpan[];
  onOpen: (id: string) => void;
  /** An empty time was chosen. Left out: nothing happens there. */
  onPick?: (picked: Picked) => void;
  /** An entry was dragged; rejecting puts it back. Everything is movable otherwise, too. */
  onMove?: (moved: Moved) => Promise<unknown>;
}

/** Minutes: entries are moved in the smaller steps, empty time is chosen in the larger. */
const STEP = 5;
const PICKED = 15;

/**
 * A day in columns, or a week, on the wall clock of the clinic. Dragging is a short cut: what it does
 * must also be reached from where `onOpen` leads.
 */
export function Calendar(
  { label, day, zone, columns, entries, open, onOpen, onPick, onMove }: CalendarProps,
) {
  const language = useLanguage();
  const host = useRef<HTMLDivElement>(null);
  const calendar = useRef<Core>(null);

  const isDragging = useRef(false);

  const opened = useEffectEvent((id: string) => {
    // A drag ends with a click on what was dragged.
    if (!isDragging.current) onOpen(id);
  });
  const picked = useEffectEvent(({ dateStr, resource }: Core.DateClickInfo) => {
    const minutes = Number(dateStr.slice(14, 16));
    const at = instantOf(laterOnTheWall(dateStr, -(minutes % PICKED)), zone);
    if (at !== null) onPick?.({ at, columnId: resource?.id ?? null });
  });
  const moved = useEffectEvent(
    ({ event, delta, newResource, revert }: Core.EventDropInfo) => {
      const entry = entries.find(({ id }) => id === String(event.id));
      if (!entry || !onMove) return revert();
      // From what was shown and by how much: the component's own dates are the device's.
      const step = entry.stepMinutes ?? STEP;
      const minutes = Math.round((delta.days * 24 * 60 + delta.seconds / 60) / step) * step;
      if (minutes === 0 && !newResource) return revert();
      const startsAt = minutes === 0
        ? new Date(entry.startsAt).getTime()
        : instantOf(laterOnTheWall(wallText(entry.startsAt, zone), minutes), zone);
      if (startsAt === null) return revert();
      onMove({ id: entry.id, startsAt, columnId: newResource?.id ?? null })
        .catch(revert);
    },
  );
  const content = useEffectEvent(
    ({ event }: Core.EventContentInfo): Core.Content => {
      const entry = event.extendedProps.entry as CalendarEntry | undefined;
      if (!entry) return "";
      const column = columns?.find(({ id }) => entry.columnIds?.includes(id))?.title ?? "";
      return { domNodes: [drawn(entry, column, zone, language, () => opened(entry.id))] };
    },
  );

  const isWeek = columns === undefined;
  useEffect(() => {
    if (!host.current) return;
    const made = createCalendar(host.current, [
      TimeGrid,
      ResourceTimeGrid,
      Interaction,
    ], {
      view: isWeek ? "timeGridWeek" : "resourceTimeGridDay",
      headerToolbar: { start: "", center: "", end: "" },
      allDaySlot: false,
      firstDay: 1,
      nowIndicator: true,
      slotDuration: "00:15",
      slotLabelInterval: "01:00",
      slotHeight: 25,
      snapDuration: { minutes: STEP },
      slotEventOverlap: false,
      eventDurationEditable: false,
      eventDragStart: () => {
        isDragging.current = true;
      },
      eventDragStop: () => {
        setTimeout(() => {
          isDragging.current = false;
        });
      },
      eventContent: content,
      eventDrop: moved,
      dateClick: picked,
      ...(!isWeek && { columnWidth: "minmax(10.5rem, 1fr)" }),
    });
    calendar.current = made;
    const stop = keepRolesPlain(host.current);
    return () => {
      calendar.current = null;
      stop();
      void destroyCalendar(made);
    };
  }, [isWeek]);

  useEffect(() => {
    const shown = calendar.current;
    if (!shown) return;
    const days = isWeek
      ? Array.from({ length: 7 }, (_, index) => addDays(mondayOf(day), index))
      : [day];
    const hours = shownHours(open, entries, zone);
    shown
      .setOption("timeZone", offsetText(now(), zone))
      .setOption("locale", language)
      .setOption("slotMinTime", `${hours.first}:00`)
      .setOption("slotMaxTime", `${hours.last}:00`)
      .setOption("slotLabelFormat", (time) => hourLabel(time, language))
      .setOption("dayHeaderFormat", (date) => dayLabel(date, language))
      .setOption(
        "resources",
        (columns ?? []).map(({ id, title }) => ({ id, title })),
      )
      .setOption("date", day)
      .setOption("events", [
        ...drawnClosures(days, columns, open, zone),
        ...drawnEntries(entries, zone),
      ]);
  }, [isWeek, day, zone, language, columns, entries, open]);

  return <section className="calendar" aria-label={label} ref={host} />;
}

/** Text alone goes in, never markup: names are typed by people. */
function drawn(
  entry: CalendarEntry,
  column: string,
  zone: string,
  language: string,
  onOpen: () => void,
): Node {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "entry";
  button.dataset.visit = entry.id;
  button.addEventListener("click", onOpen);
  const line = (name: string, text: string) => {
    const made = document.createElement("span");
    made.className = name;
    made.textContent = text;
    button.append(made);
  };
  line("entry-title", `${clockTime(entry.startsAt, zone, language)} ${entry.title}`);
  line("entry-detail", entry.detail);
  if (column) line("visually-hidden", column);
  return button;
}

/**
 * The component calls itself a table without being one to those who listen: its cells are empty, and
 * its entries stand beside them. Without the roles it reads as what it is, a list of named buttons.
 */
function keepRolesPlain(host: HTMLElement): () => void {
  const plain = () => {
    for (const element of host.querySelectorAll("[role], [aria-colindex]")) {
      element.removeAttribute("role");
      element.removeAttribute("aria-colindex");
    }
  };
  plain();
  const watcher = new MutationObserver(plain);
  watcher.observe(host, { childList: true, subtree: true });
  return () => watcher.disconnect();
}

// The component's dates show the wall's time on the device's clock, so no zone is named here.
function hourLabel(time: Date, language: string): string {
  return new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
  }).format(time);
}

function dayLabel(date: Date, language: string): string {
  const noon = Date.UTC(
    date.getFullYear(),
    date.getMonth(),
    date.getDate(),
    12,
  );
  return formatter(language, "UTC", {
    weekday: "short",
    day: "numeric",
    month: "short",
  })
    .format(noon);
}
