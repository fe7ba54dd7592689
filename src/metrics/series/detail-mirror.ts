import type { Kept, SeriesKind } from './series-kind.ts';
import { beginOf, detail, detailStep } from './steps.ts';

/** All of it is read anew so often, for what a node could write only late, and forgotten where it is too old; milliseconds. */
const wholeEvery = 300_000;
/** Else what was written in the last so many milliseconds: nodes write every 15 seconds. */
const freshFor = 120_000;
/** What is read in one go, milliseconds: reading an hour of a large fleet holds up nothing else. */
const pieceLength = 300_000;

interface Row<Of, Cell> extends Pick<Kept<Of, Cell>, 'nodeId' | 'of'> {
  /** By beginning. */
  cells: Map<number, Cell>;
}

/** The hour in detail as the store has it, of all nodes, in memory: who looks at charts has only what is new read. */
export class DetailMirror<Of, Cell, Scope> {
  readonly #kind: Pick<SeriesKind<Of, Cell, Scope>, 'read' | 'nameOf' | 'everything'>;
  #rows = new Map<string, Row<Of, Cell>>();
  #wholeAt = -Infinity;
  #readAt = -Infinity;

  constructor(kind: Pick<SeriesKind<Of, Cell, Scope>, 'read' | 'nameOf' | 'everything'>) {
    this.#kind = kind;
  }

  get rows(): Iterable<Row<Of, Cell>> {
    return this.#rows.values();
  }

  /** Reads what has come. A clock that was set counts as time that has gone by. */
  async follow(now: number): Promise<void> {
    const isWhole =
      Math.abs(now - this.#wholeAt) >= wholeEvery || Math.abs(now - this.#readAt) >= freshFor / 2;
    const into = isWhole ? new Map<string, Row<Of, Cell>>() : this.#rows;
    const begin = beginOf(now - (isWhole ? detail.keptFor : freshFor), detailStep);
    for (let from = begin; from <= now; from += pieceLength) {
      const until = from + pieceLength;
      // Another node's clock may be ahead.
      const asked = {
        scope: this.#kind.everything,
        step: detailStep,
        from,
        ...(until > now ? {} : { until }),
      };
      for (const row of await this.#kind.read(asked)) this.#put(into, row);
    }
    this.#rows = into;
    this.#readAt = now;
    if (isWhole) this.#wholeAt = now;
  }

  #put(into: Map<string, Row<Of, Cell>>, { nodeId, of, at, cell }: Kept<Of, Cell>): void {
    const name = `${nodeId} ${this.#kind.nameOf(of)}`;
    const row = into.get(name) ?? { nodeId, of, cells: new Map<number, Cell>() };
    into.set(name, row);
    row.cells.set(at, cell);
  }
}
