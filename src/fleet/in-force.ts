import { setTimeout as delay } from 'node:timers/promises';
import { expressionBuilder, type Selectable } from 'kysely';
import { monotonicNow } from '../clock.ts';
import { Revocation, SilentHolders } from '../lease/revocation.ts';
import type { Moved } from '../store/revision-log.ts';
import type { SnapshotHolderTable, Tables } from '../store/schema.ts';
import { StoreError } from '../store/store-error.ts';
import type { Store } from '../store/store.ts';
import { VaultError } from '../vault/vault-error.ts';

/** A caller waits for nodes that do not confirm so long at the most, milliseconds: then they hear who is waited for. */
export const patience = 5_000;

/** Between two looks at what the holders have confirmed, milliseconds: at first, and at the most. */
const firstPause = 2;
const longestPause = 100;

/** A node whose workers serve from memory, as a change is waited for. */
export interface HoldingNode {
  id: string;
  hostname: string;
  /** `confirmed`: it goes by the change, and has finished what began before. `ended`: it serves nothing from memory any more. */
  state: 'confirmed' | 'ended' | 'waiting';
  /** Where it is waited for: until its lease has ended at the latest, milliseconds from now. */
  left: number;
}

/** Where a change holds. In force once nobody is waited for. */
export interface Standing {
  nodes: readonly HoldingNode[];
  /**
   * All that was changed up to this one was waited for ({@link InForce.waitFor}). Undefined where the last change has no mark: then it may
   * be lost, and its number used again.
   */
  revision: Moved | undefined;
  /** So long it was waited, milliseconds. */
  waited: number;
}

type Row = Selectable<SnapshotHolderTable>;

/** What is waited for. */
interface Change {
  epoch: number;
  /** Null where it is known by its number alone. */
  mark: string | null;
  /** Which store it is in. */
  store: string | null;
}

interface SeenChange extends Change {
  /** A moment at which it was certainly committed, by the monotonic clock. */
  at: number;
}

/** So many are remembered; an older one was committed before the oldest of them was seen. */
const maxSeen = 100;

/**
 * Waits until a change is in force on every worker that serves from memory (docs/revocation.md). What asks the
 * store at each request has no row here and is not waited for.
 */
export class InForce {
  readonly #store: Pick<Store, 'db' | 'bookkeep'>;
  readonly #silent = new SilentHolders();
  /** In the order of their epochs, all of one history of one store. */
  #seenChanges: readonly SeenChange[] = [];

  constructor(store: Pick<Store, 'db' | 'bookkeep'>) {
    this.#store = store;
  }

  /** The one of this process: what it saw in one request counts in the next. */
  static of(store: Pick<Store, 'db' | 'bookkeep'>): InForce {
    const known = ofStores.get(store) ?? new InForce(store);
    ofStores.set(store, known);
    return known;
  }

  /**
   * Of all that was committed before the call. Waits `patience` milliseconds at the most; ask again where it was not enough. Throws
   * StoreError `in-doubt` where another store answers since `own`, which is what the caller has committed, or one that has gone back: its
   * holders say nothing of the change.
   */
  async wait(patience: number, own?: Moved): Promise<Standing> {
    const began = monotonicNow();
    const { isListed: hasOwn, ...last } = await this.#lastChange(own);
    if (!hasOwn) throw gone();
    const revision = last.mark === null ? undefined : { revision: last.epoch, mark: last.mark };
    return { ...(await this.#waitFor(last, own, began, patience)), revision };
  }

  /**
   * Of all that was committed up to `asked`, whatever was changed later. Throws VaultError `not-found` where the store does not list it, and
   * StoreError `in-doubt` where another one answers meanwhile.
   */
  async waitFor(asked: Moved, patience: number): Promise<Standing> {
    const began = monotonicNow();
    const { isListed: hasIt, ...change } = await this.#lastChange(asked, asked.revision);
    if (!hasIt) throw notListed();
    return { ...(await this.#waitFor(change, asked, began, patience)), revision: asked };
  }

  /** `own` has to be in the store for as long as it is waited for. */
  async #waitFor(
    { at, ...change }: SeenChange,
    own: Moved | undefined,
    began: number,
    patience: number,
  ): Promise<Omit<Standing, 'revision'>> {
    // In a transaction after that of the change: who has no row yet joins later, and loads what was changed.
    let rows = await this.#lookFor(change, own);
    const revocation = new Revocation(change.epoch, at, rows);
    for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
      const now = monotonicNow();
      revocation.saw(rows);
      const standing = standingOf(revocation, rows, now);
      const waited = now - began;
      if (waited >= patience || standing.every(({ state }) => state !== 'waiting'))
        return { nodes: standing, waited };
      await delay(Math.min(pause, patience - waited));
      rows = await this.#lookFor(change, own);
    }
  }

  /** Removes the rows of processes that were killed. To be called every now and then, so that no act has to wait for them. */
  async sweep(): Promise<void> {
    await this.#look();
  }

  /** How many processes have not confirmed the last change yet. */
  async unconfirmed(): Promise<number> {
    const { epoch } = await this.#lastChange();
    return (await this.#look()).filter((row) => row.epoch < epoch).length;
  }

  /** The holders, where the change is in the same store still. Asked in one statement: by the next the name may lead elsewhere. */
  async #lookFor({ epoch, mark, store }: Change, own: Moved | undefined): Promise<Row[]> {
    const found = await this.#store.db
      .selectFrom('revision')
      .leftJoin('snapshot_holders', (join) => join.onTrue())
      .where('revision.id', '=', 1)
      .selectAll('snapshot_holders')
      .select([
        'revision.store_id',
        listed(own?.revision ?? -1, own?.mark ?? '').as('ours'),
        listed(epoch, mark).as('there'),
        firstListed().as('first'),
      ])
      .execute();
    const [{ store_id, ours, there, first } = { store_id: null, ours: null, there: null, first: null }] =
      found;
    if (own !== undefined && ours === null) throw gone();
    if (store_id !== store || (mark !== null && !isListed({ there, first }, epoch))) throw gone();
    return this.#seen(found.filter((row): row is typeof row & Row => row.id !== null));
  }

  async #look(): Promise<Row[]> {
    return this.#seen(await this.#store.db.selectFrom('snapshot_holders').selectAll().execute());
  }

  async #seen(rows: Row[]): Promise<Row[]> {
    this.#silent.saw(rows, monotonicNow());
    const silent = this.#silent.silent(monotonicNow());
    if (silent.length === 0) return rows;
    await this.#remove(silent);
    return rows;
  }

  /** Where the store does not take it the next look has it done: what is asked is whether a change is in force, and that is answered by then. */
  async #remove(silent: ReturnType<SilentHolders['silent']>): Promise<void> {
    try {
      await this.#store.bookkeep('lease', async (trx) => {
        for (const { id, term, mark } of silent)
          await trx
            .deleteFrom('snapshot_holders')
            .where('id', '=', id)
            .where('term', '=', term)
            .where('mark', mark === null ? 'is' : '=', mark)
            .execute();
      });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }

  /**
   * The last revision up to `upTo` that changed anything of what workers serve by. A holder hears of others only when it renews, and needs
   * to confirm none of them. `isListed`: the store lists `own` by its mark, where one is given.
   */
  async #lastChange(
    own?: Moved,
    upTo = Number.MAX_SAFE_INTEGER,
  ): Promise<SeenChange & { isListed: boolean }> {
    const newest = this.#seenChanges.at(-1);
    const { told, mark, first, revision, store, ours, known } = await this.#store.db
      .selectFrom('revision')
      .where('id', '=', 1)
      .select((eb) => [
        'revision',
        'store_id as store',
        listed(own?.revision ?? -1, own?.mark ?? '').as('ours'),
        listed(newest?.epoch ?? -1, newest?.mark ?? '').as('known'),
        eb
          .selectFrom('served_changes')
          .where('kind', '<>', 'nothing')
          .where('served_changes.revision', '<=', upTo)
          .select((inner) => inner.fn.max('served_changes.revision').as('told'))
          .as('told'),
        eb
          .selectFrom('served_changes')
          .where('kind', '<>', 'nothing')
          .where('served_changes.revision', '<=', upTo)
          .orderBy('served_changes.revision', 'desc')
          .limit(1)
          .select('served_changes.mark')
          .as('mark'),
        firstListed().as('first'),
      ])
      .executeTakeFirstOrThrow();
    // Of what is not kept any more all is older than what is.
    const epoch = told ?? (first === null ? revision : first - 1);
    const change = { epoch, mark, store };
    // It was committed just now: a store that has not listed it is another, however far ahead its own list begins.
    return { ...this.#note(change, newest, known !== null), isListed: own === undefined || ours !== null };
  }

  /** Whoever asks again waits no longer for it. `newest` is what was the last one seen before the store was asked, and whether it lists that. */
  #note(change: Change, newest: SeenChange | undefined, isListed: boolean): SeenChange {
    const seen = { ...change, at: monotonicNow() };
    // Another look has ended meanwhile: whether this store is the one which that has seen was not asked.
    if (this.#seenChanges.at(-1) !== newest) return seen;
    if (newest !== undefined && !(isListed && newest.store === change.store) && !isSame(newest, change))
      this.#seenChanges = [];
    const sooner = this.#seenChanges.find(({ epoch }) => epoch >= change.epoch);
    if (sooner !== undefined) return { ...change, at: sooner.at };
    this.#seenChanges = [...this.#seenChanges.slice(1 - maxSeen), seen];
    return seen;
  }
}

const isSame = (one: Change, other: Change): boolean =>
  one.epoch === other.epoch && one.mark === other.mark && one.store === other.store;

/** The revision, if the list of changes has it by that mark. */
const listed = (revision: number, mark: string | null) =>
  expressionBuilder<Tables>()
    .selectFrom('served_changes')
    .where('served_changes.revision', '=', revision)
    .where('served_changes.mark', '=', mark)
    .limit(1)
    .select('served_changes.revision');

/** The oldest revision that the list still has. */
const firstListed = () =>
  expressionBuilder<Tables>()
    .selectFrom('served_changes')
    .select((eb) => eb.fn.min('served_changes.revision').as('first'));

/** Whether the store has it in its list of changes; what is older than that list nobody can tell. */
function isListed({ there, first }: Record<'there' | 'first', number | null>, revision: number): boolean {
  return there !== null || (first !== null && first > revision);
}

/** Whoever has asked for something taken away is not told that it is. */
function gone(): StoreError {
  return new StoreError(
    'in-doubt',
    'it was done, but then another database answered, or one that has gone back in time: whether every node goes by it cannot be told',
    'see where store.address leads, then look whether it is done there, and repeat it if not: docs/fleet.md',
  );
}

/** It may have been committed in another store, or have been lost: nobody is told that it is in force by its number alone. */
function notListed(): VaultError {
  return new VaultError(
    'not-found',
    'the store does not list this revision: it has gone back in time since, is another one, or has moved on too far to tell',
    'look whether what was done is still so, and do it again if not; what a store has lost is told to administrators of the appliance by: holdfast lost-change list',
  );
}

/** Removes the rows of a process that has exited: it answers nothing any more. Only who has seen it exit knows that. */
export async function removeHolders(store: Pick<Store, 'bookkeep'>, instance: string): Promise<void> {
  await store.bookkeep('lease', async (trx) =>
    trx.deleteFrom('snapshot_holders').where('id', 'like', `${instance}/%`).execute(),
  );
}

/**
 * Removes the rows of processes of this node that have exited while it was not there to see it: killed as a whole, and started again.
 * `hasExited` is asked about the mark in the id of each (`xks-worker/<mark>/…`), and says so only where that is certain.
 */
export async function removeExitedHolders(
  store: Pick<Store, 'db' | 'bookkeep'>,
  nodeId: string,
  hasExited: (mark: string) => boolean,
): Promise<void> {
  const rows = await store.db
    .selectFrom('snapshot_holders')
    .select('id')
    .where('node_id', '=', nodeId)
    .execute();
  const exited = rows.map(({ id }) => id).filter((id) => hasExited(id.split('/')[1] ?? ''));
  if (exited.length === 0) return;
  await store.bookkeep('lease', async (trx) =>
    trx.deleteFrom('snapshot_holders').where('id', 'in', exited).execute(),
  );
}

/** By node: the slowest of its processes says how it stands. */
function standingOf(revocation: Revocation, rows: readonly Row[], now: number): HoldingNode[] {
  const nodes = new Map<string, HoldingNode>();
  const present = new Map(rows.map((row) => [row.id, row]));
  const note = (holder: string, state: HoldingNode['state'], left: number): void => {
    // Who has given up its row is no node of this any more, unless another process of it is.
    const row = present.get(holder);
    if (row === undefined) return;
    const { node_id: id, hostname } = row;
    const before = nodes.get(id);
    if (before === undefined || weight[state] > weight[before.state])
      nodes.set(id, { id, hostname, state, left });
    else if (state === 'waiting') before.left = Math.max(before.left, left);
  };
  const { confirmed, ended, waiting } = revocation.standing(now);
  for (const id of confirmed) note(id, 'confirmed', 0);
  for (const id of ended) note(id, 'ended', 0);
  for (const { id, until } of waiting) note(id, 'waiting', Math.max(0, until - now));
  return [...nodes.values()];
}

const weight: Readonly<Record<HoldingNode['state'], number>> = { confirmed: 0, ended: 1, waiting: 2 };

const ofStores = new WeakMap<object, InForce>();
