import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Nemesis } from './blow.ts';
import { Database } from './database.ts';
import { Fleet, type FleetDatabase } from './fleet.ts';
import { lossOfAcknowledged, nemeses, onNodesAlone, type NemesisName } from './nemeses.ts';
import { PatroniDatabase } from './patroni.ts';
import { patroniNemeses } from './patroni-nemeses.ts';
import { History } from './recorder.ts';
import { run, type Settings } from './run.ts';
import { verdictOf } from './verdict.ts';

/*
 * `make chaos`: three nodes over PostgreSQL with a synchronous standby, behind HAProxy, all real, under load, while faults are made
 * one after another; then a checker judges what was answered. CHAOS_SEED repeats the faults of a run, CHAOS_SECONDS (300) is
 * how long they are made, CHAOS_ONLY names some of them, each by its name or else by a part of names, with commas. CHAOS_DISABLES ends it after so many
 * disables, of keys that rest no longer than a fifth of a second, while nodes are stopped, cut and killed; CHAOS_KILLS after so
 * many processes were killed, one after another, each at a moment of its own. With CHAOS_PATRONI=1 the database is run by Patroni.
 */

function numberOf(name: string, usual: number): number {
  const given = process.env[name];
  if (given === undefined || given === '') return usual;
  const value = Number(given);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name} is a whole number, not "${given}"`);
  return value;
}

const seed = numberOf('CHAOS_SEED', Date.now() % 2 ** 31);
const [disables, kills] = [numberOf('CHAOS_DISABLES', 0), numberOf('CHAOS_KILLS', 0)];
const seconds = numberOf('CHAOS_SECONDS', kills > 0 ? 1_800 : 300);
const connections = Math.min(64, numberOf('CHAOS_CONNECTIONS', disables > 0 ? 64 : 32));
const only = (process.env['CHAOS_ONLY'] ?? '').split(',').filter((part) => part !== '');

type Ends = Pick<Settings<FleetDatabase>, 'disables' | 'faults'>;

/** Faults that may be made, and when it ends before its time is over. */
function formOf(): { possible: readonly NemesisName[]; ends: Ends } {
  if (kills > 0) return { possible: ['any process is killed'], ends: { faults: kills } };
  if (disables > 0) return { possible: onNodesAlone, ends: { disables } };
  const all = Object.keys(nemeses) as NemesisName[];
  // What is acknowledged is lost by this one: only where it is named.
  return { possible: only.length > 0 ? all : all.filter((name) => name !== lossOfAcknowledged), ends: {} };
}

/** A whole name is that fault alone, though it is a part of another's. */
function isMeant(name: string, given: string, all: readonly string[]): boolean {
  return all.includes(given) ? name === given : name.includes(given);
}

function chosenOf<T>(table: Readonly<Record<string, T>>, possible: readonly string[]): Record<string, T> {
  return Object.fromEntries(
    Object.entries(table).filter(
      ([name]) =>
        possible.includes(name) &&
        (only.length === 0 || only.some((given) => isMeant(name, given, Object.keys(table)))),
    ),
  );
}

/** Until the end. */
async function play(): Promise<void> {
  const every = disables > 0 ? 500 : 150;
  const settings = { seed, seconds, connections, every, longest: 20_000, directory, print };
  const options = { nodes: 3, lease: 15 };
  if (process.env['CHAOS_PATRONI'] === '1') {
    if (kills > 0 || disables > 0)
      throw new Error('CHAOS_PATRONI goes without CHAOS_KILLS and CHAOS_DISABLES');
    const fleet = await Fleet.start(await PatroniDatabase.start(directory), options);
    const chosen = chosenOf<Nemesis<PatroniDatabase>>(patroniNemeses, Object.keys(patroniNemeses));
    return run(fleet, { ...settings, nemeses: chosen }, history);
  }
  const { possible, ends } = formOf();
  const fleet = await Fleet.start(await Database.start(), options);
  await run(
    fleet,
    { ...settings, ...ends, nemeses: chosenOf<Nemesis<Database>>(nemeses, possible) },
    history,
  );
}

const directory = path.resolve(import.meta.dirname, `../build/chaos/${seed}`);
mkdirSync(directory, { recursive: true, mode: 0o700 });
const file = path.join(directory, 'history.jsonl');
const history = new History(file);
const print = (line: string) => console.log(`chaos: ${line}`);

print(`seed ${seed}, ${seconds} s; the history is in ${path.relative(process.cwd(), file)}`);
try {
  await play();
  const { violations, lines } = verdictOf(history.entries);
  for (const line of lines) print(line);
  for (const violation of violations.slice(0, 10)) print(JSON.stringify(violation));
  if (violations.length > 0) {
    process.exitCode = 1;
    const given = ['CHAOS_KILLS', 'CHAOS_DISABLES', 'CHAOS_PATRONI', 'CHAOS_ONLY', 'CHAOS_CONNECTIONS']
      .filter((name) => (process.env[name] ?? '') !== '')
      .map((name) => `${name}='${process.env[name]}' `);
    print(`the same faults again: CHAOS_SEED=${seed} CHAOS_SECONDS=${seconds} ${given.join('')}make chaos`);
  }
} catch (error) {
  console.error(error);
  print(`it could not be played to its end; CHAOS_SEED=${seed}`);
  process.exitCode = 2;
} finally {
  history.close();
}
process.exit();
