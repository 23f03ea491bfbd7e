import { ConnectorError } from '@landbridge/connector-sdk';

/** How a column holds times. */
export interface TimeSettings {
  /** The pattern of its text: yyyy MM dd HH mm ss, anything else as it is; `unix` and `unixMilliseconds` for numbers. Default is what databases write. */
  readonly format?: string;
  /** The time zone that the clock of the application shows: a name of the IANA database. Default is UTC. */
  readonly zone?: string;
}

/** The letters of a pattern, as .NET and Java have them, with what they match. */
const LETTERS = /yyyy|MM|dd|HH|mm|ss|fff(?:fff)?/g;
const DATABASE = /^(\d{4,})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/;
const ISO = /^(\d{4,})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$/;

/** The parts of a time on a clock; `fraction` as digits, so that nothing is lost. */
interface ClockTime {
  readonly date: readonly [year: number, month: number, day: number];
  /** Absent for a day without a time. */
  readonly time: readonly [hour: number, minute: number, second: number] | undefined;
  readonly fraction: string;
  /** Minutes east of UTC, where the text tells. */
  readonly offset: number | undefined;
}

function refuse(message: string): ConnectorError {
  return new ConnectorError('invalid-attribute-value', message);
}

/** A time of the database as ISO 8601 in UTC: `2026-02-03T04:05:06.123Z`; a day stays a day. @throws ConnectorError. */
export function parseTime(text: string, { format, zone }: TimeSettings): string {
  if (format === 'unix' || format === 'unixMilliseconds') return fromEpoch(text, format);
  const clock = format === undefined ? matchClock(DATABASE, text.trim()) : matchFormat(format, text);
  if (clock === undefined) throw refuse(`a column of times holds something that is not in the form ${format ?? 'yyyy-MM-dd HH:mm:ss'}`);
  const [year, month, day] = clock.date;
  if (clock.time === undefined) return `${pad(year, 4)}-${pad(month)}-${pad(day)}`;
  const local = Date.UTC(year, month - 1, day, ...clock.time);
  const instant = clock.offset === undefined ? toUtc(local, zone) : local - clock.offset * 60_000;
  return `${new Date(instant).toISOString().slice(0, -5)}${clock.fraction === '' ? '' : `.${clock.fraction}`}Z`;
}

/** A time in ISO 8601 as the column holds it. @throws ConnectorError. */
export function formatTime(text: string, { format, zone }: TimeSettings): string {
  const clock = matchClock(ISO, text.trim());
  if (clock === undefined) throw refuse('write a time as 2026-02-03T04:05:06Z, or a day as 2026-02-03');
  const [year, month, day] = clock.date;
  const isDay = clock.time === undefined;
  const utc = Date.UTC(year, month - 1, day, ...(clock.time ?? [0, 0, 0])) - (clock.offset ?? 0) * 60_000;
  if (format === 'unix') return String(Math.floor(utc / 1000));
  if (format === 'unixMilliseconds') return String(utc + Number(clock.fraction.padEnd(3, '0').slice(0, 3)));
  // A day is the same day everywhere.
  const local = new Date(isDay ? utc : utc + offsetAt(utc, zone));
  if (Number.isNaN(local.getTime())) throw refuse('this is no time of the calendar');
  const parts: Readonly<Record<string, string>> = {
    yyyy: pad(local.getUTCFullYear(), 4),
    MM: pad(local.getUTCMonth() + 1),
    dd: pad(local.getUTCDate()),
    HH: pad(local.getUTCHours()),
    mm: pad(local.getUTCMinutes()),
    ss: pad(local.getUTCSeconds()),
    fff: clock.fraction.padEnd(3, '0').slice(0, 3),
    ffffff: clock.fraction.padEnd(6, '0').slice(0, 6),
  };
  if (format !== undefined) return format.replace(LETTERS, (letters) => parts[letters] ?? letters);
  const date = `${parts['yyyy'] ?? ''}-${parts['MM'] ?? ''}-${parts['dd'] ?? ''}`;
  return isDay ? date : `${date} ${parts['HH'] ?? ''}:${parts['mm'] ?? ''}:${parts['ss'] ?? ''}${clock.fraction === '' ? '' : `.${clock.fraction}`}`;
}

function matchClock(pattern: RegExp, text: string): ClockTime | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second = '0', fraction = '', offset] = match;
  return checked({
    date: [Number(year), Number(month), Number(day)],
    time: hour === undefined ? undefined : [Number(hour), Number(minute), Number(second)],
    fraction: fraction.replace(/0+$/, ''),
    offset: parseOffset(offset),
  });
}

function parseOffset(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === 'Z') return 0;
  const [, sign, hours, minutes = '0'] = /^([+-])(\d\d):?(\d\d)?$/.exec(text) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

function matchFormat(format: string, text: string): ClockTime | undefined {
  const names: string[] = [];
  const escaped = format.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(LETTERS, (letters) => {
    names.push(letters);
    return `(\\d{${letters.length}})`;
  });
  const match = new RegExp(`^${escaped}$`).exec(text.trim());
  if (match === null) return undefined;
  const part = (letters: string, fallback: number): number => (names.includes(letters) ? Number(match[names.indexOf(letters) + 1]) : fallback);
  const fraction = names.find((letters) => letters.startsWith('fff'));
  return checked({
    date: [part('yyyy', 1970), part('MM', 1), part('dd', 1)],
    time: names.includes('HH') ? [part('HH', 0), part('mm', 0), part('ss', 0)] : undefined,
    fraction: fraction === undefined ? '' : (match[names.indexOf(fraction) + 1] ?? '').replace(/0+$/, ''),
    offset: undefined,
  });
}

/** Refuses what is on no calendar, such as 31 February or a zero date. */
function checked(clock: ClockTime): ClockTime | undefined {
  const [year, month, day] = clock.date;
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? clock : undefined;
}

function fromEpoch(text: string, format: 'unix' | 'unixMilliseconds'): string {
  if (!/^-?\d{1,16}$/.test(text)) throw refuse('a column of times holds something that is no number');
  const instant = new Date(Number(text) * (format === 'unix' ? 1000 : 1));
  if (Number.isNaN(instant.getTime())) throw refuse('a column of times holds a number that is no time');
  return instant.toISOString().replace(/\.000Z$/, 'Z');
}

/** Where a clock of the zone shows this, as milliseconds since the epoch. In the hour that comes twice it is the first. */
function toUtc(local: number, zone: string | undefined): number {
  const early = local - offsetAt(local - 86_400_000, zone);
  const late = local - offsetAt(local + 86_400_000, zone);
  const first = Math.min(early, late);
  return first + offsetAt(first, zone) === local ? first : Math.max(early, late);
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** How far the clocks of a zone are ahead of UTC, in milliseconds. @throws ConnectorError for an unknown zone. */
function offsetAt(instant: number, zone: string | undefined): number {
  if (zone === undefined || zone === 'UTC') return 0;
  const formatter = formatters.get(zone) ?? formatterOf(zone);
  const parts = Object.fromEntries(formatter.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const shown = Date.UTC(parts['year'] ?? 0, (parts['month'] ?? 1) - 1, parts['day'], (parts['hour'] ?? 0) % 24, parts['minute'], parts['second']);
  return shown - Math.floor(instant / 1000) * 1000;
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  try {
    const options = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
    const formatter = new Intl.DateTimeFormat('en-US-u-ca-iso8601', { timeZone: zone, hourCycle: 'h23', ...options });
    formatters.set(zone, formatter);
    return formatter;
  } catch {
    throw new ConnectorError('invalid-configuration', `there is no time zone "${zone}"; write a name such as Europe/Vienna`);
  }
}

function pad(number: number, digits = 2): string {
  return String(number).padStart(digits, '0');
}
