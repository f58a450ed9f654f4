/**
 * Instants on wall clocks. An instant is an ISO string or milliseconds; a day is `YYYY-MM-DD` in a
 * zone. All arithmetic is on instants, so that clock changes neither lose nor repeat a time.
 */
export type Instant = string | number;
export type Day = string;

/** Whether it is a day of the calendar, and of a century that anybody here could mean. */
export function isDay(text: string): boolean {
  if (!/^(19|20|21)\d{2}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  // 31 February would be read as a day in March.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

const HOUR = 3_600_000;
const formatters = new Map<string, Intl.DateTimeFormat>();

/** Making a formatter takes longer than a thousand uses of it. */
export function formatter(
  language: string,
  zone: string,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  const key = `${language} ${zone} ${JSON.stringify(options)}`;
  let made = formatters.get(key);
  if (!made) {
    made = new Intl.DateTimeFormat(language, { ...options, timeZone: zone });
    formatters.set(key, made);
  }
  return made;
}

export function deviceZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

interface WallClock {
  day: Day;
  hour: number;
  minute: number;
}

/** What calendar and clock show in the zone at that instant. */
export function wallClock(instant: Instant, zone: string): WallClock {
  const parts = formatter("en-GB", zone, {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(new Date(instant));
  const shown = Object.fromEntries(
    parts.map(({ type, value }) => [type, value]),
  );
  return {
    day: `${shown.year}-${shown.month}-${shown.day}`,
    hour: Number(shown.hour),
    minute: Number(shown.minute),
  };
}

export function dayOf(instant: Instant, zone: string): Day {
  return wallClock(instant, zone).day;
}

export function addDays(day: Day, days: number): Day {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** The zone's offset from UTC at that instant, in minutes. */
export function offsetMinutes(instant: Instant, zone: string): number {
  const { day, hour, minute } = wallClock(instant, zone);
  const shownAsUtc = Date.parse(`${day}T00:00:00Z`) + hour * HOUR +
    minute * 60_000;
  const whole = Math.floor(new Date(instant).getTime() / 60_000) * 60_000;
  return (shownAsUtc - whole) / 60_000;
}

/** The first instant of the day in the zone, on days without midnight too. */
export function startOfDay(day: Day, zone: string): number {
  const midnightAsUtc = Date.parse(`${day}T00:00:00Z`);
  const guesses = [midnightAsUtc - 24 * HOUR, midnightAsUtc + 24 * HOUR]
    .map((instant) => midnightAsUtc - offsetMinutes(instant, zone) * 60_000);
  // The larger offset gives the earlier instant; in a gap neither shows 00:00, and the first that
  // lies in the day is its beginning.
  const inDay = guesses.filter((instant) => dayOf(instant, zone) === day).sort((
    a,
    b,
  ) => a - b);
  return inDay[0] ?? midnightAsUtc;
}

/** Whether both zones show the same clock at all of these instants. */
export function showSameClock(
  zone: string,
  other: string,
  instants: Instant[],
): boolean {
  return zone === other ||
    instants.every((instant) => offsetMinutes(instant, zone) === offsetMinutes(instant, other));
}

/** "09:30" or "9:30 AM", as the language writes it. */
export function clockTime(
  instant: Instant,
  zone: string,
  language: string,
): string {
  return formatter(language, zone, { hour: "2-digit", minute: "2-digit" })
    .format(
      new Date(instant),
    );
}

/** A time with its UTC offset, for the hour that the clock shows twice. */
export function clockTimeWithOffset(
  instant: Instant,
  zone: string,
  language: string,
): string {
  return formatter(language, zone, {
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "shortOffset",
  }).format(new Date(instant));
}

/** Whether the zone's clock shows the same time again, or showed it before, within the hours around. */
export function isShownTwice(instant: Instant, zone: string): boolean {
  const at = new Date(instant).getTime();
  const here = offsetMinutes(at, zone);
  const before = offsetMinutes(at - 3 * HOUR, zone);
  const after = offsetMinutes(at + 3 * HOUR, zone);
  if (before <= after) return false;
  const twin = here === before ? at + (before - after) * 60_000 : at - (before - after) * 60_000;
  const seen = wallClock(at, zone);
  const again = wallClock(twin, zone);
  return seen.day === again.day && seen.hour === again.hour &&
    seen.minute === again.minute;
}

export function longDay(
  instant: Instant,
  zone: string,
  language: string,
): string {
  return formatter(language, zone, {
    weekday: "long",
    day: "numeric",
    month: "long",
  })
    .format(new Date(instant));
}

export function fullDay(
  instant: Instant,
  zone: string,
  language: string,
): string {
  return formatter(language, zone, {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
  }).format(new Date(instant));
}

/** "Europe/New_York" → "New York"; enough for people to recognise their zone. */
export function zoneCity(zone: string): string {
  return (zone.split("/").at(-1) ?? zone).replaceAll("_", " ");
}
