import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { nemeses, type NemesisName } from './nemeses.ts';
import { History } from './recorder.ts';
import { run } from './run.ts';
import { verdictOf } from './verdict.ts';

/*
 * `make chaos`: three nodes over PostgreSQL with a synchronous standby, behind HAProxy, all real, under load, while faults are made
 * one after another; then a checker judges what was answered. CHAOS_SEED repeats the faults of a run, CHAOS_SECONDS (300) is
 * how long they are made, CHAOS_ONLY names some of them, by a part of their names, with commas.
 */

function numberOf(name: string, usual: number): number {
  const given = process.env[name];
  if (given === undefined || given === '') return usual;
  const value = Number(given);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name} is a whole number, not "${given}"`);
  return value;
}

const seed = numberOf('CHAOS_SEED', Date.now() % 2 ** 31);
const seconds = numberOf('CHAOS_SECONDS', 300);
const connections = Math.min(64, numberOf('CHAOS_CONNECTIONS', 32));
const only = (process.env['CHAOS_ONLY'] ?? '').split(',').filter((part) => part !== '');
const chosen = (Object.keys(nemeses) as NemesisName[]).filter(
  (name) => only.length === 0 || only.some((part) => name.includes(part)),
);

const directory = path.resolve(import.meta.dirname, `../build/chaos/${seed}`);
mkdirSync(directory, { recursive: true, mode: 0o700 });
const file = path.join(directory, 'history.jsonl');
const history = new History(file);
const print = (line: string) => console.log(`chaos: ${line}`);

print(`seed ${seed}, ${seconds} s; the history is in ${path.relative(process.cwd(), file)}`);
try {
  const nodes = await run(
    { seed, seconds, connections, nodes: 3, every: 150, longest: 20_000, nemeses: chosen, print },
    history,
  );
  const { violations, lines } = verdictOf(history.entries);
  for (const line of lines) print(line);
  for (const violation of violations.slice(0, 10)) print(JSON.stringify(violation));
  if (violations.length > 0) {
    process.exitCode = 1;
    for (const [index, node] of nodes.entries())
      writeFileSync(path.join(directory, `node-${index + 1}.log`), node.output, { mode: 0o600 });
    print(`the same faults again: CHAOS_SEED=${seed} CHAOS_SECONDS=${seconds} make chaos`);
  }
} catch (error) {
  console.error(error);
  print(`it could not be played to its end; CHAOS_SEED=${seed}`);
  process.exitCode = 2;
} finally {
  history.close();
}
process.exit();
