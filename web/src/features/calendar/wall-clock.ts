/**
 * The calendar draws wall clocks: its times are `YYYY-MM-DDTHH:MM` without a zone. Here they are made
 * of instants and turned back, in the zone of the clinic, whatever zone the device is in.
 */
import { addDays, type Day, type Instant, offsetMinutes, wallClock } from "@/lib/zoned-time";

const MINUTE = 60_000;
const DAY = 86_400_000;

/** What the wall shows at that instant. */
export function wallText(instant: Instant, zone: string): string {
  const { day, hour, minute } = wallClock(instant, zone);
  return `${day}T${two(hour)}:${two(minute)}`;
}

/**
 * The instant at which the wall shows that; of two, in the hour that comes twice, the first. Null if
 * the clock jumps over it.
 */
export function instantOf(wall: string, zone: string): number | null {
  const asUtc = Date.parse(`${wall.slice(0, 16)}:00Z`);
  if (Number.isNaN(asUtc)) return null;
  const found = [asUtc - DAY, asUtc + DAY]
    .map((near) => asUtc - offsetMinutes(near, zone) * MINUTE)
    .filter((instant) => wallText(instant, zone) === wall.slice(0, 16));
  return found.length ? Math.min(...found) : null;
}

/** The wall's time so many minutes later, as if no clock ever changed. */
export function laterOnTheWall(wall: string, minutes: number): string {
  return new Date(Date.parse(`${wall.slice(0, 16)}:00Z`) + minutes * MINUTE)
    .toISOString()
    .slice(0, 16);
}

/**
 * Where something is drawn. In the hour that comes twice its end can show an earlier time than its
 * start; it is then drawn as long as it takes.
 */
export function drawnSpan(startsAt: Instant, endsAt: Instant, zone: string) {
  const start = wallText(startsAt, zone);
  const end = wallText(endsAt, zone);
  if (end > start) return { start, end };
  const minutes = (new Date(endsAt).getTime() - new Date(startsAt).getTime()) /
    MINUTE;
  return { start, end: laterOnTheWall(start, Math.max(minutes, 5)) };
}

/** The zone's offset right now, as `+02:00`: all that the line of the present needs. */
export function offsetText(instant: Instant, zone: string): string {
  const minutes = offsetMinutes(instant, zone);
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** Monday of the week of that day. */
export function mondayOf(day: Day): Day {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return addDays(day, -((weekday + 6) % 7));
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
