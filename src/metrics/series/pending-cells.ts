import type { Addition, SeriesKind } from './series-kind.ts';

type Parts<Of, Cell> = Pick<SeriesKind<Of, Cell, never>, 'nameOf' | 'empty' | 'add'>;

/** Cells of one kind of step that the store does not have yet. */
export class PendingCells<Of, Cell> {
  readonly #kind: Parts<Of, Cell>;
  readonly #max: number;
  /** By beginning, then by name. */
  #steps = new Map<number, Map<string, Addition<Of, Cell>>>();

  /** Beyond `max` cells the oldest go: a store that takes nothing for long loses them. */
  constructor(kind: Parts<Of, Cell>, max: number) {
    this.#kind = kind;
    this.#max = max;
  }

  get isEmpty(): boolean {
    return this.#steps.size === 0;
  }

  get all(): Addition<Of, Cell>[] {
    return this.#steps
      .values()
      .flatMap((step) => step.values())
      .toArray();
  }

  /** Whether there is a cell of it in this step, or room for one more. */
  hasRoom(of: Of, at: number, most: number): boolean {
    const step = this.#steps.get(at);
    return step === undefined || step.size < most || step.has(this.#kind.nameOf(of));
  }

  add({ of, at, cell }: Addition<Of, Cell>): void {
    const { nameOf, empty, add } = this.#kind;
    const step = this.#steps.get(at) ?? new Map<string, Addition<Of, Cell>>();
    this.#steps.set(at, step);
    const name = nameOf(of);
    const sum = step.get(name) ?? { of, at, cell: empty() };
    step.set(name, sum);
    add(sum.cell, cell);
  }

  /** All of it, which is gone from here. */
  take(): Addition<Of, Cell>[] {
    const taken = this.all;
    this.#steps = new Map();
    return taken;
  }

  /** What could not be written, with what came meanwhile. */
  giveBack(taken: readonly Addition<Of, Cell>[]): void {
    for (const addition of taken) this.add(addition);
    let size = [...this.#steps.values()].reduce((sum, step) => sum + step.size, 0);
    for (const at of [...this.#steps.keys()].toSorted((a, b) => a - b)) {
      if (size <= this.#max) return;
      size -= this.#steps.get(at)?.size ?? 0;
      this.#steps.delete(at);
    }
  }
}
