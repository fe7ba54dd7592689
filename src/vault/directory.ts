import { wallClock } from '../clock.ts';
import type { Secret } from '../secret.ts';
import type { ReadableStore } from '../store/store.ts';
import { revealSecret } from './credentials.ts';
import {
  stateAt,
  toCloudKey,
  toKeySet,
  toTime,
  type CloudKey,
  type FoundState,
  type ServedKeySet,
} from './served-records.ts';
import { TokenError } from '../token/faults.ts';
import { isOfWholeToken, type TokenRooms } from './token-rooms.ts';

export type { CloudKey, FoundState, KeyVersion, ServedKeySet } from './served-records.ts';

/** An XKS credential that is not withdrawn, and the key set that it opens. */
export interface LiveCredential {
  accessKeyId: string;
  keySet: ServedKeySet;
  sealedSecret: Buffer;
  /** Milliseconds since the epoch; Infinity for never. */
  expiresAt: number;
}

interface OpenedSecret {
  /** What it was opened for: of another record, key set, vault or token it is to be opened, and so proven, anew. */
  credential: LiveCredential;
  secret: Secret;
}

/** What a worker remembers of one revision of the store. Thrown away whole when the revision moves. */
interface Snapshot {
  revision: number;
  keySets: Map<string, ServedKeySet> | undefined;
  prefixes: Set<string> | undefined;
  keys: Map<string, Promise<CloudKey | undefined>>;
  credentials: Map<string, Promise<LiveCredential | undefined>>;
}

/** So many secrets are fetched before they are asked for. */
const mostWarmed = 1000;

/** So many unknown names are remembered at the most; known ones are as many as the store holds. */
const mostRemembered = 50_000;

/**
 * The vault as an XKS worker reads it: remembered between requests, never older than the store at the start of the
 * request (promise 2). What ends at a time ends for the request that looks at the clock then: no answer is remembered
 * that the clock could make wrong.
 */
export class Directory {
  readonly #store: ReadableStore;
  readonly #tokens: TokenRooms;
  readonly #now: () => number;
  #snapshot: Snapshot = emptySnapshot(-1);
  readonly #secrets = new Map<string, OpenedSecret>();
  readonly #opening = new Map<string, Promise<OpenedSecret>>();

  /** `now` gives milliseconds since the epoch; a test's own where time is what it tests. */
  constructor(store: ReadableStore, tokens: TokenRooms, now: () => number = () => wallClock().getTime()) {
    this.#store = store;
    this.#tokens = tokens;
    this.#now = now;
  }

  /** Call once for each request, before anything is looked up: drops what a change has made old. */
  async refresh(): Promise<void> {
    const seen = this.#store.revision();
    const revision = typeof seen === 'number' ? seen : await seen;
    // A look-up that is under way writes into the snapshot it began with, never into a newer one.
    if (revision !== this.#snapshot.revision) this.#snapshot = emptySnapshot(revision);
  }

  async hasPrefix(prefix: string): Promise<boolean> {
    const snapshot = this.#snapshot;
    const prefixes = snapshot.prefixes ?? (await this.#load(snapshot)).prefixes;
    return prefixes.has(prefix);
  }

  /** Undefined for one that is unknown, withdrawn or expired, or whose key set is no external key store. */
  async credential(accessKeyId: string): Promise<LiveCredential | undefined> {
    const snapshot = this.#snapshot;
    const credential = await remember(snapshot.credentials, accessKeyId, () =>
      this.#readCredential(snapshot, accessKeyId),
    );
    return credential !== undefined && this.#now() < credential.expiresAt ? credential : undefined;
  }

  /**
   * Asks the token for the secrets of all live credentials, so that no first request of a credential has to wait. One that
   * does not open keeps no other from being fetched: gives those, with what the token said. Throws TokenError where the
   * token cannot be asked at all.
   */
  async warmUp(token: string, deadline: number): Promise<{ accessKeyId: string; error: TokenError }[]> {
    await this.refresh();
    const rows = await this.#store.db
      .selectFrom('xks_credentials')
      .innerJoin('key_sets', 'key_sets.id', 'xks_credentials.key_set_id')
      .select('access_key_id')
      .where('withdrawn_at', 'is', null)
      .where((eb) =>
        eb.or([
          eb('xks_credentials.expires_at', 'is', null),
          eb('xks_credentials.expires_at', '>', new Date(this.#now()).toISOString()),
        ]),
      )
      .where('key_sets.external_key_store', '=', 1)
      .where('key_sets.token', '=', token)
      .limit(mostWarmed)
      .execute();
    const failed: { accessKeyId: string; error: TokenError }[] = [];
    for (const { access_key_id: accessKeyId } of rows) {
      const credential = await this.credential(accessKeyId);
      if (credential === undefined) continue;
      try {
        await this.secret(credential, deadline);
      } catch (error) {
        if (!(error instanceof TokenError) || isOfWholeToken(error)) throw error;
        failed.push({ accessKeyId, error });
      }
    }
    return failed;
  }

  /** The secret of a live credential; asks the token once, for all who wait, then remembers. Throws TokenError. */
  async secret(credential: LiveCredential, deadline: number): Promise<Secret> {
    const known = this.#secrets.get(credential.accessKeyId);
    if (known !== undefined && isOf(known.credential, credential)) return known.secret;
    const opened = await (this.#opening.get(credential.accessKeyId) ??
      this.#openSecret(credential, deadline));
    return isOf(opened.credential, credential) ? opened.secret : this.secret(credential, deadline);
  }

  async #openSecret(credential: LiveCredential, deadline: number): Promise<OpenedSecret> {
    const { accessKeyId, keySet, sealedSecret } = credential;
    const identity = { vaultId: keySet.vaultId, keySetId: keySet.id, accessKeyId, sealedSecret };
    const open = async () => ({
      credential,
      secret: await revealSecret(this.#tokens, identity, keySet.token, deadline),
    });
    const opening = open().finally(() => this.#opening.delete(accessKeyId));
    this.#opening.set(accessKeyId, opening);
    const opened = await opening;
    this.#secrets.set(accessKeyId, opened);
    return opened;
  }

  /** The CloudKey of this external key id within the key set; undefined also for a key of another key set. */
  async cloudKey(keySet: Pick<ServedKeySet, 'id'>, externalKeyId: string): Promise<CloudKey | undefined> {
    const snapshot = this.#snapshot;
    const key = await remember(snapshot.keys, externalKeyId, () => this.#readKey(snapshot, externalKeyId));
    return key?.keySetId === keySet.id ? key : undefined;
  }

  /** The state of a key at this moment. */
  stateOf(keySet: ServedKeySet, key: CloudKey): FoundState {
    return stateAt(this.#now(), key, keySet);
  }

  async #load(snapshot: Snapshot): Promise<{ keySets: Map<string, ServedKeySet>; prefixes: Set<string> }> {
    const rows = await this.#store.db
      .selectFrom('key_sets')
      .innerJoin('vaults', 'vaults.id', 'key_sets.vault_id')
      .selectAll('key_sets')
      .select('vaults.tokens')
      .where('external_key_store', '=', 1)
      .execute();
    const keySets = new Map(rows.map((row) => [row.id, toKeySet(row, snapshot.revision)]));
    const prefixes = new Set(rows.map((row) => row.path_prefix));
    snapshot.keySets = keySets;
    snapshot.prefixes = prefixes;
    return { keySets, prefixes };
  }

  async #readCredential(snapshot: Snapshot, accessKeyId: string): Promise<LiveCredential | undefined> {
    const row = await this.#store.db
      .selectFrom('xks_credentials')
      .selectAll()
      .where('access_key_id', '=', accessKeyId)
      .where('withdrawn_at', 'is', null)
      .executeTakeFirst();
    if (row === undefined) {
      this.#secrets.delete(accessKeyId);
      return undefined;
    }
    const keySet = (snapshot.keySets ?? (await this.#load(snapshot)).keySets).get(row.key_set_id);
    if (keySet === undefined) return undefined;
    return { accessKeyId, keySet, sealedSecret: row.sealed_secret, expiresAt: toTime(row.expires_at) };
  }

  async #readKey(snapshot: Snapshot, externalKeyId: string): Promise<CloudKey | undefined> {
    const key = await this.#store.db
      .selectFrom('cloud_keys')
      .selectAll()
      .where('external_key_id', '=', externalKeyId)
      .executeTakeFirst();
    if (key === undefined) return undefined;
    const versions = await this.#store.db
      .selectFrom('key_versions')
      .selectAll()
      .where('cloud_key_id', '=', key.id)
      .execute();
    const keySet = (snapshot.keySets ?? (await this.#load(snapshot)).keySets).get(key.key_set_id);
    return keySet === undefined ? undefined : toCloudKey(key, versions, keySet.vaultId, snapshot.revision);
  }
}

/** Whether a secret that was opened for one belongs to the other: the same seal, and all that the seal is bound to. */
function isOf(opened: LiveCredential, asked: LiveCredential): boolean {
  return (
    opened.keySet.id === asked.keySet.id &&
    opened.keySet.vaultId === asked.keySet.vaultId &&
    opened.keySet.token === asked.keySet.token &&
    opened.sealedSecret.equals(asked.sealedSecret)
  );
}

function emptySnapshot(revision: number): Snapshot {
  return { revision, keySets: undefined, prefixes: undefined, keys: new Map(), credentials: new Map() };
}

/** One look-up for all who ask at once; a failed one is forgotten, so that the next request tries again. */
async function remember<T>(map: Map<string, Promise<T>>, name: string, look: () => Promise<T>): Promise<T> {
  const known = map.get(name);
  if (known !== undefined) return known;
  if (map.size >= mostRemembered) map.clear();
  const looking = look();
  map.set(name, looking);
  looking.catch(() => map.delete(name));
  return looking;
}
