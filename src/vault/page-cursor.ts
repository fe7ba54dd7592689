import { VaultError } from './vault-error.ts';

/** Where in the order a row stands: by what is sorted by, and its id. */
export type Place = [string | number | null, string | number];

/** What asks for the page after this place, in a list in this order. */
export function writeCursor(sort: string, value: unknown, id: unknown): string {
  return Buffer.from(JSON.stringify([sort, value, id])).toString('base64url');
}

/** Throws VaultError `invalid` for what {@link writeCursor} did not write for a list in this order. */
export function readCursor(cursor: string, sort: string): Place {
  const place = placeIn(cursor, sort);
  if (place === undefined)
    throw new VaultError('invalid', 'the cursor is not one of this list in this order');
  return place;
}

/* By hand: the thread that writes for XKS workers loads this file, and starts sooner without zod. */
function placeIn(cursor: string, sort: string): Place | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || parsed.length !== 3) return undefined;
  const [of, value, id] = parsed as unknown[];
  if (of !== sort || !(value === null || isScalar(value)) || !isScalar(id)) return undefined;
  return [value, id];
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}
