import { isAwsCode } from '../aws/kms-errors.ts';
import { KeyStoreError } from '../aws/key-store-errors.ts';
import { toldOfStore } from './presence.ts';
import { disconnectKeyStore } from '../aws/key-stores.ts';
import { recordFailure } from './mirror.ts';
import type { ExternalKeyStore, StoreChange } from './records.ts';
import { nextLook, save, type Turn } from './turn.ts';
import { wantedInstead } from './wanted.ts';
import type { VaultError } from '../../vault/vault-error.ts';

/* What the steps on an external key store have in common: requests to AWS, and what is written down of their outcome. */

/** What a step came to; `again`: there is more to do at once. A row that is undefined is gone. */
export interface Step {
  row: ExternalKeyStore | undefined;
  again: boolean;
}

/**
 * Has AWS disconnect it, whatever AWS shows. False where it was disconnected, or being so, already: only then does AWS say
 * that the state is wrong (API Reference, DisconnectCustomKeyStore), and unlike what it shows that is never from before.
 */
export async function disconnect(turn: Turn, row: ExternalKeyStore): Promise<boolean> {
  return attempt(turn, row, async () => {
    try {
      await disconnectKeyStore(turn.aws, row.region, row.custom_key_store_id);
      return true;
    } catch (error) {
      if (isAwsCode(error, 'CustomKeyStoreInvalidStateException')) return false;
      throw error;
    }
  });
}

/** What comes after goes on once AWS has disconnected it. */
export async function disconnectFirst(turn: Turn, row: ExternalKeyStore): Promise<Step> {
  await disconnect(turn, row);
  const change: StoreChange = { state: 'DISCONNECTING', connection_error: '', problem: null };
  const now = turn.context.now();
  const after = { ...row, ...change } as ExternalKeyStore;
  return { row: await save(turn, row, { ...change, next_check_at: nextLook(after, now) }), again: true };
}

/** What was wanted is done, or AWS has taken it on. */
export async function done(
  turn: Turn,
  row: ExternalKeyStore,
  change: StoreChange = {},
): Promise<ExternalKeyStore> {
  const after = { ...row, ...change, wanted: null } as ExternalKeyStore;
  return save(turn, row, {
    problem: null,
    ...change,
    wanted: null,
    wanted_details: null,
    next_check_at: nextLook(after, turn.context.now()),
  });
}

/** Sends a request; what AWS refuses for certain is wanted no more, the rest is gone on with by the watch. */
export async function attempt<T>(turn: Turn, row: ExternalKeyStore, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    const error = toldOfStore(row, thrown, turn.context.now());
    if (!(error instanceof KeyStoreError)) throw error;
    const isOver = error.certain && !isOfTheMoment(error);
    const passes =
      error.code === 'CustomKeyStoreInvalidStateException' ? { ...told(error), fault: 'settling' } : error;
    await recordFailure(turn, row, passes, isOver ? wantedInstead(row) : {});
    throw isOver ? error : error.goneOnWith();
  }
}

function told({ operation, code, message, remediation }: KeyStoreError) {
  return { operation, code, message, remediation };
}

/** The look before said otherwise: its state has just changed, or AWS shows it late. It passes. */
export function isOfTheMoment({ code, fault }: KeyStoreError): boolean {
  return code === 'CustomKeyStoreInvalidStateException' || fault === 'throttled' || fault === 'settling';
}

export async function refused(turn: Turn, row: ExternalKeyStore, error: VaultError): Promise<VaultError> {
  await recordFailure(turn, row, error, wantedInstead(row));
  return error;
}
