import { monotonicNow, wallClock } from '../clock.ts';
import type { Secret } from '../secret.ts';
import { readOpenLost, type LostChange } from '../store/lost-changes.ts';
import { beforeEverything, isOtherStore, isSameMoment, ofItsStore } from '../store/revision-log.ts';
import type { Moment } from '../store/revision-log.ts';
import type { ServedChange, ServedChanges } from '../store/served-changes.ts';
import type { ReadableStore } from '../store/store.ts';
import { Remembered } from '../vault/remembered.ts';
import type { KnownHistory } from './known-history.ts';
import type { LiveCredential } from './live-credential.ts';
import { Looks, pagesOf } from './looking-ahead.ts';
import { LostRecords } from './lost-records.ts';
import { OpenedSecrets } from './opened-secrets.ts';
import {
  listCredentials,
  listKeys,
  listKeySets,
  listLiveCredentials,
  readCredentials,
  readKeys,
  readKeySets,
  readKeysInUse,
  readPrefix,
  readPrefixes,
  readVaults,
  type CredentialRecord,
  type KeySetRecord,
} from './served-reading.ts';
import {
  stateAt,
  type CloudKey,
  type FoundState,
  type OwnKeySet,
  type ServedKeySet,
  type ServedVault,
} from './served-records.ts';
import { notReadInTime } from './by-deadline.ts';
import { notSettledInTime, settledBy } from './settled-by.ts';
import type { WentBack } from './went-back.ts';
import { TokenError } from '../token/faults.ts';
import { isOfWholeToken, type TokenPools } from '../vault/tokens.ts';

export type { LiveCredential } from './live-credential.ts';
export type { CloudKey, FoundState, KeyVersion, ServedKeySet } from './served-records.ts';

/** With what was served of it last. */
type RememberedKeySet = KeySetRecord & {
  served?: { with: ServedVault; of: OwnKeySet; keySet: ServedKeySet };
};

/** Of a vault that is not there nothing may be used. */
const noVault: ServedVault = { tokens: [], frozen: true };

/** So many secrets are fetched before they are asked for: that needs the token and no store. */
const maxSecrets = 1_000;
/** So many of each kind are looked up before they are asked for. */
const maxWarmed = 20_000;
/** Of keys that were asked to encrypt within so many milliseconds, so many are told of. */
const inUseFor = 30 * 86_400_000;
const maxInUse = 1_000;

/** So many of each kind are remembered at the most; beyond, each that comes makes one go that was not used lately. */
const maxRemembered = 50_000;
/** So many names of each kind that do not exist. */
const maxMissing = 5_000;

interface DirectoryOptions {
  maxRemembered?: number;
  maxMissing?: number;
  /** What the node knows of the store's history beside the store. */
  history?: KnownHistory;
}

/**
 * The vault as an XKS worker reads it: remembered between requests, never older than the store at the start of the
 * request (promise 2). When the revision has moved, what was changed is forgotten, and everything where the store cannot
 * tell what was. What ends at a time ends for the request that looks at the clock then: no answer is remembered that the
 * clock could make wrong.
 */
export class Directory {
  readonly #store: ReadableStore;
  readonly #now: () => number;
  /** Told once everything is forgotten, since the store has gone back in time, or is another. */
  onWentBack: (step: WentBack) => void = () => undefined;
  /** Told of keys that were looked up ahead and may be asked to encrypt next: those in use, and those that were made or changed. */
  onWarm: (keys: readonly CloudKey[]) => void = () => undefined;
  #timesBack = 0;
  readonly #history: KnownHistory | undefined;
  /** The store has gone back in time, or is another, and what it has lost is not known yet: until then nothing is looked up. */
  #settling: Promise<void> | undefined;
  /** Of all who know: what the store has been told, and this node. */
  #lost = new LostRecords();
  #lostInStore: readonly LostChange[] = [];
  /** How often what is lost was asked for, and which ask the list is of: 0 before the first. */
  #lostAsks = 0;
  #lostAsOf = 0;
  /** All that was changed up to it is forgotten. */
  #at = beforeEverything;
  readonly #prefixes: Remembered<true>;
  /** By id: what its vault is is remembered apart. */
  readonly #keySets: Remembered<RememberedKeySet>;
  /** By id. */
  readonly #vaults: Remembered<ServedVault>;
  /** By external key id. */
  readonly #keys: Remembered<CloudKey>;
  /** By access key id. */
  readonly #credentials: Remembered<CredentialRecord>;
  readonly #secrets: OpenedSecrets;
  #isKeptWarm = false;
  readonly #looks = new Looks(async () => isSameMoment(await this.#store.moment(), this.#at));

  /** `now` gives milliseconds since the epoch; a test's own where time is what it tests. */
  constructor(
    store: ReadableStore,
    tokens: TokenPools,
    now: () => number = () => wallClock().getTime(),
    { history, ...bounds }: DirectoryOptions = {},
  ) {
    this.#store = store;
    this.#secrets = new OpenedSecrets(tokens);
    this.#now = now;
    this.#history = history;
    if (history !== undefined) this.#at = history.at;
    this.takeLost();
    const max = [bounds.maxRemembered ?? maxRemembered, bounds.maxMissing ?? maxMissing] as const;
    this.#prefixes = new Remembered(...max);
    this.#keySets = new Remembered(...max);
    this.#vaults = new Remembered(...max);
    this.#keys = new Remembered(...max);
    this.#credentials = new Remembered(...max);
  }

  /** All that was changed up to it is forgotten. Where it is the same object as before, nothing was. */
  get at(): Moment {
    return this.#at;
  }

  /**
   * Asks the store, and forgets what was changed. Call it once for each request, before anything is looked up, where no lease says
   * that what is remembered holds. Throws StoreError; at `deadline` where what is lost is not known by then.
   */
  async refresh(deadline = Infinity): Promise<void> {
    for (;;) {
      if (this.#settling !== undefined) await settledBy(deadline, this.#settling);
      const since = this.#at;
      const seen = this.#store.moment();
      const now = seen instanceof Promise ? await seen : seen;
      if (await this.#bringUp(since, now)) return;
      if (monotonicNow() >= deadline)
        throw this.#settling === undefined ? notReadInTime() : notSettledInTime();
    }
  }

  /**
   * Forgets what was changed up to `now`, which was asked for at `since`. False where the store is to be asked again: it has gone back,
   * or somebody who asked at the same time was quicker. What was read here may then be of an earlier moment than theirs, or of one
   * that the store has lost since: it never takes the place of theirs.
   */
  async #bringUp(since: Moment, now: Moment): Promise<boolean> {
    if (isSameMoment(now, this.#at)) {
      this.#at = ofItsStore(this.#at, now);
      if (this.#lostAsOf > 0) return true;
      // The moment that it begins with is later than what others have told the store of a loss.
      await this.#readLost();
      return isSameMoment(now, this.#at);
    }
    if (this.#at !== since) return false;
    const told = this.#store.changesSince(since);
    const changes = told instanceof Promise ? await told : told;
    if (changes === 'went-back') {
      // One of those who ask at the same time says so.
      if (this.#at === since) this.wentBack(now);
      return false;
    }
    // Before anything is looked up anew.
    if (changes === 'everything' || this.#lostAsOf === 0) await this.#readLost();
    if (this.#at !== since) return isSameMoment(now, this.#at);
    // A look-up that is under way is forgotten with what it looks up: its answer goes to those who asked before.
    if (changes === 'everything') this.#forgetEverything();
    else for (const change of changes) this.#forget(change);
    this.#at = now;
    this.#history?.moved();
    if (this.#isKeptWarm) void this.#warmAgain(changes);
    return true;
  }

  /**
   * Looks up what is served before it is asked for, now and after each change, so that an outage of the database finds it
   * remembered. Throws StoreError.
   */
  async keepWarm(): Promise<void> {
    this.#isKeptWarm = true;
    await this.#lookUpAll();
  }

  /** How often it was found that the store had gone back in time. */
  get timesBack(): number {
    return this.#timesBack;
  }

  /** The store has gone back in time, or is another, and is at `found`: nothing that is remembered counts. */
  wentBack(found: Moment): void {
    const known = this.#at;
    if (!isOtherStore(known, found)) this.#timesBack++;
    this.#forgetEverything();
    // An object of its own each time: whoever has read something before is told by it.
    this.#at = { ...beforeEverything };
    if (this.#history !== undefined) {
      const settling = this.#history.settled().finally(() => {
        if (this.#settling === settling) this.#settling = undefined;
      });
      this.#settling = settling;
    }
    this.onWentBack({ known, found });
  }

  /** Of those under way at the same time the one asked last counts. Throws StoreError: without it nothing may be served. */
  async #readLost(): Promise<void> {
    const ask = ++this.#lostAsks;
    const lost = await readOpenLost(this.#store.db);
    if (ask < this.#lostAsOf) return;
    this.#lostAsOf = ask;
    this.#lostInStore = lost;
    this.takeLost();
  }

  /** What the node knows to be lost is another than before. */
  takeLost(): void {
    this.#lost = new LostRecords([...this.#lostInStore, ...(this.#history?.lost ?? [])]);
  }

  /* What is not remembered is looked up, until `deadline` by the monotonic clock at the latest: then StoreError is thrown. */

  async hasPrefix(prefix: string, deadline = Infinity): Promise<boolean> {
    const look = async () => readPrefix(this.#store.db, prefix);
    return (await this.#looks.find(this.#prefixes, prefix, look, deadline)) === true;
  }

  /** Undefined for one that is unknown, withdrawn or expired, or whose key set is no external key store. */
  async credential(accessKeyId: string, deadline = Infinity): Promise<LiveCredential | undefined> {
    const look = async () => this.#readCredential(accessKeyId);
    const record = await this.#looks.find(this.#credentials, accessKeyId, look, deadline);
    const known = record && this.#lost.credential(record);
    if (known === undefined || this.#now() >= known.expiresAt) return undefined;
    const keySet = await this.#keySet(known.keySetId, deadline);
    if (keySet === undefined) return undefined;
    const { sealedSecret, expiresAt } = known;
    return { accessKeyId, keySet, sealedSecret, expiresAt };
  }

  /**
   * Asks the token for the secrets of all live credentials, so that no first request of a credential has to wait. One that
   * does not open keeps no other from being fetched: gives those, with what the token said. Throws TokenError where the
   * token cannot be asked at all.
   */
  async warmUp(token: string, deadline: number): Promise<{ accessKeyId: string; error: TokenError }[]> {
    await this.refresh();
    const live = await listLiveCredentials(this.#store.db, token, new Date(this.#now()), maxSecrets);
    const failed: { accessKeyId: string; error: TokenError }[] = [];
    for (const accessKeyId of live) {
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
  secret(credential: LiveCredential, deadline: number): Promise<Secret> {
    return this.#secrets.of(credential, deadline);
  }

  /** The CloudKey of this external key id within the key set; undefined also for a key of another key set. */
  async cloudKey(
    keySet: Pick<ServedKeySet, 'id'>,
    externalKeyId: string,
    deadline = Infinity,
  ): Promise<CloudKey | undefined> {
    const look = async () =>
      (await readKeys(this.#store.db, [externalKeyId], this.#at.revision)).get(externalKeyId);
    const key = await this.#looks.find(this.#keys, externalKeyId, look, deadline);
    if (key?.keySetId !== keySet.id) return undefined;
    const served = await this.#keySet(keySet.id, deadline);
    if (served === undefined) return undefined;
    if (served.vaultId === key.vaultId) return this.#lost.cloudKey(key);
    // The key set was moved to another vault after the key was read.
    this.#keys.forget(externalKeyId);
    const again = await this.#looks.find(this.#keys, externalKeyId, look, deadline);
    return again?.keySetId === keySet.id ? this.#lost.cloudKey(again) : undefined;
  }

  /** The state of a key at this moment. */
  stateOf(keySet: ServedKeySet, key: CloudKey): FoundState {
    return stateAt(this.#now(), key, keySet);
  }

  #forget({ kind, name }: ServedChange): void {
    switch (kind) {
      case 'vault':
        return this.#vaults.forget(name);
      case 'key-set':
        return this.#keySets.forget(name);
      case 'path-prefixes':
        return this.#prefixes.clear();
      case 'cloud-key':
        return this.#keys.forget(name);
      case 'credential':
        return this.#credentials.forget(name);
    }
  }

  #forgetEverything(): void {
    this.#prefixes.clear();
    this.#keySets.clear();
    this.#vaults.clear();
    this.#keys.clear();
    this.#credentials.clear();
  }

  /** Undefined for one that is no external key store. */
  async #keySet(id: string, deadline = Infinity): Promise<ServedKeySet | undefined> {
    const look = async () => (await readKeySets(this.#store.db, [id], this.#at.revision)).get(id);
    const known = await this.#looks.find<RememberedKeySet>(this.#keySets, id, look, deadline);
    const own = known && this.#lost.keySet(id, known.own);
    if (known === undefined || own === undefined) return undefined;
    const vault = this.#lost.vault(own.vaultId, await this.#vault(own.vaultId, deadline)) ?? noVault;
    // A vault that is there has one at the least: nothing is served from one that was deleted.
    if (vault.tokens.length === 0) return undefined;
    if (known.served?.with !== vault || known.served.of !== own)
      known.served = {
        ...{ with: vault, of: own },
        keySet: { ...own, vaultTokens: vault.tokens, frozen: own.frozen || vault.frozen },
      };
    return known.served.keySet;
  }

  async #lookUpAll(): Promise<void> {
    const { db } = this.#store;
    const keySets = async (after: string, limit: number) => listKeySets(db, after, limit);
    for await (const ids of pagesOf(keySets, maxWarmed)) {
      const found = await this.#looks.ahead(this.#keySets, ids, async (unknown) =>
        readKeySets(db, unknown, this.#at.revision),
      );
      const vaults = [...new Set(found.map(({ own }) => own.vaultId))];
      await this.#looks.ahead(this.#vaults, vaults, async (unknown) => readVaults(db, unknown));
      const prefixes = [...new Set(found.map(({ own }) => own.pathPrefix))].filter((one) => one !== '');
      await this.#looks.ahead(this.#prefixes, prefixes, async (unknown) => readPrefixes(db, unknown));
    }
    await this.hasPrefix('');
    const credentials = async (after: string, limit: number) => listCredentials(db, after, limit);
    for await (const ids of pagesOf(credentials, maxWarmed))
      await this.#looks.ahead(this.#credentials, ids, async (unknown) => readCredentials(db, unknown));
    const keys = async (after: string, limit: number) => listKeys(db, after, limit);
    for await (const ids of pagesOf(keys, maxWarmed)) await this.#lookUpKeys(ids);
    const since = new Date(this.#now() - inUseFor).toISOString();
    this.onWarm(await this.#lookUpKeys(await readKeysInUse(db, since, maxInUse)));
  }

  async #lookUpKeys(ids: readonly string[]): Promise<CloudKey[]> {
    return this.#looks.ahead(this.#keys, ids, async (unknown) =>
      readKeys(this.#store.db, unknown, this.#at.revision),
    );
  }

  /** A failure is that of whoever asks for it next. */
  async #warmAgain(changes: ServedChanges): Promise<void> {
    try {
      if (changes === 'everything' || changes.some(({ kind }) => kind === 'path-prefixes'))
        return await this.#lookUpAll();
      const changed = new Set(changes.filter(({ kind }) => kind === 'cloud-key').map(({ name }) => name));
      this.onWarm(await this.#lookUpKeys([...changed]));
      for (const { kind, name } of changes) {
        if (kind === 'credential') await this.credential(name);
        if (kind === 'key-set') await this.#keySet(name);
        if (kind === 'vault') await this.#vault(name);
      }
    } catch {
      // The database is away: what is not remembered is looked up when it is asked for.
    }
  }

  async #vault(id: string, deadline = Infinity): Promise<ServedVault | undefined> {
    const look = async () => (await readVaults(this.#store.db, [id])).get(id);
    return this.#looks.find(this.#vaults, id, look, deadline);
  }

  async #readCredential(accessKeyId: string): Promise<CredentialRecord | undefined> {
    const record = (await readCredentials(this.#store.db, [accessKeyId])).get(accessKeyId);
    if (record === undefined) this.#secrets.forget(accessKeyId);
    return record;
  }
}
