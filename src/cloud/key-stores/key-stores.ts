import type { Act } from '../../evidence/trail.ts';
import { awsAccountOf } from '../accounts/context.ts';
import type { AwsContext } from '../controller/context.ts';
import { acting, goOn, write, type OnStore } from './acting.ts';
import { accountFor, byHandProblem, isByHand, signsIn } from './accounts.ts';
import { auditedStore, findStoreIn, storeEntry, type ExternalKeyStore, type StoreChange } from './records.ts';
import type { Reading } from '../../vault/edits.ts';
import { checkNoKmsKeys, forgetStore } from './removal.ts';
import { nextLook } from './outcomes.ts';
import type { StoreRow } from './row.ts';
import { isToBeConnected, isToBeDown, readDetails, writeDetails } from './wanted.ts';
import { VaultError } from '../../vault/vault-error.ts';

export { createExternalKeyStore } from './create.ts';

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
  const before = await findStoreIn(context.store.db, on.keySet, on.id);
  const account = await accountFor(context.store.db, before);
  await checkUnusedStore(context.store.db, before);
  if (!forget && !isByHand(before, account))
    return askOr(context, act, { ...on, verb: 'delete', check: checkUnusedStore }, (row) => {
      const { tried } = readDetails(row);
      const details = {
        ...(disconnect ? { disconnect } : {}),
        ...(isToBeDown(row) ? { down: true } : {}),
        ...(isToBeConnected(row, disconnect) ? { connect: true } : {}),
        ...(tried === undefined ? {} : { tried }),
      };
      return { wanted: 'DELETE', wanted_details: writeDetails(details) };
    });
  await acting(context, act, on, async (one) =>
    write(one, (row) => ({
      entries: [{ ...storeEntry('forget', row), before: auditedStore(row) }],
      also: async (trx) => {
        await checkUnusedStore(trx, row);
        await forgetStore(trx, row);
      },
    })),
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
    verb,
    check,
    ...on
  }: OnStore & { verb: string; check?: (trx: Reading, row: ExternalKeyStore) => Promise<void> },
  plan: (row: ExternalKeyStore) => StoreChange,
): Promise<ExternalKeyStore | undefined> {
  return acting(context, act, on, async (one) => {
    const { account, region } = one.row;
    if (isByHand(one.row, account) || !signsIn(account))
      throw byHandProblem('do it', 'then tell the outcome with holdfast external-key-store edit --state');
    // What stands against signing in there is told before anything is asked for.
    await awsAccountOf(context, account, region);
    // What is wanted is written down while the caller may want it; then it is done, or found out, as by the watch.
    await write(one, (row) => {
      const change = plan(row);
      const after = { ...row, ...change } as StoreRow;
      return {
        change: { ...change, next_check_at: nextLook(after, context.now()) },
        entries: [{ ...storeEntry(verb, row), before: auditedStore(row), after: auditedStore(after) }],
        also: async (trx) => check?.(trx, row),
      };
    });
    return goOn(one);
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
