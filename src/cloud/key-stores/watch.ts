import { aftermathOf, type Act } from '../../evidence/trail.ts';
import { noteOn } from '../../vault/edit-record.ts';
import type { Reading } from '../../vault/edits.ts';
import { logMistake } from '../../vault/mistakes.ts';
import { systemAct } from '../../vault/system-act.ts';
import type { AwsContext, LoggedAwsContext } from '../controller/context.ts';
import { advance, advanceIn, type Stopped } from '../controller/controller.ts';
import { longestPause } from '../controller/retry.ts';
import type { Due, ScheduledWork } from '../controller/scheduled.ts';
import { BusyError } from '../controller/turn.ts';
import { acting, write, type OnStore } from './acting.ts';
import type { ExternalKeyStore } from './records.ts';
import { keyStores } from './resource.ts';

/** So many are looked at in one go; the rest is due still. */
const maxInOneGo = 1000;
/** No look is set for later than this, milliseconds: a time beyond was written by a clock in the future. */
const maxWait = 2 * longestPause;
/** The next look at one of which a look failed by no fault of AWS's, milliseconds. */
const afterMistake = 5 * 60_000;

/**
 * Looks at each external key store that is due, and goes on with what was asked for it and is not done: after a kill, a
 * lost answer, or while AWS takes its minutes. Each look is written down with the time of the next.
 */
export const keyStoreLooks: ScheduledWork = {
  name: 'key stores',
  turns: keyStores.kind,
  due: dueStores,
  nextDue: nextStoreLook,
  async attempt(context, id) {
    const act = systemAct(context, 'schedule');
    const stopped = (await advance(context, keyStores, id, { act, by: 'watch' }))?.stopped;
    if (stopped?.error === undefined) return { fault: undefined };
    await tell(context, id, stopped);
    return { fault: stopped.fault };
  },
  // One that has come up lets what waits for it go on.
  isAwaited: true,
};

/**
 * Looks at it in AWS now, and goes on with what is wanted. What AWS says against it stands in the record. Undefined where
 * it was to be deleted, and is. Throws VaultError `not-found`.
 */
export async function refreshExternalKeyStore(
  context: AwsContext,
  act: Act,
  { keySet, id }: Pick<OnStore, 'keySet' | 'id'>,
): Promise<ExternalKeyStore | undefined> {
  try {
    await acting(context, act, { keySet, id }, async (one) => {
      // It is due, by the word of who asks; then it is looked at as by the watch.
      await write(one, () => ({ change: { next_check_at: context.now().toISOString() } }));
      const { stopped } = await advanceIn(one.turn, keyStores, id, { act: aftermathOf(act), by: 'watch' });
      if (stopped?.fault === 'internal') throw stopped.error;
    });
  } catch (error) {
    if (!(error instanceof BusyError)) throw error;
  }
  return keyStores.read(context.store.db, id);
}

/** When the next one is due; undefined where none is. */
export async function nextStoreLook({ store }: Pick<AwsContext, 'store'>): Promise<Date | undefined> {
  const row = await lookedAfter(store.db)
    .select('next_check_at')
    .where('next_check_at', 'is not', null)
    .orderBy('next_check_at')
    .limit(1)
    .executeTakeFirst();
  return typeof row?.next_check_at === 'string' ? new Date(row.next_check_at) : undefined;
}

async function dueStores({ store, now }: AwsContext): Promise<Due[]> {
  const at = now();
  const rows = await lookedAfter(store.db)
    .select(['external_key_stores.id', 'csp_account_id', 'region'])
    .where((eb) =>
      eb.or([
        eb('next_check_at', '<=', at.toISOString()),
        eb('next_check_at', '>', new Date(at.getTime() + maxWait).toISOString()),
      ]),
    )
    .orderBy('next_check_at')
    .limit(maxInOneGo)
    .execute();
  return rows.map(({ id, csp_account_id, region }) => ({ id, lane: `${csp_account_id ?? id}/${region}` }));
}

/** Those that do not go with their vault. */
function lookedAfter(db: Reading) {
  return db
    .selectFrom('external_key_stores')
    .innerJoin('vaults', 'vaults.id', 'external_key_stores.vault_id')
    .where('vaults.deleted_at', 'is', null);
}

/** What no record tells, since it is a mistake of ours, or the store cannot be written: whatever it is, not at once again. */
async function tell(
  context: LoggedAwsContext,
  id: string,
  { error, fault, problem }: Stopped,
): Promise<void> {
  if (fault !== 'internal') return;
  logMistake(
    context.log,
    { externalKeyStore: id },
    error,
    'a mistake with an external key store; it is looked at again later',
  );
  if (problem === null) await putOff(context, id).catch(() => undefined);
}

async function putOff({ store, now }: AwsContext, id: string): Promise<void> {
  const next = new Date(now().getTime() + afterMistake).toISOString();
  await store.bookkeep('work in AWS', async (trx) =>
    noteOn(trx, 'external_key_stores').set({ next_check_at: next }).where('id', '=', id).execute(),
  );
}
