import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { recordAlone } from '../../evidence/trail.ts';
import { loadConfig } from '../../config/load.ts';
import { moveStore } from '../../store/moving/move-store.ts';
import { lockDatabase } from '../../store/opening/lock.ts';
import { openStore, placeInWords, type StorePlace } from '../../store/opening/open.ts';
import { goOnAsOwner } from './as-owner.ts';
import { globalOptions } from './global-options.ts';
import { localAct } from './local-context.ts';
import { takeFileLock, takeNodeLocks } from './node-locks.ts';
import { isForPrograms, outputOf } from '../output/output-options.ts';
import { printData } from '../output/output.ts';
import { print } from '../output/streams.ts';

/** `holdfast store move`. */
export async function runStoreMove({ to: file }: { to: string }, command: Command): Promise<void> {
  const options = outputOf(command);
  const config = loadConfig(globalOptions(command).config);
  const { store: to } = loadConfig(file);
  const { store: from } = config;
  goOnAsOwner(config);
  if (to.kind === 'sqlite') mkdirSync(path.dirname(to.path), { recursive: true, mode: 0o700 });
  const release = takeNodeLocks(config, 'store move');
  const releases: (() => void | Promise<void>)[] = [release];
  try {
    // The file of the node itself is locked with its state directory.
    if (from.kind === 'postgres') releases.push(await lockPlace(from, config.file));
    if (placeInWords(to) !== placeInWords(from)) releases.push(await lockPlace(to, file));
    const rows = await moveStore(from, to);
    await tellTrail(from, to, rows);
    const moved = { from: placeInWords(from), to: placeInWords(to), rows };
    if (isForPrograms(options)) printData(moved, options);
    else print(inWords(moved, file));
  } finally {
    for (const one of releases.toReversed()) await one();
  }
}

async function lockPlace(place: StorePlace, config: string): Promise<() => void | Promise<void>> {
  return place.kind === 'postgres' ? lockDatabase(place, 'store move') : takeFileLock(place.path, config);
}

/** In the store that is used from now on. */
async function tellTrail(from: StorePlace, to: StorePlace, rows: Record<string, number>): Promise<void> {
  const store = await openStore(to);
  try {
    await recordAlone(store, localAct('store move'), {
      action: 'store.move',
      vaultId: '',
      target: { kind: 'store', id: '', name: placeInWords(to) },
      after: { from: placeInWords(from), rows: total(rows) },
    });
  } finally {
    await store.close();
  }
}

function total(rows: Record<string, number>): number {
  return Object.values(rows).reduce((sum, count) => sum + count, 0);
}

function inWords(
  { from, to, rows }: { from: string; to: string; rows: Record<string, number> },
  file: string,
): string {
  return `${total(rows)} rows moved and compared, from ${from} to ${to}.
Put the [store] table of ${file} into the node’s configuration before it is started again. The store at ${from} is marked
as moved, and no node starts on it any more: it does not know what is disabled from now on.`;
}
