import type { SpaceReserve } from '../sqlite/space-reserve.ts';
import type { StoreConnections } from '../postgres/pool.ts';
import { nameOf, type PostgresSettings } from '../postgres/settings.ts';
import type { HolderLine, HolderLineOptions } from '../holder-line.ts';
import type { StoreError } from '../store-error.ts';
import type { OlderDb, ReadableStore, Store } from '../store.ts';

/** Where the store is: a file of this machine's, or a database. */
export type StorePlace =
  | { kind: 'sqlite'; path: string }
  /** `lease`, for which XKS workers serve from memory, is in milliseconds. */
  | ({ kind: 'postgres'; lease?: number } & PostgresSettings);

/** A store, with what only one kind of them has. */
export interface OpenStore extends Store {
  /** Space that is kept free on the disk of a file. */
  readonly reserve?: SpaceReserve;
  /** Why every write is refused, where somebody has changed the schema of a file while it was open. */
  whyUnwritable?: () => StoreError | undefined;
  /** What a database server does not do that is claimed of it. */
  readonly durabilityProblems?: readonly string[];
  /** How many connections this process has to a database server. */
  readonly connections?: StoreConnections;
}

/** Told what a database server does not do that is claimed of it, whenever that changes. */
export type OnDurability = (problems: readonly string[]) => void;

/* Only the driver that is needed is loaded. */

/** Opens a store that is there, up to date, and not moved to elsewhere. Throws StoreError. */
export async function openStore(place: StorePlace, onDurability?: OnDurability): Promise<OpenStore> {
  if (place.kind === 'sqlite') return (await import('../sqlite/sqlite.ts')).SqliteStore.open(place.path);
  const { PostgresStore } = await import('../postgres/postgres.ts');
  return PostgresStore.open(place, onDurability === undefined ? {} : { onDurability });
}

/** The same of one that may have been moved: for what is done about that alone. Throws StoreError. */
export async function openMovedStore(place: StorePlace): Promise<OpenStore> {
  if (place.kind === 'sqlite')
    return (await import('../sqlite/sqlite.ts')).SqliteStore.open(place.path, { movedToo: true });
  return (await import('../postgres/postgres.ts')).PostgresStore.open(place, { movedToo: true });
}

/** The same for who only reads: nothing can be written by it. Throws StoreError. */
export async function openStoreToRead(place: StorePlace): Promise<ReadableStore> {
  if (place.kind === 'sqlite')
    return (await import('../sqlite/sqlite.ts')).SqliteStore.openToRead(place.path);
  return (await import('../postgres/postgres.ts')).PostgresStore.openToRead(place);
}

/** Reads a store that may be of an earlier release, whose tables are those of that release. Throws StoreError. */
export async function readOlderStore<T>(place: StorePlace, read: (db: OlderDb) => Promise<T>): Promise<T> {
  if (place.kind === 'sqlite')
    return (await import('../sqlite/sqlite.ts')).SqliteStore.readOlder(place.path, read);
  return (await import('../postgres/postgres.ts')).PostgresStore.readOlder(place, read);
}

/** What a process that serves from memory says to a database; a file needs none. Throws StoreError. */
export async function openHolderLine(
  place: StorePlace & { kind: 'postgres' },
  options: HolderLineOptions,
): Promise<HolderLine> {
  return (await import('../postgres/holder-line.ts')).PostgresHolderLine.open(place, options);
}

/** Makes a store, or brings one up to date. Throws StoreError. */
export async function initStore(place: StorePlace): Promise<OpenStore> {
  if (place.kind === 'sqlite') return (await import('../sqlite/sqlite.ts')).SqliteStore.init(place.path);
  return (await import('../postgres/postgres.ts')).PostgresStore.init(place);
}

/** Whether {@link initStore} may do its work while nodes of the version before work with the store: never with a file. Throws StoreError. */
export async function isUpgradedBeside(place: StorePlace): Promise<boolean> {
  if (place.kind === 'sqlite') return false;
  return (await import('../postgres/postgres.ts')).PostgresStore.isUpgradedBeside(place);
}

/** A file, or a database with its server. */
export function placeInWords(place: StorePlace): string {
  return place.kind === 'sqlite' ? place.path : nameOf(place);
}
