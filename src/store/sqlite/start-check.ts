import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { Logger } from '../../log.ts';
import { checkStore } from './integrity.ts';
import { StoreError } from '../store-error.ts';
import { restoreDamaged, toStoreError } from '../store-faults.ts';

/** Up to so many bytes the start waits for the look: some 0.3 s, or 2 s where the disk is slow and nothing is cached. */
export const looksFirst = 256 * 1024 * 1024;
/** How long a look beside the serving may take, milliseconds. */
const timeout = 30 * 60 * 1000;

/**
 * Looks at the store's file for damage (PRAGMA quick_check) as the node starts. Throws StoreError `damaged`; of a large
 * one it is logged, as soon as it is known: serving does not wait for it.
 */
export function checkAtStart(path: string, log: Logger, inLine = looksFirst): void {
  if (statSync(path).size > inLine) {
    void checkBeside(path, log);
    return;
  }
  const damages = damagesOf(path);
  if (damages.length > 0)
    throw new StoreError('damaged', `the store at ${path} is damaged: ${damages[0]}`, restoreDamaged);
}

function damagesOf(path: string): string[] {
  try {
    const database = new Database(path, { readonly: true, fileMustExist: true, timeout: 2000 });
    try {
      const rows = database.pragma('quick_check(10)') as { quick_check: string }[];
      return rows.map(({ quick_check: line }) => line).filter((line) => line !== 'ok');
    } finally {
      database.close();
    }
  } catch (error) {
    throw toStoreError(error);
  }
}

async function checkBeside(path: string, log: Logger): Promise<void> {
  try {
    const { damages } = await checkStore(path, timeout);
    if (damages.length > 0) log.error({ damages }, `the store is damaged: ${restoreDamaged}`);
    else log.info('SQLite finds no damage in the store');
  } catch (error) {
    log.warn({ problem: (error as Error).message }, 'the store could not be looked at for damage');
  }
}
