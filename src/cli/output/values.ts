import { InvalidArgumentError, Option } from 'commander';
import { wallClock } from '../../clock.ts';
import { counted } from '../../counted.ts';
import { momentWords, spanWords } from './moments.ts';
import { timeText } from './said.ts';
import { note } from './streams.ts';

/*
 * Values as people type them, for commander: what is not allowed is told with the name of its option.
 */

/** A value that may be null: commander takes a bare null for an option without a value. */
export interface OrNull<T> {
  to: T | null;
}

const unitMinutes: Record<string, number> = { min: 1, h: 60, d: 1440, w: 10_080 };

/** `90d`, `12h`, `30min`, `2w` in minutes; undefined where it is no duration. */
function minutesOf(text: string): number | undefined {
  assertClear(text);
  const [, count = '', unit = ''] = /^(\d{1,6})(min|h|d|w)$/.exec(text) ?? [];
  const minutes = unitMinutes[unit];
  return minutes === undefined ? undefined : Number(count) * minutes;
}

/** Whoever types `12m` for a year would have a key expire in twelve minutes. */
function assertClear(text: string): void {
  const [, count] = /^(\d+)m$/i.exec(text) ?? [];
  if (count !== undefined)
    throw new InvalidArgumentError(
      `m may be minutes or months: ${count}min for minutes, or where months are taken ${count}mo for months.`,
    );
}

/** The moment that is `12mo` or another duration from `now`, or before it; undefined where it is no duration. */
function momentAfter(text: string, now: Date, direction: 1 | -1): Date | undefined {
  const minutes = minutesOf(text);
  if (minutes !== undefined) return new Date(now.getTime() + direction * minutes * 60_000);
  const [, count] = /^(\d{1,4})mo$/.exec(text) ?? [];
  if (count === undefined) return undefined;
  const months = now.getUTCMonth() + direction * Number(count);
  const moment = new Date(now);
  // One month after 31 January is the last day of February.
  const lastDay = new Date(Date.UTC(now.getUTCFullYear(), months + 1, 0)).getUTCDate();
  moment.setUTCMonth(months, Math.min(now.getUTCDate(), lastDay));
  return moment;
}

/**
 * When something expires, in ISO form: a date (its first moment, UTC), a time with its zone, or a duration from now. What a
 * duration comes to is said before anything is done with it.
 */
export function parseMoment(text: string): string {
  const moment = momentOf(text, 1, 'a time from now such as 90d, 12h, 12mo or 30min');
  if (/^\d+[a-z]+$/.test(text)) note(`holdfast: expires on ${momentWords(moment, wallClock())}`);
  return moment;
}

/** The same, where a duration is one before now. */
export function parsePast(text: string): string {
  return momentOf(text, -1, 'how long ago, such as 90d, 12h or 30min');
}

function momentOf(text: string, direction: 1 | -1, duration: string): string {
  const after = momentAfter(text, wallClock(), direction);
  if (after !== undefined) return after.toISOString();
  const [, date, time] =
    /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.exec(text) ?? [];
  const moment = new Date(date === undefined ? Number.NaN : `${date}${time ?? 'T00:00:00Z'}`);
  // What Date makes of 31 February is 3 March.
  if (Number.isNaN(moment.getTime()) || !isDay(date ?? ''))
    throw new InvalidArgumentError(
      `a date such as 2027-01-31 (its first moment, UTC), a time such as 2027-01-31T12:00:00Z, or ${duration}.`,
    );
  return moment.toISOString();
}

function isDay(date: string): boolean {
  const day = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date);
}

/** As {@link parseMoment}, or `never`: null. */
export function parseExpiry(text: string): OrNull<string> {
  return { to: text === 'never' ? null : parseMoment(text) };
}

/** Days of a schedule such as `90d`; null for `never`. */
export function parseDaysOrNever(text: string): OrNull<number> {
  if (text === 'never') return { to: null };
  const minutes = minutesOf(text);
  if (minutes === undefined || minutes % 1440 !== 0 || minutes === 0)
    throw new InvalidArgumentError('never, or whole days such as 90d.');
  const days = minutes / 1440;
  note(`holdfast: every ${counted(days, 'day')}; the next time by ${after(minutes)} at the latest`);
  return { to: days };
}

export type Rotation = { kind: 'INHERIT' } | { kind: 'NEVER' } | { kind: 'DAYS'; days: number };

export function parseRotation(text: string): Rotation {
  if (text === 'inherit') return { kind: 'INHERIT' };
  const { to: days } = parseDaysOrNever(text);
  return days === null ? { kind: 'NEVER' } : { kind: 'DAYS', days };
}

/** Minutes of `60min` or `2h`; null for `never`. */
export function parseMinutesOrNever(text: string): OrNull<number> {
  if (text === 'never') return { to: null };
  const minutes = minutesOf(text);
  if (minutes === undefined || minutes === 0)
    throw new InvalidArgumentError('never, or a time such as 60min or 2h.');
  note(`holdfast: after ${spanWords(minutes * 60_000)}, which is ${after(minutes)} at the earliest`);
  return { to: minutes };
}

function after(minutes: number): string {
  return timeText(new Date(Math.trunc(wallClock().getTime() / 60_000 + minutes) * 60_000).toISOString());
}

/** `500` or `500/1000`: requests a second and how many may come at once; null for `none`. */
export interface Quota {
  requestsPerSecond: number;
  burst: number;
}

export function parseQuota(text: string): OrNull<Quota> {
  if (text === 'none') return { to: null };
  const [, rate, burst = rate] = /^(\d{1,7})(?:\/(\d{1,7}))?$/.exec(text) ?? [];
  if (rate === undefined || Number(rate) === 0 || Number(burst) === 0)
    throw new InvalidArgumentError(
      'none, requests per second such as 500, or with a burst such as 500/1000.',
    );
  return { to: { requestsPerSecond: Number(rate), burst: Number(burst) } };
}

export function parseCount(min: number, max: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (!/^\d{1,15}$/.test(text) || count < min || count > max)
      throw new InvalidArgumentError(`a number from ${min} to ${max}.`);
    return count;
  };
}

/** For options that may come several times, or with commas. */
export function collect(text: string, before: string[] | undefined): string[] {
  return [
    ...(before ?? []),
    ...text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ];
}

/** An on-off option with its words. */
export function yesNo(text: string): boolean {
  if (text !== 'yes' && text !== 'no') throw new InvalidArgumentError('yes or no.');
  return text === 'yes';
}

export function limitOption(): Option {
  return new Option('--limit <n>', 'at most this many; all if omitted').argParser(parseCount(1, 1_000_000));
}

export function yesOption(): Option {
  return new Option('-y, --yes', 'do not ask; needed where there is no terminal');
}

/** Why something is taken away, or given back. */
export interface Reasoned {
  reason?: string;
}

export function reasonOption(): Option {
  return new Option('--reason <text>', 'such as the number of an incident; kept in the audit trail');
}

/** The fields of a body that tell it; none where nothing is told: a node of an older version knows no reason. */
export function reasonIn({ reason }: Reasoned): { reason: string } | undefined {
  return reason === undefined ? undefined : { reason };
}

/** As the schema of profiles has it; that is not loaded for every command. */
export function isProfileName(text: string): boolean {
  return /^[a-z0-9-]+$/.test(text);
}

export function parseProfileName(text: string): string {
  if (!isProfileName(text)) throw new InvalidArgumentError('of a-z, 0-9 and hyphens.');
  return text;
}

/** A mechanism number as PKCS#11 headers write it, or in decimal. */
export function parseMechanism(text: string): number {
  const number = /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number) || number < 1 || number > 0xffffffff)
    throw new InvalidArgumentError('a mechanism number such as 0x80001087.');
  return number;
}

/** `NAME=VALUE`, several of them. */
export function parseVariable(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('NAME=VALUE.');
  return { ...before, [name]: value };
}
