import { DetailMirror } from './detail-mirror.ts';
import { PendingCells } from './pending-cells.ts';
import type { SeriesKind } from './series-kind.ts';
import { beginOf, detail, detailStep, longSteps } from './steps.ts';

const [shortest] = longSteps;

/** So many cells wait for the store at the most, of each kind of step: an hour of a busy node in detail. */
const maxPending = 50_000;

/**
 * Cells by steps of time: of the last hour in detail, of a day by five minutes and of 31 days by the hour. All of it is in the
 * store, where every node of a fleet puts its own; what is not written yet is in memory, and is told with it.
 */
export class KeptSeries<Of, Cell, Scope> {
  readonly #kind: SeriesKind<Of, Cell, Scope>;
  readonly #nodeId: string;
  readonly #now: () => Date;
  readonly #mirror: DetailMirror<Of, Cell, Scope>;
  readonly #detail: PendingCells<Of, Cell>;
  readonly #long: PendingCells<Of, Cell>;
  /** When the steps began in which it was written last. */
  #detailWritten: number;
  #longWritten: number;
  #writing: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(kind: SeriesKind<Of, Cell, Scope>, { nodeId, now }: { nodeId: string; now: () => Date }) {
    this.#kind = kind;
    this.#nodeId = nodeId;
    this.#now = now;
    this.#mirror = new DetailMirror(kind);
    this.#detail = new PendingCells(kind, maxPending);
    this.#long = new PendingCells(kind, maxPending);
    const at = now().getTime();
    this.#detailWritten = beginOf(at, detailStep);
    this.#longWritten = beginOf(at, shortest.step);
  }

  /** Takes what came by this moment, whatever becomes of the store. */
  add(of: Of, cell: Cell, by: Date): void {
    const { maxInDetail, others } = this.#kind;
    const at = beginOf(by.getTime(), detailStep);
    this.#detail.add({ of: this.#detail.hasRoom(of, at, maxInDetail) ? of : others, at, cell });
    this.#long.add({ of, at: beginOf(by.getTime(), shortest.step), cell });
  }

  /** Writes where a step is over since the last time. Rejects where the store takes nothing: it is tried again with the next call. */
  async writeDue(): Promise<void> {
    const now = this.#now().getTime();
    // A clock that was set back has begun another step as well.
    const long = beginOf(now, shortest.step) !== this.#longWritten;
    if (long || beginOf(now, detailStep) !== this.#detailWritten) await this.#write(long);
  }

  /** Writes what there is. */
  async write(): Promise<void> {
    // What is being written is what there was before.
    await this.#writing?.catch(() => undefined);
    await this.#write(true);
  }

  /** Cells of the steps from `from` on, by when they began, of all nodes. */
  async read(scope: Scope, step: number, from: number): Promise<Map<number, Cell>> {
    const { isIn, empty, add } = this.#kind;
    const found = new Map<number, Cell>();
    const put = (at: number, cell: Cell): void => {
      const sum = found.get(at) ?? empty();
      found.set(at, sum);
      add(sum, cell);
    };
    await this.#inTurn(async () => {
      if (step === detailStep) {
        await this.#mirror.follow(this.#now().getTime());
        for (const { nodeId, of, cells } of this.#mirror.rows)
          if (isIn(scope, nodeId, of)) for (const [at, cell] of cells) if (at >= from) put(at, cell);
      } else for (const { at, cell } of await this.#kind.read({ scope, step, from })) put(at, cell);
      const pending = step === detailStep ? this.#detail : this.#long;
      for (const { of, at, cell } of pending.all)
        if (at >= from && isIn(scope, this.#nodeId, of)) put(beginOf(at, step), cell);
    });
    return found;
  }

  /** When the last step began of which each node has something in the store; those of the last hour. */
  async lastOf(): Promise<Map<string, number>> {
    return this.#inTurn(async () => {
      await this.#mirror.follow(this.#now().getTime());
      const found = new Map<string, number>();
      for (const { nodeId, cells } of this.#mirror.rows)
        found.set(nodeId, Math.max(found.get(nodeId) ?? -Infinity, ...cells.keys()));
      return found;
    });
  }

  /** Who asks while it is being written waits for that, and writes nothing more: the store may hang. */
  async #write(long: boolean): Promise<void> {
    this.#writing ??= this.#inTurn(async () => this.#writeNow(long)).finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #writeNow(long: boolean): Promise<void> {
    const now = this.#now();
    const [inDetail, inLong] = [this.#detail.take(), long ? this.#long.take() : []];
    try {
      if (inDetail.length + inLong.length > 0)
        await this.#kind.write(
          [
            { ...detail, additions: inDetail },
            ...(long ? longSteps : []).map(({ step, keptFor }) => ({ step, keptFor, additions: inLong })),
          ],
          now,
        );
    } catch (error) {
      this.#detail.giveBack(inDetail);
      this.#long.giveBack(inLong);
      throw error;
    }
    this.#detailWritten = beginOf(now.getTime(), detailStep);
    if (long) this.#longWritten = beginOf(now.getTime(), shortest.step);
  }

  /** One after another: what is on its way to the store is neither missed nor counted twice. */
  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}
