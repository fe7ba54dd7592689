import { kmsError } from './errors.ts';
import type { Input } from './input.ts';

/**
 * One page of a list. `nameOf` gives what the list is ordered by and a marker remembers; the marker is opaque to clients, and what
 * has come or gone since then does not shift the pages.
 */
export function page<T>(
  input: Input,
  items: readonly T[],
  nameOf: (item: T) => string,
  { standard, max }: { standard: number; max: number },
): { items: T[]; truncation: { Truncated: boolean; NextMarker?: string } } {
  const limit = input.integer('Limit', 1, max) ?? standard;
  const after = readMarker(input.optionalText('Marker', { max: 1024 }));
  const ordered = items
    .map((item) => ({ item, name: nameOf(item) }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .filter(({ name }) => after === undefined || name > after);
  const shown = ordered.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(({ item }) => item),
    truncation:
      last === undefined || ordered.length <= limit
        ? { Truncated: false }
        : { Truncated: true, NextMarker: Buffer.from(`after:${last.name}`).toString('base64url') },
  };
}

function readMarker(marker: string | undefined): string | undefined {
  if (marker === undefined) return undefined;
  const text = Buffer.from(marker, 'base64url').toString();
  if (!text.startsWith('after:'))
    throw kmsError('InvalidMarkerException', 'The marker is not one that this operation gave');
  return text.slice('after:'.length);
}
