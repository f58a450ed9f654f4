// A time zone over a stretch of time: its clock changes, looked up once, and local times from them.
// Asking Intl for every event would take longer than all the rest.

const WEEK = 7 * 86_400;

interface Change {
  at: number;
  before: number;
  after: number;
}

export class Zone {
  readonly #name: string;
  readonly #first: number;
  readonly #firstOffset: number;
  readonly #changes: Change[];

  /** Knows the zone from half a year before `first` to half a year after `last`, in seconds. */
  constructor(name: string, first: number, last: number) {
    this.#name = name;
    this.#first = first - 26 * WEEK;
    const clock = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    this.#firstOffset = offsetAt(clock, this.#first);
    this.#changes = [...changes(clock, this.#first, last + 26 * WEEK)];
  }

  /** The rest of a DTSTART or DTEND. A time that the clock shows twice is told in UTC, since calendar
   * programs disagree about which of the two is meant. */
  shown(seconds: number): string {
    if (this.#name === "UTC") return `:${digits(seconds)}Z`;
    let offset = this.#firstOffset;
    for (const change of this.#changes) {
      const twice = change.before - change.after;
      if (Math.abs(seconds - change.at) <= twice && seconds < change.at + twice) {
        return `:${digits(seconds)}Z`;
      }
      if (seconds >= change.at) offset = change.after;
    }
    return `;TZID=${this.#name}:${digits(seconds + offset)}`;
  }

  /** The lines of its VTIMEZONE. */
  rules(): string[] {
    const offset = this.#firstOffset;
    const known = [{ at: this.#first, before: offset, after: offset }, ...this.#changes];
    const standard = Math.min(...known.map((change) => change.after));
    return [
      "BEGIN:VTIMEZONE",
      `TZID:${this.#name}`,
      ...known.flatMap((change) => {
        const kind = change.after === standard ? "STANDARD" : "DAYLIGHT";
        return [
          `BEGIN:${kind}`,
          `DTSTART:${digits(change.at + change.before)}`,
          `TZOFFSETFROM:${offsetInDigits(change.before)}`,
          `TZOFFSETTO:${offsetInDigits(change.after)}`,
          `END:${kind}`,
        ];
      }),
      "END:VTIMEZONE",
    ];
  }
}

/** How many seconds the clock is ahead of UTC at that instant. */
function offsetAt(clock: Intl.DateTimeFormat, seconds: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of clock.formatToParts(seconds * 1000)) part[type] = Number(value);
  const shown = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
  return shown / 1000 - seconds;
}

function* changes(clock: Intl.DateTimeFormat, first: number, last: number): Generator<Change> {
  let before = offsetAt(clock, first);
  for (let from = first; from < last; from += WEEK) {
    const after = offsetAt(clock, from + WEEK);
    if (after === before) continue;
    let low = from;
    let high = from + WEEK;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (offsetAt(clock, middle) === before) low = middle;
      else high = middle;
    }
    yield { at: high, before, after };
    before = after;
  }
}

function digits(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace(/[-:]/g, "");
}

function offsetInDigits(seconds: number): string {
  const minutes = Math.abs(seconds) / 60;
  const sign = seconds < 0 ? "-" : "+";
  const two = (number: number) => String(number).padStart(2, "0");
  return sign + two(Math.floor(minutes / 60)) + two(minutes % 60);
}
