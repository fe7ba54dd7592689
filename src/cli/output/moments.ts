import { counted } from '../../counted.ts';
import { timeText } from './said.ts';

/* Moments and durations in the words of people; all of them UTC. */

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** `2027-02-27 11:20 UTC (in 90 days)`. */
export function momentWords(iso: string, now: Date): string {
  return `${timeText(iso)} (${distance(Date.parse(iso) - now.getTime())})`;
}

/** The time alone where it is today. */
export function clockWords(iso: string, now: Date): string {
  const text = timeText(new Date(Math.trunc(Date.parse(iso) / 1000) * 1000).toISOString());
  const today = now.toISOString().slice(0, 10);
  return text.startsWith(`${today} `) ? text.slice(today.length + 1) : text;
}

function distance(milliseconds: number): string {
  const span = spanWords(Math.abs(milliseconds));
  return milliseconds < 0 ? `${span} ago` : `in ${span}`;
}

/** In the largest unit that says it well: `90 days`, `36 hours`, `45 minutes`. */
export function spanWords(milliseconds: number): string {
  if (milliseconds >= 2 * day) return counted(Math.round(milliseconds / day), 'day');
  if (milliseconds >= 2 * hour) return counted(Math.round(milliseconds / hour), 'hour');
  return counted(Math.round(milliseconds / minute), 'minute');
}
