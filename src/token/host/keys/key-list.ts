import { monotonicNow } from '../../../clock.ts';
import { CryptokiError } from '../cryptoki-error.ts';
import { TokenError } from '../../faults.ts';
import { maxFrameBytes } from '../../frame-bytes.ts';
import { toText } from './key-handles.ts';
import type { KeyObjects } from './key-objects.ts';
import type { ListedKey, TokenResponses } from '../../messages.ts';
import { ownKeys, versionLabelStart } from '../../own-keys.ts';
import { reactionTo } from '../reactions.ts';

/** So much of a CKA_ID or label is told; ours are shorter, and a foreign one must not outgrow a message. */
const maxIdLength = 255;
const maxLabelLength = 512;

/** A page is closed when it has grown to this, so that whatever comes last still fits a message. */
const pageBytes = maxFrameBytes * 0.75;

/** A page is closed after so long: an HSM in the network takes its time, and others wait for the host, milliseconds. */
const pageTime = 200;

/** The most keys of a page, whatever was asked for. */
const maxKeys = 1000;

/** A listing that nobody has asked for in so long is dropped, milliseconds. */
const keptFor = 60_000;

/** The keys of one CKA_ID. */
interface SameId {
  id: Buffer;
  objects: number;
  /** The first that has a label of ours. */
  ours: string | undefined;
}

/** The keys of the token as one search found them. */
interface Listing {
  /** {@link KeyObjects.logins} when they were found: handles hold for as long. */
  logins: number;
  /** Handles whose id and label are still to be read, last first. */
  left: string[];
  byId: Map<string, SameId>;
  /** Those of ours in order of their ids, once everything is read. */
  sorted: SameId[] | undefined;
  askedAt: number;
}

/**
 * Tells our CloudKeys' key objects page by page, see {@link TokenRequest} `listKeys`: one search of the token for all pages,
 * which each go on where the last one stopped, so that the time of all grows as the keys do and no page keeps others from
 * the host for long. The first page asks the token for everything: what is remembered of handles may be of objects that
 * others have destroyed since.
 */
export class KeyList {
  readonly #keys: KeyObjects;
  #listing: Listing | undefined;

  constructor(keys: KeyObjects) {
    this.#keys = keys;
  }

  /** Throws CryptokiError, TokenError; whoever asks again goes on from where it was. */
  page(after: Uint8Array, limit: number): TokenResponses['listKeys'] {
    const until = monotonicNow() + pageTime;
    const listing = this.#current(after.length === 0);
    listing.askedAt = monotonicNow();
    if (listing.sorted === undefined && !this.#readOn(listing, until)) return { keys: [], more: true };
    const page = this.#pageOf(listing.sorted ?? [], Buffer.from(after), limit, until);
    if (!page.more) this.#listing = undefined;
    return page;
  }

  /** The one that is under way, or a new one. */
  #current(fromTheStart: boolean): Listing {
    const known = this.#listing;
    const isGood =
      known !== undefined &&
      known.logins === this.#keys.logins &&
      monotonicNow() - known.askedAt < keptFor &&
      !(fromTheStart && known.sorted !== undefined);
    if (isGood) return known;
    const left = this.#keys.all().map(toText);
    return (this.#listing = {
      logins: this.#keys.logins,
      left,
      byId: new Map(),
      sorted: undefined,
      askedAt: 0,
    });
  }

  /** True once everything is read. */
  #readOn(listing: Listing, until: number): boolean {
    const { left, byId } = listing;
    for (let handle = left.at(-1); handle !== undefined; handle = left.at(-1)) {
      const told = this.#unlessGone(() => this.#keys.nameOf(Buffer.from(handle, 'latin1')));
      left.pop();
      if (told !== undefined) {
        const id = told.id.subarray(0, maxIdLength);
        const same = byId.get(toText(id)) ?? { id, objects: 0, ours: undefined };
        same.objects++;
        if (told.label.startsWith(versionLabelStart)) same.ours = handle;
        byId.set(toText(id), same);
      }
      if (left.length > 0 && monotonicNow() > until) return false;
    }
    // A search that does not find the keys that every host has proven at its start has not seen everything.
    for (const { id, label } of Object.values(ownKeys))
      if (!byId.has(toText(id))) {
        this.#listing = undefined;
        throw new TokenError('key-missing', 'C_FindObjects', undefined, `the search did not find ${label}`);
      }
    listing.sorted = [...byId.values()]
      .filter(({ ours }) => ours !== undefined)
      .toSorted((a, b) => Buffer.compare(a.id, b.id));
    listing.byId = new Map();
    return true;
  }

  #pageOf(sorted: SameId[], after: Buffer, limit: number, until: number): TokenResponses['listKeys'] {
    const page: ListedKey[] = [];
    let left = Math.min(Math.max(limit, 1), maxKeys);
    let bytes = 0;
    for (let at = firstAfter(sorted, after); at < sorted.length; at++) {
      const same = sorted[at];
      const full = left <= 0 || bytes > pageBytes || monotonicNow() > until;
      // Nobody can ask for what comes after no id at all: another one goes with it.
      if (full && (page.at(-1)?.id.length ?? 0) > 0) return { keys: page, more: true };
      const key = same === undefined ? undefined : this.#told(same);
      if (key === undefined) continue;
      page.push(key);
      bytes += key.id.length + Buffer.byteLength(key.label) + key.violations.length * 40 + 32;
      left--;
    }
    return { keys: page, more: false };
  }

  #told({ id, objects, ours }: SameId): ListedKey | undefined {
    const told = this.#unlessGone(() => this.#keys.read(Buffer.from(ours ?? '', 'latin1')));
    return told && { ...told, id, label: told.label.slice(0, maxLabelLength), objects };
  }

  /** Undefined for a key that was destroyed since the search. */
  #unlessGone<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      const { call, rv } = error as CryptokiError;
      if (error instanceof CryptokiError && rv !== undefined && reactionTo(call, rv) === 'handle')
        return undefined;
      throw error;
    }
  }
}

/** Where those begin whose id comes after `after`: at 0 where that is empty. */
function firstAfter(sorted: readonly SameId[], after: Buffer): number {
  if (after.length === 0) return 0;
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const id = sorted[middle]?.id ?? after;
    if (Buffer.compare(id, after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
