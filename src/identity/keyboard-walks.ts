/*
 * What fingers type without a thought: along a row, down a column, zigzag between two rows. The letters of QWERTY, QWERTZ
 * and AZERTY lie in the same places but for a few, so that each layout finds its own walks.
 */
const layouts = [
  ['1234567890-=', 'qwertyuiop[]', "asdfghjkl;'\\", 'zxcvbnm,./'],
  ['1234567890ß´', 'qwertzuiopü+', 'asdfghjklöä#', 'yxcvbnm,.-'],
  ['1234567890)=', 'azertyuiop^$', 'qsdfghjklmù*', 'wxcvbn,;:!'],
].map(placesOf);

/** Signs over the digits (US layout): with shift held down the walk is the same. */
const shifted = Object.fromEntries(
  Array.from('!@#$%^&*()', (sign, index) => [sign, '1234567890'.charAt(index)]),
);

/** Keys in one direction that are a walk; words have three at the most ("power", "property"). */
const straightWalk = 4;
/** Keys next to each other in any direction that are a walk; few words have five. */
const crookedWalk = 6;

/** The text without its walks on a keyboard; lower case. */
export function withoutWalks(text: string): string {
  return layouts.reduce(walkless, text);
}

function walkless(text: string, layout: ReadonlyMap<string, Place>): string {
  const characters = Array.from(text);
  const places = characters.map((character) => layout.get(shifted[character] ?? character));
  let rest = '';
  for (let start = 0; start < characters.length;) {
    const straight = lengthOf(places, start, (step, first) => step === first && step !== 'here');
    const crooked = lengthOf(places, start, () => true);
    const length = Math.max(straight >= straightWalk ? straight : 0, crooked >= crookedWalk ? crooked : 0);
    if (length === 0) rest += characters[start] ?? '';
    start += Math.max(length, 1);
  }
  return rest;
}

/** Keys from `start` on that lie next to each other, as long as the steps between them are `like` the first. */
function lengthOf(
  places: readonly (Place | undefined)[],
  start: number,
  like: (step: string, first: string) => boolean,
): number {
  let end = start + 1;
  const first = stepOf(places[start], places[end]);
  if (first === undefined) return 1;
  for (let step = first; like(step, first);) {
    end += 1;
    const next = stepOf(places[end - 1], places[end]);
    if (next === undefined) break;
    step = next;
  }
  return end - start;
}

interface Place {
  row: number;
  column: number;
}

/** The direction from one key to the next; undefined where they are not neighbours. Each row begins half a key further right. */
function stepOf(from: Place | undefined, to: Place | undefined): string | undefined {
  if (from === undefined || to === undefined) return undefined;
  const down = to.row - from.row;
  const right = to.column - from.column;
  if (down === 0 && Math.abs(right) <= 1) return right === 0 ? 'here' : `row ${right}`;
  // Down and straight or to the left, up and straight or to the right.
  if (Math.abs(down) === 1 && (right === 0 || right === -down)) return `column ${down} ${right}`;
  return undefined;
}

function placesOf(rows: readonly string[]): ReadonlyMap<string, Place> {
  return new Map(
    rows.flatMap((keys, row) => Array.from(keys, (key, column): [string, Place] => [key, { row, column }])),
  );
}
