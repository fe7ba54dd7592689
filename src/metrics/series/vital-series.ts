import type { Store } from '../../store/store.ts';
import { KeptSeries } from './kept-series.ts';
import type { VitalCell } from './vital-cell.ts';
import { vitalKind, type VitalScope } from './vital-rows.ts';

export interface VitalSeriesOptions {
  store: Pick<Store, 'db' | 'bookkeep'>;
  nodeId: string;
  now: () => Date;
}

/** How nodes were, in steps of time. It tells as well which nodes have put what they counted into the store, and until when. */
export class VitalSeries {
  readonly #options: VitalSeriesOptions;
  readonly #kept: KeptSeries<'node', VitalCell, VitalScope>;

  constructor(options: VitalSeriesOptions) {
    this.#options = options;
    this.#kept = new KeptSeries(vitalKind(options.store, options.nodeId), options);
  }

  /** Takes what a look has found, and writes what is whole; rejects where that fails, and tries again next time. */
  async add(found: VitalCell): Promise<void> {
    this.#kept.add('node', found, this.#options.now());
    await this.#kept.writeDue();
  }

  /** Writes what there is. */
  async write(): Promise<void> {
    await this.#kept.write();
  }

  /** Steps from `from` on, by when they began. */
  async read(scope: VitalScope, step: number, from: number): Promise<Map<number, VitalCell>> {
    return this.#kept.read(scope, step, from);
  }

  /** When the last step began that each node has told of, by its id; of those that told of the last hour. */
  async lastOf(): Promise<ReadonlyMap<string, number>> {
    return this.#kept.lastOf();
  }
}
