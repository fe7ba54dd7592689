import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { copyOfCode } from '../testing/code-copy.ts';
import { bugNames, bugs, foundIn, type Bug } from './bugs.ts';
import { History } from './recorder.ts';
import { playRevealing, revealingFaults, type RevealingFault } from './revealing.ts';

/*
 * `CHAOS_PLANT=all make chaos`: plants the six bugs of bugs.ts in our own code, one after another, and demands that the checker finds each;
 * and that it finds nothing where the same is played by code that is as it is. CHAOS_PLANT=1 to 6, or clean, are some of it, with commas.
 */

const print = (line: string) => console.log(line);

/** What is played, and of what code. */
interface Round {
  bug: Bug | undefined;
  fault: RevealingFault;
}

const clean = Object.keys(revealingFaults).map((fault): Round => ({
  bug: undefined,
  fault: fault as RevealingFault,
}));
const planted = bugNames.map((bug): Round => ({ bug, fault: bugs[bug].fault }));

function chosen(words: string): Round[] {
  return words.split(',').flatMap((word) => {
    if (word === 'all') return clean.concat(planted);
    if (word === 'clean') return clean;
    const round = planted[Number(word) - 1];
    if (round === undefined)
      throw new Error(`CHAOS_PLANT is all, clean, or 1 to ${planted.length}, not "${word}"`);
    return [round];
  });
}

/** Whether the checker has found what it has to, and nothing where there is nothing. */
async function play({ bug, fault }: Round, place: number): Promise<boolean> {
  const began = performance.now();
  const mistake = bug === undefined ? undefined : bugs[bug];
  const directory = path.resolve(import.meta.dirname, `../build/chaos/planted-${place}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  print(`\n${bug === undefined ? 'the code as it is' : `planted: ${bug}`}`);
  print(`  fault     ${fault}`);
  const history = new History(path.join(directory, 'history.jsonl'));
  const code = await copyOfCode(mistake?.edits ?? []);
  try {
    await playRevealing(fault, { seed: 11, code, logs: directory }, history);
  } finally {
    history.close();
    await rm(code, { recursive: true, force: true });
  }
  const found = foundIn(history.entries);
  const told = [...found].map(([rule, times]) => `${times} × ${rule}`).join(', ');
  const requests = history.entries.filter((entry) => entry.type === 'request').length;
  print(`  requests  ${requests}, in ${Math.round((performance.now() - began) / 1000)} s`);
  print(`  found     ${told === '' ? 'nothing' : told}`);
  const isRight = mistake === undefined ? found.size === 0 : mistake.finds.some((rule) => found.has(rule));
  if (!isRight)
    print(
      `  WRONG     ${mistake === undefined ? 'nothing is wrong with this code' : `the checker must find: ${mistake.finds.join(', or ')}`}; ` +
        `see ${path.relative(process.cwd(), directory)}`,
    );
  return isRight;
}

const rounds = chosen(process.env['CHAOS_PLANT'] ?? 'all');
let wrong = 0;
for (const [place, round] of rounds.entries())
  try {
    if (!(await play(round, place))) wrong++;
  } catch (error) {
    console.error(error);
    print('  WRONG     it could not be played to its end');
    wrong++;
  }
print(
  wrong === 0
    ? `\nchaos: all ${rounds.length} are as they must be`
    : `\nchaos: ${wrong} of ${rounds.length} are not as they must be`,
);
process.exit(wrong === 0 ? 0 : 1);
