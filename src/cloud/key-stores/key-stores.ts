import type { SeenVersion } from '../../store/act-transaction.ts';
import { aftermathOf, record, type Act } from '../../evidence/trail.ts';
import { awsAccountOf, type AwsContext } from '../accounts/context.ts';
import { accountFor, byHandProblem, isByHand, signsIn } from './accounts.ts';
import { auditedStore, findStoreIn, storeEntry, type ExternalKeyStore, type StoreChange } from './records.ts';
import type { Reading } from '../../vault/edits.ts';
import { checkNoKmsKeys, forgetStore } from './removal.ts';
import { advance } from './state-machine.ts';
import { inTurn, nextLook, saveIn, type Turn } from './turn.ts';
import { isToBeConnected, isToBeDown, readDetails, writeDetails } from './wanted.ts';
import { checkRowVersion } from '../../vault/context.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';
import { VaultError } from '../../vault/vault-error.ts';

export { createExternalKeyStore } from './create.ts';

/** Which one an act is on. */
export interface OnStore {
  keySet: KeySet;
  id: string;
  expected?: SeenVersion | undefined;
}

/** Asks AWS to connect it; a FAILED one is disconnected first. CONNECTED or FAILED shows minutes later. */
export async function connectExternalKeyStore(
  context: AwsContext,
  act: Act,
  on: OnStore,
): Promise<ExternalKeyStore> {
  return ask(context, act, on, 'connect', () => ({ wanted: 'CONNECT', wanted_details: null }));
}

/** From then on none of its KMS keys can be used. */
export async function disconnectExternalKeyStore(
  context: AwsContext,
  act: Act,
  on: OnStore,
): Promise<ExternalKeyStore> {
  return ask(context, act, on, 'disconnect', () => ({ wanted: 'DISCONNECT', wanted_details: null }));
}

/**
 * Gives AWS a new XKS credential. The old one retires once it has been quiet for so many minutes while the new one is in
 * use. For a key store by hand see {@link rotateByHand}.
 */
export async function rotateStoreCredential(
  context: AwsContext,
  act: Act,
  on: OnStore,
  quietMinutes: number,
): Promise<ExternalKeyStore> {
  return ask(context, act, on, 'rotate-credential', (row) => {
    const before = row.wanted === 'UPDATE' ? readDetails(row) : {};
    return {
      wanted: 'UPDATE',
      wanted_details: writeDetails({
        ...before,
        credential: { quietMinutes },
        ...(isToBeConnected(row, false) ? { connect: true } : {}),
      }),
    };
  });
}

export interface DeletionInput {
  /** Disconnect it first where it is connected. */
  disconnect?: boolean | undefined;
  /** Take the record away here and leave in AWS what is there. */
  forget?: boolean | undefined;
}

/**
 * Deletes it in AWS and here. Answers it where AWS has to disconnect it first: the watch goes on; undefined once it is
 * gone. Throws VaultError `conflict` while KMS keys hang on it.
 */
export async function deleteExternalKeyStore(
  context: AwsContext,
  act: Act,
  on: OnStore,
  { disconnect = false, forget = false }: DeletionInput,
): Promise<ExternalKeyStore | undefined> {
  const { keySet, id, expected } = on;
  const row = await findStoreIn(context.store.db, keySet, id);
  const account = await accountFor(context.store.db, row);
  await checkUnusedStore(context.store.db, row);
  if (!forget && !isByHand(row, account))
    return askOr(context, act, { ...on, verb: 'delete', check: checkUnusedStore }, (before) => {
      const { tried } = readDetails(before);
      const details = {
        ...(disconnect ? { disconnect } : {}),
        ...(isToBeDown(before) ? { down: true } : {}),
        ...(isToBeConnected(before, disconnect) ? { connect: true } : {}),
        ...(tried === undefined ? {} : { tried }),
      };
      return { wanted: 'DELETE', wanted_details: writeDetails(details) };
    });
  await inTurn(context, id, async () =>
    context.store.write(act, async (trx) => {
      const before = await findStoreIn(trx, keySet, id);
      checkRowVersion(before, expected);
      await checkUnusedStore(trx, before);
      await forgetStore(trx, before);
      await record(trx, act, { ...storeEntry('forget', before), before: auditedStore(before) });
    }),
  );
  return undefined;
}

/** Writes down what is wanted, then has AWS do it. */
export async function ask(
  context: AwsContext,
  act: Act,
  on: OnStore,
  verb: string,
  plan: (row: ExternalKeyStore) => StoreChange,
): Promise<ExternalKeyStore> {
  const row = await askOr(context, act, { ...on, verb }, (before) => {
    if (before.custom_key_store_id === '') throw unmadeProblem();
    const change = plan(before);
    if (change.wanted === 'UPDATE') checkNotInTheWay(before);
    return change;
  });
  if (row === undefined) throw new VaultError('not-found', 'the external key store is deleted');
  return row;
}

async function askOr(
  context: AwsContext,
  act: Act,
  {
    keySet,
    id,
    expected,
    verb,
    check,
  }: OnStore & { verb: string; check?: (trx: Reading, row: ExternalKeyStore) => Promise<void> },
  plan: (row: ExternalKeyStore) => StoreChange,
): Promise<ExternalKeyStore | undefined> {
  return inTurn(context, id, async () => {
    const row = await findStoreIn(context.store.db, keySet, id);
    checkRowVersion(row, expected);
    const account = await accountFor(context.store.db, row);
    if (isByHand(row, account) || !signsIn(account))
      throw byHandProblem('do it', 'then tell the outcome with holdfast external-key-store edit --state');
    // What is wanted is written down while the caller may want it; then it is done, or found out, as by the watch.
    const turn: Turn = {
      context,
      act: aftermathOf(act),
      keySet,
      aws: await awsAccountOf(context, account, row.region),
      by: 'operator',
    };
    const change = plan(row);
    const entry = {
      ...storeEntry(verb, row),
      before: auditedStore(row),
      after: auditedStore({ ...row, ...change } as ExternalKeyStore),
    };
    const at = nextLook({ ...row, ...change } as ExternalKeyStore, context.now());
    const asked = await context.store.write(act, async (trx) => {
      await check?.(trx, row);
      return saveIn(trx, act, row, { ...change, next_check_at: at }, [entry]);
    });
    return advance(turn, asked);
  });
}

/** Throws VaultError `conflict` while KMS keys hang on a key store that AWS has. */
async function checkUnusedStore(db: Reading, row: ExternalKeyStore): Promise<void> {
  if (row.state !== 'NOT_FOUND') await checkNoKmsKeys(db, row);
}

/** What is to be changed of it would take the place of what is asked for already: that it be no more used. */
function checkNotInTheWay({ wanted }: ExternalKeyStore): void {
  if (wanted !== 'DISCONNECT' && wanted !== 'DELETE') return;
  throw new VaultError(
    'conflict',
    `AWS is still being asked to ${wanted === 'DELETE' ? 'delete' : 'disconnect'} the external key store`,
    'wait until that is done; or connect it again where it is not to be: holdfast external-key-store connect',
  );
}

function unmadeProblem(): VaultError {
  return new VaultError(
    'conflict',
    'the external key store is not made yet',
    'repeat the request that makes it, or delete it; holdfast external-key-store show tells what is wrong',
  );
}
