import { partitionOf } from '../principal.ts';
import type { Alias, KeyStore, KmsKey } from './records.ts';

/** What one account has in one Region. */
export interface Place {
  readonly accountId: string;
  readonly region: string;
  readonly keys: Map<string, KmsKey>;
  readonly stores: Map<string, KeyStore>;
  readonly aliases: Map<string, Alias>;
}

/** All of KMS, by account and Region. */
export class KmsState {
  readonly #places = new Map<string, Place>();

  place(accountId: string, region: string): Place {
    const name = `${accountId}/${region}`;
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const place = { accountId, region, keys: new Map(), stores: new Map(), aliases: new Map() };
    this.#places.set(name, place);
    return place;
  }

  places(): Iterable<Place> {
    return this.#places.values();
  }

  /** Of all accounts. */
  stores(region?: string): KeyStore[] {
    return [...this.#places.values()]
      .filter((place) => region === undefined || place.region === region)
      .flatMap(({ stores }) => stores.values().toArray());
  }

  /** Of all accounts. */
  keys(region: string): KmsKey[] {
    return [...this.#places.values()]
      .filter((place) => place.region === region)
      .flatMap(({ keys }) => keys.values().toArray());
  }

  save(): unknown {
    return [...this.#places.values()].map(({ accountId, region, keys, stores, aliases }) => ({
      accountId,
      region,
      keys: [...keys.values()],
      stores: [...stores.values()],
      aliases: [...aliases.values()],
    }));
  }

  /** Reads what `save` gave; a connection that was being made or ended has ended in the meantime. */
  load(saved: unknown): void {
    for (const { accountId, region, keys, stores, aliases } of saved as SavedPlace[]) {
      const place = this.place(accountId, region);
      for (const key of keys) place.keys.set(key.id, key);
      for (const alias of aliases) place.aliases.set(alias.name, alias);
      for (const store of stores) {
        if (store.state === 'CONNECTING')
          Object.assign(store, { state: 'FAILED', errorCode: 'INTERNAL_ERROR' });
        if (store.state === 'DISCONNECTING') store.state = 'DISCONNECTED';
        place.stores.set(store.id, store);
      }
    }
  }
}

interface SavedPlace {
  accountId: string;
  region: string;
  keys: KmsKey[];
  stores: KeyStore[];
  aliases: Alias[];
}

export function arnOf(place: { accountId: string; region: string }, resource: string): string {
  return `arn:${partitionOf(place.region)}:kms:${place.region}:${place.accountId}:${resource}`;
}
