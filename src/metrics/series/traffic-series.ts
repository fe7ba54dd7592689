import type { Store } from '../../store/store.ts';
import type { RequestFigures } from '../figures.ts';
import { otherKeySets } from '../request-counts.ts';
import { addToCell, emptyCell, type Cell } from './cell.ts';
import {
  addTraffic,
  beginOf,
  keptSteps,
  readTraffic,
  type Addition,
  type Owner,
  type TrafficScope,
} from './traffic-rows.ts';

/** Seconds of a step of the last hour, which is in memory alone. */
export const detailStep = 15;
const detailSteps = 240;
const [shortest] = keptSteps;
/** So many vaults and groups are told apart in the last hour; each takes some 50 KB. */
const maxOwners = 200;
/** Key sets change their group seldom; milliseconds. */
const ownersKeptFor = 60_000;

export interface TrafficSeriesOptions {
  store: Pick<Store, 'db' | 'bookkeep'>;
  nodeId: string;
  now: () => Date;
}

interface Detail extends Owner {
  /** By number of the step, around and around; with which step it is. */
  cells: ({ at: number; cell: Cell } | undefined)[];
}

/**
 * How many requests AWS sends and how they are answered, as a series of steps: of the last hour in detail, in memory; of a
 * day by five minutes and of 31 days by the hour, in the store, where all nodes of a fleet put theirs.
 */
export class TrafficSeries {
  readonly #options: TrafficSeriesOptions;
  readonly #details = new Map<string, Detail>();
  /** What the store does not have yet. */
  #unwritten = new Map<string, Addition>();
  #owners = new Map<string, Owner>();
  #ownersReadAt = -Infinity;
  #writtenStep: number;

  constructor(options: TrafficSeriesOptions) {
    this.#options = options;
    this.#writtenStep = beginOf(options.now().getTime(), shortest.step);
  }

  /**
   * Takes what came since the last call, whatever becomes of the store: what nobody could answer is what people look for.
   * Writes what is whole; rejects where that fails, and tries again next time.
   */
  async add(requests: readonly RequestFigures[]): Promise<void> {
    const now = this.#options.now().getTime();
    const problem = await this.#learnOwners(requests, now).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    for (const more of requests) {
      const owner = this.#owners.get(more.keySet) ?? nobody;
      const name = `${owner.vaultId} ${owner.adminGroupId}`;
      this.#addDetail(name, owner, now, more);
      const at = beginOf(now, shortest.step);
      const unwritten = this.#unwritten.get(`${at} ${name}`) ?? { ...owner, at, cell: emptyCell() };
      this.#unwritten.set(`${at} ${name}`, unwritten);
      addToCell(unwritten.cell, more);
    }
    if (problem !== undefined) throw problem;
    // A clock that was set back has begun another step as well.
    if (beginOf(now, shortest.step) !== this.#writtenStep) await this.write();
  }

  /** Writes what there is. */
  async write(): Promise<void> {
    const now = this.#options.now();
    const additions = [...this.#unwritten.values()];
    const before = this.#unwritten;
    this.#unwritten = new Map();
    try {
      if (additions.length > 0) await addTraffic(this.#options.store, this.#options.nodeId, additions, now);
      this.#writtenStep = beginOf(now.getTime(), shortest.step);
    } catch (error) {
      for (const [name, { cell, ...of }] of this.#unwritten) {
        const known = before.get(name) ?? { ...of, cell: emptyCell() };
        before.set(name, known);
        addToCell(known.cell, cell);
      }
      this.#unwritten = before;
      // A store that takes nothing for long loses the oldest of it.
      for (const name of before.keys()) {
        if (before.size <= maxUnwritten) break;
        before.delete(name);
      }
      throw error;
    }
  }

  /** Steps from `from` on, by when they began. Of this node alone where they are of the last hour, else of all. */
  async read(scope: TrafficScope, step: number, from: number): Promise<Map<number, Cell>> {
    if (step === detailStep) return this.#readDetail(scope, from);
    const found = await readTraffic(this.#options.store, scope, step, from);
    for (const { at, cell, ...owner } of this.#unwritten.values()) {
      if (!isIn(scope, owner) || at < from) continue;
      const begins = beginOf(at, step);
      const sum = found.get(begins) ?? emptyCell();
      found.set(begins, sum);
      addToCell(sum, cell);
    }
    return found;
  }

  #readDetail(scope: TrafficScope, from: number): Map<number, Cell> {
    const found = new Map<number, Cell>();
    for (const detail of this.#details.values()) {
      if (!isIn(scope, detail)) continue;
      for (const step of detail.cells) {
        if (step === undefined || step.at < from) continue;
        const sum = found.get(step.at) ?? emptyCell();
        found.set(step.at, sum);
        addToCell(sum, step.cell);
      }
    }
    return found;
  }

  #addDetail(name: string, owner: Owner, now: number, more: RequestFigures): void {
    let detail = this.#details.get(name);
    if (detail === undefined) {
      if (this.#details.size >= maxOwners) return;
      this.#details.set(name, (detail = { ...owner, cells: [] }));
    }
    const at = beginOf(now, detailStep);
    const index = (at / (detailStep * 1_000)) % detailSteps;
    const there = detail.cells[index];
    const step = there?.at === at ? there : { at, cell: emptyCell() };
    detail.cells[index] = step;
    addToCell(step.cell, more);
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

const maxUnwritten = 10_000;
const nobody: Owner = { vaultId: '', adminGroupId: '' };

function isIn(scope: TrafficScope, { vaultId, adminGroupId }: Owner): boolean {
  if (scope === 'appliance') return true;
  return vaultId === scope.vaultId && (scope.sight === 'all' || scope.sight.includes(adminGroupId));
}
