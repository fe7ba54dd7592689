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
import { readMovedMark, type MovedMark } from '../../store/moved-mark.ts';
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
  /** ISO 8601; of a move that never ended, when it was begun: everything may have been there, and nodes worked with it, ever since. */
  movedAt: string;
  /** Whether the move had ended. */
  hasEnded: boolean;
  keySetsFrozen: number;
  deletionsCancelled: number;
  apiKeysRevoked: number;
  sessionsEnded: number;
}

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
  await confirm(question(mark), yes);
  // First: what comes of a failure below is that nothing is deleted for a day.
  const until = new Date(wallClock().getTime() + deletionHold.milliseconds).toISOString();
  await setLease({ store }, { name: deletionHold.lease, holder: act.actor.name, until });
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

function question({ moved_to: to, begun_at: begun, ended_at: ended }: MovedMark): string {
  if (ended === null)
    return `The move to ${to} was begun at ${begun} and has not ended: the store may be there all the same, with everything. Is it not, or is it lost, and does no node serve from it any more?`;
  return `The store at ${to} has everything since ${ended}, and this one has not. Is it lost, and does no node serve from it any more?`;
}

/**
 * Takes the mark off. Nodes may have worked with the other store since, also where the move was cut off, and nobody knows what was taken
 * away in it: nothing is served, and nobody gets in, until somebody has looked. Answers undefined where there is no mark.
 */
export async function reopen(trx: ChangeTransaction): Promise<Reopened | undefined> {
  const mark = await takeMarkOff(trx);
  if (mark === undefined) return undefined;
  const movedAt = mark.ended_at ?? mark.begun_at;
  const keys = await withholdKeys(trx, new Date(movedAt));
  const hasEnded = mark.ended_at !== null;
  return { movedTo: mark.moved_to, movedAt, hasEnded, ...keys, ...(await withholdAccess(trx)) };
}

function inWords(place: string, reopened: Reopened | undefined): string {
  if (reopened === undefined) return `The store at ${place} was not moved: nothing was done.`;
  const taken = [
    `${counted(reopened.keySetsFrozen, 'key set')} frozen`,
    `${counted(reopened.apiKeysRevoked, 'API key')} revoked`,
    `${counted(reopened.sessionsEnded, 'session')} ended`,
    `${counted(reopened.deletionsCancelled, 'scheduled deletion')} cancelled`,
  ];
  const when = reopened.hasEnded
    ? 'it was moved'
    : `the move to ${reopened.movedTo}, which is given up, was begun`;
  return `Nodes may serve from the store at ${place} again, as it was when ${when} at ${reopened.movedAt}.
What the move has left at ${reopened.movedTo} is not to be used. What may have been taken away there since is not known here: ${taken.join(', ')}.
Disable again what was disabled since, then thaw: holdfast key-set thaw. Nothing is deleted for a day.`;
}
