import { TokenError } from './faults.ts';
import { monotonicNow } from '../clock.ts';
import { maxFrameBytes } from './frame-bytes.ts';
import type { KeyObjects } from './key-objects.ts';
import type { ListedKey, TokenResponses } from './messages.ts';
import { ownKeys, versionLabelStart } from './own-keys.ts';

/** So much of a CKA_ID or label is told; ours are shorter, and a foreign one must not outgrow a message. */
const longestId = 255;
const longestLabel = 512;

/** A page is closed when it has grown to this, so that whatever comes last still fits a message. */
const pageBytes = maxFrameBytes * 0.75;

/** A page is closed after so long: an HSM in the network takes its time, and others wait for the host, milliseconds. */
const pageTime = 5_000;

/** The most keys of a page, whatever was asked for. */
const mostKeys = 1000;

/**
 * One page of our CloudKeys' key objects, see {@link TokenRequest} `listKeys`. Asks the token for everything: what is
 * remembered of handles may be of objects that others have destroyed since.
 */
export function listKeys(keys: KeyObjects, after: Uint8Array, limit: number): TokenResponses['listKeys'] {
  const began = monotonicNow();
  const byId = groupById(keys);
  // A search that does not find the keys that every host has proven at its start has not seen everything.
  for (const { id } of Object.values(ownKeys))
    if (!byId.has(id.toString('hex'))) throw new TokenError('key-missing', 'C_FindObjects');
  const page: ListedKey[] = [];
  let left = Math.min(Math.max(limit, 1), mostKeys);
  let bytes = 0;
  // Hex sorts as the bytes do.
  const start = Buffer.from(after).toString('hex');
  for (const id of [...byId.keys()].toSorted()) {
    if (start !== '' && id <= start) continue;
    const key = ofOurs(keys, byId.get(id) ?? []);
    if (key === undefined) continue;
    const full = left <= 0 || bytes > pageBytes || monotonicNow() - began > pageTime;
    if (full && page.length > 0) return { keys: page, more: true };
    page.push(key);
    bytes += key.id.length + Buffer.byteLength(key.label) + key.complaints.length * 40 + 32;
    // Nobody can ask for what comes after no id at all: another one goes with it.
    if (id !== '') left--;
  }
  return { keys: page, more: false };
}

/** CKA_ID in hex → handles of all AES keys that have it, whatever their labels. */
function groupById(keys: KeyObjects): Map<string, Buffer[]> {
  const byId = new Map<string, Buffer[]>();
  for (const handle of keys.all()) {
    const id = keys.idOf(handle).subarray(0, longestId).toString('hex');
    const same = byId.get(id);
    if (same === undefined) byId.set(id, [handle]);
    else same.push(handle);
  }
  return byId;
}

/** The first key of those with one CKA_ID that has a label of ours. */
function ofOurs(keys: KeyObjects, handles: readonly Buffer[]): ListedKey | undefined {
  const handle = handles.find((one) => keys.labelOf(one).startsWith(versionLabelStart));
  if (handle === undefined) return undefined;
  const told = keys.read(handle);
  return {
    ...told,
    id: told.id.subarray(0, longestId),
    label: told.label.slice(0, longestLabel),
    objects: handles.length,
  };
}
