import { monotonicNow } from './clock.ts';

/*
 * What one turn of the event loop takes is what whoever comes next waits for, pings of the supervisor and answers of token hosts
 * included. Much may come at once: connections that all ask in one turn, right after a start, when our code is compiled as it is first used; or
 * one step after another that asks SQLite, which answers within the turn. So what may be many begins in a later turn where this one has
 * taken long enough.
 */

/** So much is begun in one turn, milliseconds: with the last piece it stays well below the 20 that nothing may take. */
const enough = 5;
/** Nothing is put off for more turns, however busy the process is. */
const mostTurns = 4;

/** When something of this turn was begun first. */
let began: number | undefined;
/** The number of this turn, of those in which something was begun. */
let turn = 0;

/** What was put off, in the order in which it came, and in which turn. */
const waiting: { piece: () => void; since: number }[] = [];

function isTurnLong(): boolean {
  const now = monotonicNow();
  if (began === undefined) {
    began = now;
    setImmediate(() => {
      began = undefined;
      turn++;
    });
  }
  return now - began >= enough;
}

/** Runs it at once, or, where this turn has taken long enough or others wait, in a later one. */
export function inShortTurn(piece: () => void): void {
  if (!isTurnLong() && waiting.length === 0) return piece();
  waiting.push({ piece, since: turn });
  // One for each, so that what a piece leaves to be done in microtasks is done before the next.
  setImmediate(takeNext);
}

/** Resolves at once, or, where this turn has taken long enough or others wait, in a later one. */
export async function shortTurn(): Promise<void> {
  return new Promise((resolve) => inShortTurn(resolve));
}

function takeNext(): void {
  const [first] = waiting;
  if (first === undefined) return;
  if (isTurnLong() && turn - first.since < mostTurns) return void setImmediate(takeNext);
  waiting.shift();
  first.piece();
}
