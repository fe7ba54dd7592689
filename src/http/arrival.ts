import type { IncomingMessage } from 'node:http';
import { monotonicNow } from '../clock.ts';

/** When a request's head was read and when the request was begun, by {@link monotonicNow}: in between it waited for others. */
export interface Arrival {
  readonly came: number;
  readonly begun: number;
}

/* Kept at the request itself: a map would cost each request more. */
const arrival = Symbol('arrival');
interface Noted {
  [arrival]?: Arrival;
}

export function noteArrival(request: IncomingMessage & Noted, noted: Arrival): void {
  request[arrival] = noted;
}

/** Of one that came by no {@link Listener}, as to an application that is served alone, both are now. */
export function arrivalOf(request: IncomingMessage & Noted): Arrival {
  const noted = request[arrival];
  if (noted !== undefined) return noted;
  const now = monotonicNow();
  return { came: now, begun: now };
}
