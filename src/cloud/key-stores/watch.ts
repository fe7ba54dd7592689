import type { Act } from '../../evidence/trail.ts';
import { AwsError } from '../aws/aws-error.ts';
import { TokenError } from '../../token/faults.ts';
import { tokenWords } from '../../token/remediations.ts';
import { awsAccountOf, type AwsContext, type LoggedAwsContext } from '../accounts/context.ts';
import { accountFor, isByHand, signsIn } from './accounts.ts';
import { lookByHand } from './by-hand.ts';
import { recordFailure } from './mirror.ts';
import { findStoreIn, type ExternalKeyStore } from './records.ts';
import { advance } from './state-machine.ts';
import { inTurn, isAtWork } from './turn.ts';
import { noteOn } from '../../vault/edit-record.ts';
import { AwsLanes } from '../controller/lanes.ts';
import { lookOperation, readProblem } from './wanted.ts';
import type { OnStore } from './key-stores.ts';
import { getKeySet, type KeySet } from '../../keys/key-sets/key-set-records.ts';
import { logMistake } from '../../vault/mistakes.ts';
import { systemAct } from '../../vault/system-act.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** So many are looked at in one go; the rest is due still. */
const maxInOneGo = 1000;
/** No look is set for later than this, milliseconds: a time beyond was written by a clock in the future. */
const maxWait = 60 * 60_000;
/** The next look at one of which a look failed by no fault of AWS's, milliseconds. */
const afterMistake = 5 * 60_000;

export interface WatchRun {
  looked: number;
  /** Those of which AWS, or what opens its credential, could not be asked. */
  failed: number;
}

/**
 * Looks at each external key store that is due, and goes on with what was asked for it and is not done: after a kill, a
 * lost answer, or while AWS takes its minutes. Each look is written down with the time of the next. Never throws for one
 * of them.
 */
export async function watchExternalKeyStores(
  context: LoggedAwsContext,
  mayGoOn: () => Promise<boolean>,
  lanes: AwsLanes = new AwsLanes(),
): Promise<WatchRun> {
  const due = await dueStores(context);
  const run: WatchRun = { looked: 0, failed: 0 };
  const look = async (row: ExternalKeyStore): Promise<{ fault: string | undefined }> => {
    if (isAtWork(row.id)) return { fault: undefined };
    run.looked++;
    if (await lookAtOne(context, row)) return { fault: undefined };
    run.failed++;
    return { fault: await faultOf(context, row) };
  };
  const tasks = due.map((row) => ({
    id: row.id,
    lane: `${row.csp_account_id ?? row.id}/${row.region}`,
    run: async () => look(row),
  }));
  await lanes.run(tasks, { what: 'key stores', mayGoOn });
  return run;
}

/**
 * Looks at it in AWS now, and goes on with what is wanted. What AWS says against it stands in the record. Undefined where
 * it was to be deleted, and is. Throws VaultError `not-found`.
 */
export async function refreshExternalKeyStore(
  context: AwsContext,
  act: Act,
  { keySet, id }: Pick<OnStore, 'keySet' | 'id'>,
): Promise<ExternalKeyStore | undefined> {
  await lookAt(context, act, keySet, await findStoreIn(context.store.db, keySet, id));
  return context.store.db
    .selectFrom('external_key_stores')
    .selectAll()
    .where('id', '=', id)
    .where('key_set_id', '=', keySet.id)
    .executeTakeFirst();
}

/** When the next one is due; undefined where none is. */
export async function nextStoreLook({ store }: Pick<AwsContext, 'store'>): Promise<Date | undefined> {
  const row = await store.db
    .selectFrom('external_key_stores')
    .select((eb) => eb.fn.min('next_check_at').as('at'))
    .executeTakeFirst();
  return typeof row?.at === 'string' ? new Date(row.at) : undefined;
}

async function dueStores({ store, now }: AwsContext): Promise<ExternalKeyStore[]> {
  const at = now();
  return store.db
    .selectFrom('external_key_stores')
    .selectAll()
    .where((eb) =>
      eb.or([
        eb('next_check_at', '<=', at.toISOString()),
        eb('next_check_at', '>', new Date(at.getTime() + maxWait).toISOString()),
      ]),
    )
    .orderBy('next_check_at')
    .limit(maxInOneGo)
    .execute();
}

async function lookAtOne(context: LoggedAwsContext, row: ExternalKeyStore): Promise<boolean> {
  try {
    const keySet = await getKeySet(context, row.vault_id, 'all', row.key_set_id);
    return await lookAt(context, systemAct(context, 'schedule'), keySet, row);
  } catch (error) {
    // Its vault is being deleted, the store cannot be written, or a mistake of ours: whatever it is, not at once again.
    if (!(error instanceof VaultError))
      logMistake(
        context.log,
        { externalKeyStore: row.id },
        error,
        'a mistake with an external key store; it is looked at again later',
      );
    await putOff(context, row).catch(() => undefined);
    return false;
  }
}

/** What the look failed with, as it stands in the record. */
async function faultOf({ store }: AwsContext, { id }: ExternalKeyStore): Promise<string> {
  const row = await store.db
    .selectFrom('external_key_stores')
    .select('problem')
    .where('id', '=', id)
    .executeTakeFirst();
  return (row === undefined ? null : readProblem(row))?.fault ?? 'internal';
}

async function putOff({ store, now }: AwsContext, { id }: ExternalKeyStore): Promise<void> {
  const next = new Date(now().getTime() + afterMistake).toISOString();
  await store.bookkeep('work in AWS', async (trx) =>
    noteOn(trx, 'external_key_stores').set({ next_check_at: next }).where('id', '=', id).execute(),
  );
}

/**
 * One look, with what is to be gone on with. False where it failed: why stands in the record. Nothing where another act
 * is at it.
 */
export async function lookAt(
  context: AwsContext,
  act: Act,
  keySet: KeySet,
  { id }: Pick<ExternalKeyStore, 'id'>,
): Promise<boolean> {
  if (isAtWork(id)) return true;
  return inTurnOr(context, id, async () => {
    const row = await findStoreIn(context.store.db, keySet, id);
    const account = await accountFor(context.store.db, row);
    if (isByHand(row, account) || !signsIn(account)) {
      await lookByHand({ context, act, keySet }, row);
      return true;
    }
    let aws;
    try {
      aws = await awsAccountOf(context, account, row.region);
    } catch (error) {
      if (!isTold(error)) throw error;
      await recordFailure({ context, act }, row, { operation: lookOperation, ...wordsOf(error) });
      return false;
    }
    try {
      await advance({ context, act, keySet, aws, by: 'watch' }, row);
      return true;
    } catch (error) {
      if (!isTold(error)) throw error;
      // AWS's refusals are on the record already.
      if (error instanceof TokenError) {
        const now = await findStoreIn(context.store.db, keySet, id);
        await recordFailure({ context, act }, now, { operation: 'issue', ...wordsOf(error) });
      }
      return false;
    }
  });
}

/** What another process is at is looked after. */
async function inTurnOr(context: AwsContext, id: string, run: () => Promise<boolean>): Promise<boolean> {
  try {
    return await inTurn(context, id, run);
  } catch (error) {
    if (error instanceof VaultError && error.problem === 'conflict') return true;
    throw error;
  }
}

function wordsOf(error: AwsError | VaultError | TokenError): {
  message: string;
  remediation: string | undefined;
} {
  if (!(error instanceof TokenError)) return { message: error.message, remediation: error.remediation };
  const { problem, remediation } = tokenWords(error);
  return { message: problem, remediation };
}

function isTold(error: unknown): error is AwsError | VaultError | TokenError {
  return error instanceof AwsError || error instanceof VaultError || error instanceof TokenError;
}
