import type { Store } from '../../store/store.ts';
import type { RequestFigures } from '../figures.ts';
import { otherKeySets } from '../request-counts.ts';
import { addToCell, emptyCell, type Cell } from './cell.ts';
import { KeptSeries } from './kept-series.ts';
import { nobody, trafficKind, type Owner, type TrafficScope } from './traffic-rows.ts';

/** Key sets change their group seldom; milliseconds. */
const ownersKeptFor = 60_000;

export interface TrafficSeriesOptions {
  store: Pick<Store, 'db' | 'bookkeep'>;
  nodeId: string;
  now: () => Date;
}

/** How many requests AWS sends and how they are answered, in steps of time. */
export class TrafficSeries {
  readonly #options: TrafficSeriesOptions;
  readonly #kept: KeptSeries<Owner, Cell, TrafficScope>;
  #owners = new Map<string, Owner>();
  #ownersReadAt = -Infinity;

  constructor(options: TrafficSeriesOptions) {
    this.#options = options;
    this.#kept = new KeptSeries(trafficKind(options.store, options.nodeId), options);
  }

  /**
   * Takes what came since the last call, whatever becomes of the store: what nobody could answer is what people look for.
   * Writes what is whole; rejects where that fails, and tries again next time.
   */
  async add(requests: readonly RequestFigures[]): Promise<void> {
    const now = this.#options.now();
    const problem = await this.#learnOwners(requests, now.getTime()).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    for (const more of requests) {
      const cell = emptyCell();
      addToCell(cell, more);
      this.#kept.add(this.#owners.get(more.keySet) ?? nobody, cell, now);
    }
    if (problem !== undefined) throw problem;
    await this.#kept.writeDue();
  }

  /** Writes what there is. */
  async write(): Promise<void> {
    await this.#kept.write();
  }

  /** Steps from `from` on, by when they began, of all nodes. */
  async read(scope: TrafficScope, step: number, from: number): Promise<Map<number, Cell>> {
    return this.#kept.read(scope, step, from);
  }

  /** Whose each key set is, as far as it is not known, and anew from time to time. */
  async #learnOwners(requests: readonly RequestFigures[], now: number): Promise<void> {
    const isKnown = requests.every(
      ({ keySet }) => keySet === '' || keySet === otherKeySets || this.#owners.has(keySet),
    );
    if (isKnown && Math.abs(now - this.#ownersReadAt) < ownersKeptFor) return;
    const rows = await this.#options.store.db
      .selectFrom('key_sets')
      .select(['id', 'vault_id', 'admin_group_id'])
      .execute();
    this.#owners = new Map(
      rows.map((row) => [row.id, { vaultId: row.vault_id, adminGroupId: row.admin_group_id ?? '' }]),
    );
    this.#ownersReadAt = now;
  }
}
