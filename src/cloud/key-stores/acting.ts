import { aftermathOf, type Act } from '../../evidence/trail.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';
import type { SeenVersion } from '../../store/act-transaction.ts';
import { checkRowVersion, checkUnchanged } from '../../vault/context.ts';
import { VaultError } from '../../vault/vault-error.ts';
import type { AwsContext } from '../controller/context.ts';
import { advanceIn, record } from '../controller/controller.ts';
import { inTurn, type Ownership } from '../controller/turn.ts';
import { toldTo } from './outcomes.ts';
import type { ExternalKeyStore } from './records.ts';
import { keyStores } from './resource.ts';
import type { StorePlan, StoreRow } from './row.ts';

/* What people do with an external key store: in its turn, so that neither another act nor the watch is at it. */

/** Which one an act is on. */
export interface OnStore {
  keySet: KeySet;
  id: string;
  expected?: SeenVersion | undefined;
}

/** One that an act is on, in its turn. */
export interface Acting<Row extends ExternalKeyStore = StoreRow> {
  turn: Ownership;
  act: Act;
  row: Row;
}

/** Throws VaultError `not-found`, `precondition`; `conflict` where another act is at it. */
export async function acting<T>(
  context: AwsContext,
  act: Act,
  { keySet, id, expected }: OnStore,
  run: (on: Acting) => Promise<T>,
): Promise<T> {
  return inTurn(context, keyStores, id, async (turn) => {
    const row = await keyStores.read(context.store.db, id);
    if (row?.key_set_id !== keySet.id)
      throw new VaultError('not-found', 'the key set has no such external key store');
    checkRowVersion(row, expected);
    return run({ turn, act, row });
  });
}

/**
 * Writes a change under the authority of the act. Answers the record as it is then; as it was where there is nothing to
 * write, or it is gone with that. Throws VaultError `precondition` where somebody has changed it since it was read.
 */
export async function write({ turn, act, row }: Acting, plan: StorePlan): Promise<StoreRow> {
  let isThere = false;
  const asRead = (now: StoreRow) => {
    isThere = true;
    checkUnchanged(now, row);
    checkRowVersion(now, act.seen);
    return now;
  };
  const planned: StorePlan =
    typeof plan === 'function' ? (now) => plan(asRead(now)) : { served: (now) => plan.served(asRead(now)) };
  const after = await record(turn, keyStores, row.id, act, planned);
  if (!isThere) throw new VaultError('not-found', 'the external key store was deleted meanwhile');
  return after ?? row;
}

/** Has AWS do what is wanted, as far as it goes now. Undefined once it is deleted. Throws what AWS says against it. */
export async function goOn({ turn, act, row }: Acting<ExternalKeyStore>): Promise<StoreRow | undefined> {
  // Once it is on record it is gone on with, as by the watch, whatever version it is; the key of the request stands for
  // what was asked for.
  const { idempotency: _, ...plain } = aftermathOf(act);
  const outcome = await advanceIn(turn, keyStores, row.id, {
    act: plain,
    by: 'operator',
  });
  if (outcome.stopped?.error !== undefined) throw toldTo(outcome.stopped);
  return outcome.row;
}
