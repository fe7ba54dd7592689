import { ServiceError } from '../service-error.ts';
import type { Parameters } from './parameters.ts';

/** Marker, MaxItems (1 to 1,000, 100 by default), IsTruncated. Items must be in the order of their keys. */
export function page<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  parameters: Parameters,
): { items: T[]; rest: { IsTruncated: boolean; Marker?: string } } {
  const size = parameters.integer('MaxItems', 1, 1000) ?? 100;
  const marker = parameters.optional('Marker', { max: 1024 });
  const after = marker === undefined ? undefined : readMarker(marker);
  const sorted = items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const left = after === undefined ? sorted : sorted.filter((item) => keyOf(item) > after);
  const chosen = left.slice(0, size);
  const last = chosen.at(-1);
  if (left.length <= size || last === undefined) return { items: chosen, rest: { IsTruncated: false } };
  return { items: chosen, rest: { IsTruncated: true, Marker: makeMarker(keyOf(last)) } };
}

/** Opaque to clients, as AWS's. */
function makeMarker(key: string): string {
  return Buffer.from(`v1:${key}`).toString('base64');
}

function readMarker(marker: string): string {
  const text = Buffer.from(marker, 'base64').toString('utf8');
  if (!text.startsWith('v1:')) throw new ServiceError('ValidationError', 400, 'Invalid Marker.');
  return text.slice(3);
}
