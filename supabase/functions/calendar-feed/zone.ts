// A time zone over a stretch of time: its clock changes, looked up once, and local times from them.
// Asking Intl for every event would take longer than all the rest.

const DAY = 86_400;
const WEEK = 7 * DAY;
const WEEKDAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

interface Change {
  at: number;
  before: number;
  after: number;
}

/** A clock change that comes every year: on the nth (-1: last) such weekday of a month. */
interface Yearly {
  month: number;
  weekday: number;
  nth: number;
  time: number;
  before: number;
  after: number;
}

export class Zone {
  readonly #name: string;
  readonly #first: number;
  readonly #last: number;
  readonly #firstOffset: number;
  readonly #changes: Change[];

  /** Knows the zone from half a year before `first` to half a year after `last`, in seconds. */
  constructor(name: string, first: number, last: number) {
    this.#name = name;
    this.#first = first - 26 * WEEK;
    this.#last = this.#first + Math.ceil((last + 26 * WEEK - this.#first) / WEEK) * WEEK;
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
    this.#changes = [...changes(clock, this.#first, this.#last)];
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

  /** The lines of its VTIMEZONE. As two yearly rules where they say the same, because Outlook misreads
   * a list of changes. */
  rules(): string[] {
    const offset = this.#firstOffset;
    const told: (Change & { rule?: Yearly })[] =
      this.#yearly()?.map((rule) => ({ ...occurrence(rule, yearOf(this.#first) - 1), rule })) ??
        [{ at: this.#first, before: offset, after: offset }, ...this.#changes];
    const standard = Math.min(...told.map((change) => change.after));
    return [
      "BEGIN:VTIMEZONE",
      `TZID:${this.#name}`,
      ...told.flatMap(({ at, before, after, rule }) => {
        const kind = after === standard ? "STANDARD" : "DAYLIGHT";
        return [
          `BEGIN:${kind}`,
          `DTSTART:${digits(at + before)}`,
          `TZOFFSETFROM:${offsetInDigits(before)}`,
          `TZOFFSETTO:${offsetInDigits(after)}`,
          ...rule === undefined ? [] : [
            `RRULE:FREQ=YEARLY;BYMONTH=${rule.month + 1};BYDAY=${rule.nth}${
              WEEKDAYS[rule.weekday]
            }`,
          ],
          `END:${kind}`,
        ];
      }),
      "END:VTIMEZONE",
    ];
  }

  /** The two rules that give exactly the changes that are known; null: there are none. */
  #yearly(): Yearly[] | null {
    const [one, other] = this.#changes;
    if (other === undefined) return null;
    for (const first of rulesFor(one)) {
      for (const second of rulesFor(other)) {
        if (this.#isAllOf([first, second])) return [first, second];
      }
    }
    return null;
  }

  #isAllOf(rules: Yearly[]): boolean {
    const foreseen: Change[] = [];
    for (let year = yearOf(this.#first); year <= yearOf(this.#last); year++) {
      foreseen.push(...rules.map((rule) => occurrence(rule, year)));
    }
    const within = foreseen.filter(({ at }) => this.#first < at && at <= this.#last)
      .sort((one, other) => one.at - other.at);
    return JSON.stringify(within) === JSON.stringify(this.#changes);
  }
}

/** The yearly rules that this change may come from. */
function rulesFor({ at, before, after }: Change): Yearly[] {
  const local = at + before;
  const date = new Date(local * 1000);
  const month = date.getUTCMonth();
  const rule = { month, weekday: date.getUTCDay(), time: local % DAY, before, after };
  const isLast = new Date((local + WEEK) * 1000).getUTCMonth() !== month;
  const counted = [{ ...rule, nth: Math.ceil(date.getUTCDate() / 7) }];
  return isLast ? [{ ...rule, nth: -1 }, ...counted] : counted;
}

function occurrence(rule: Yearly, year: number): Change {
  // The nth lies within the seven days from this one on.
  const from = rule.nth > 0
    ? new Date(Date.UTC(year, rule.month, 7 * rule.nth - 6))
    : new Date(Date.UTC(year, rule.month + 1, -6));
  const days = (rule.weekday - from.getUTCDay() + 7) % 7;
  const { before, after } = rule;
  return { at: from.getTime() / 1000 + days * DAY + rule.time - before, before, after };
}

function yearOf(seconds: number): number {
  return new Date(seconds * 1000).getUTCFullYear();
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
