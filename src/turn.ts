import { monotonicNow } from './clock.ts';

/*
 * What one turn of the event loop takes is what whoever comes next waits for, pings of the supervisor and answers of token hosts
 * included. Much may come at once: connections that all ask in one turn, right after a start, when our code is compiled as it is first used; or
 * one step after another that asks SQLite, which answers within the turn. So what may be many begins in a later turn where this one has
 * taken long enough.
 *
 * What was put off comes after the immediate that ends the count of its turn, and so has the whole time of a turn for itself: some of it is
 * begun in each, however busy the process is. However long it has waited, no more is: all that came at once would be one long turn.
 */

/** So much is begun in one turn, milliseconds: with the last piece it stays well below the 20 that nothing may take. */
const enough = 5;

/** When something of this turn was begun first. */
let began: number | undefined;

/** Is told when it was handed over and when it was begun, by {@link monotonicNow}: in between it waited for others. */
type Piece = (came: number, begun: number) => void;

/** What was put off, in the order in which it came. */
const waiting: { readonly piece: Piece; readonly came: number }[] = [];

function isTurnLong(now: number): boolean {
  if (began === undefined) {
    began = now;
    setImmediate(() => {
      began = undefined;
    });
  }
  return now - began >= enough;
}

/** Runs it at once, or, where this turn has taken long enough or others wait, in a later one. */
export function inShortTurn(piece: Piece): void {
  const now = monotonicNow();
  if (!isTurnLong(now) && waiting.length === 0) return piece(now, now);
  waiting.push({ piece, came: now });
  // One for each, so that what a piece leaves to be done in microtasks is done before the next.
  setImmediate(takeNext);
}

/** Resolves at once, or, where this turn has taken long enough or others wait, in a later one; with when that began. */
export async function shortTurn(): Promise<number> {
  return new Promise((resolve) => inShortTurn((_, begun) => resolve(begun)));
}

function takeNext(): void {
  if (waiting.length === 0) return;
  const now = monotonicNow();
  if (isTurnLong(now)) return void setImmediate(takeNext);
  const next = waiting.shift();
  next?.piece(next.came, now);
}
