import type { Command } from 'commander';
import { wallClock } from '../../clock.ts';
import { loadConfig } from '../../config/load.ts';
import { counted } from '../../counted.ts';
import { record } from '../../evidence/trail.ts';
import { setLease } from '../../fleet/leases.ts';
import { withholdAccess } from '../../identity/reopened-store.ts';
import { withholdKeys } from '../../keys/key-sets/reopened-store.ts';
import { deletionHold } from '../../store/backup/deletion-hold.ts';
import { takeMarkOff } from '../../store/moving/mark.ts';
import type { ChangeTransaction } from '../../store/store.ts';
import { readMovedMark } from '../../store/moved-mark.ts';
import { lockDatabase } from '../../store/opening/lock.ts';
import { openMovedStore, placeInWords, type OpenStore } from '../../store/opening/open.ts';
import { confirm } from '../client/prompt.ts';
import { isForPrograms, outputOf } from '../output/output-options.ts';
import { printData } from '../output/output.ts';
import { print } from '../output/streams.ts';
import { goOnAsOwner } from './as-owner.ts';
import { globalOptions } from './global-options.ts';
import { localAct } from './local-context.ts';
import { takeNodeLocks } from './node-locks.ts';

/** What a reopened store may no longer do that it might when it was moved. */
interface Reopened {
  movedTo: string;
  /** ISO 8601; null of a move that never ended: then nothing is withheld. */
  movedAt: string | null;
  keySetsFrozen: number;
  deletionsCancelled: number;
  apiKeysRevoked: number;
  sessionsEnded: number;
}

const nothing = { keySetsFrozen: 0, deletionsCancelled: 0, apiKeysRevoked: 0, sessionsEnded: 0 };

/** `holdfast store reopen`. */
export async function runStoreReopen({ yes }: { yes?: boolean }, command: Command): Promise<void> {
  const options = outputOf(command);
  const config = loadConfig(globalOptions(command).config);
  goOnAsOwner(config);
  const place = placeInWords(config.store);
  const release = takeNodeLocks(config, 'store reopen');
  try {
    const releaseDatabase = await lockDatabase(config.store, 'store reopen');
    const store = await openMovedStore(config.store);
    try {
      const reopened = await reopenStore(store, place, yes);
      if (isForPrograms(options)) printData({ store: place, reopened: reopened ?? null }, options);
      else print(inWords(place, reopened));
    } finally {
      await store.close();
      await releaseDatabase();
    }
  } finally {
    release();
  }
}

async function reopenStore(
  store: OpenStore,
  place: string,
  yes: boolean | undefined,
): Promise<Reopened | undefined> {
  const mark = await readMovedMark(store.db);
  if (mark === undefined) return undefined;
  const act = localAct('store reopen');
  if (mark.ended_at !== null) {
    await confirm(
      `The store at ${mark.moved_to} has everything since ${mark.ended_at}, and this one has not. Is it lost, and does no node serve from it any more?`,
      yes,
    );
    // First: what comes of a failure below is that nothing is deleted for a day.
    const until = new Date(wallClock().getTime() + deletionHold.milliseconds).toISOString();
    await setLease({ store }, { name: deletionHold.lease, holder: act.actor.name, until });
  }
  return store.change(act, async (trx) => {
    const reopened = await reopen(trx);
    if (reopened !== undefined)
      await record(trx, act, {
        action: 'store.reopen',
        vaultId: '',
        target: { kind: 'store', id: '', name: place },
        after: { ...reopened },
      });
    return reopened;
  });
}

/**
 * Takes the mark off. Where the move had ended, nodes may have worked with the other store since, and nobody knows what was taken away
 * in it: nothing is served, and nobody gets in, until somebody has looked. Answers undefined where there is no mark.
 */
export async function reopen(trx: ChangeTransaction): Promise<Reopened | undefined> {
  const mark = await takeMarkOff(trx);
  if (mark === undefined) return undefined;
  const { moved_to: movedTo, ended_at: movedAt } = mark;
  if (movedAt === null) return { movedTo, movedAt, ...nothing };
  const keys = await withholdKeys(trx, new Date(movedAt));
  return { movedTo, movedAt, ...keys, ...(await withholdAccess(trx)) };
}

function inWords(place: string, reopened: Reopened | undefined): string {
  if (reopened === undefined) return `The store at ${place} was not moved: nothing was done.`;
  if (reopened.movedAt === null)
    return `The move of the store at ${place} to ${reopened.movedTo} is given up: nodes may serve from it again.
What the move has left at ${reopened.movedTo} is not to be used.`;
  const taken = [
    `${counted(reopened.keySetsFrozen, 'key set')} frozen`,
    `${counted(reopened.apiKeysRevoked, 'API key')} revoked`,
    `${counted(reopened.sessionsEnded, 'session')} ended`,
    `${counted(reopened.deletionsCancelled, 'scheduled deletion')} cancelled`,
  ];
  return `Nodes may serve from the store at ${place} again, as it was when it was moved at ${reopened.movedAt}.
What was taken away since is not known here: ${taken.join(', ')}.
Disable again what was disabled since, then thaw: holdfast key-set thaw. Nothing is deleted for a day.`;
}
