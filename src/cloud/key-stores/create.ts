import { randomUUID } from 'node:crypto';
import { aftermathOf, record, type Act } from '../../evidence/trail.ts';
import { goOn, write, type Acting } from './acting.ts';
import { AwsError } from '../aws/aws-error.ts';
import type { ActTransaction } from '../../store/store.ts';
import type { Reading } from '../../vault/edits.ts';
import { awsAccountOf } from '../accounts/context.ts';
import type { AwsContext } from '../controller/context.ts';
import { accountFor, signsIn } from './accounts.ts';
import { takenBack } from './creation.ts';
import { inTurn } from '../controller/turn.ts';
import { keyStores } from './resource.ts';
import type { StoreRecorded, StoreRow } from './row.ts';
import {
  auditedStore,
  storeEntry,
  storeInRegion,
  type ExternalKeyStore,
  type StoreChange,
} from './records.ts';
import { readDetails, writeDetails, type WantedDetails } from './wanted.ts';
import { parseReach, parseStoreName, parseStoreRegion, type ReachInput } from './fields.ts';
import { findKeySetIn, type KeySet } from '../../keys/key-sets/key-set-records.ts';
import { VaultError } from '../../vault/vault-error.ts';

export interface NewStoreInput extends Omit<ReachInput, 'uriEndpoint'> {
  region: string;
  /** The key set's if left out. */
  name?: string | undefined;
  /** The one used last, of this key set or another of the vault, if left out. */
  uriEndpoint?: string | undefined;
  /** False: a person makes it in AWS. True: refused where Holdfast does not sign in there. As it can be if left out. */
  make?: boolean | undefined;
  /** Connect it once it is made. */
  connect?: boolean | undefined;
}

/**
 * Makes the external key store of the key set in a Region, in AWS too unless that is done by hand. Where an earlier try
 * was cut off this goes on with it, with what is told now. What AWS refuses is taken back; where its answer was lost the
 * record stays, and the watch finds out. Throws NameError, AwsError, TokenError; VaultError `conflict`, `invalid`.
 */
export async function createExternalKeyStore(
  context: AwsContext,
  act: Act,
  keySet: KeySet,
  input: NewStoreInput,
): Promise<ExternalKeyStore> {
  checkServed(keySet);
  const account = await accountFor(context.store.db, keySet);
  const byHand = input.make === false || !signsIn(account);
  if (byHand && input.make === true)
    throw new VaultError(
      'conflict',
      'the key set has no CSP account with which Holdfast signs in to AWS',
      'give it one (holdfast key-set edit --csp-account), or create the key store manually (--by-hand)',
    );
  const region = parseStoreRegion(input.region, account?.partition);
  const columns = await columnsOf(context, keySet, input, region);
  const known = await storeInRegion(context.store.db, keySet, region);
  if (byHand || !signsIn(account))
    return context.store.write(act, async (trx) => {
      await checkOnlyOne(trx, keySet, region);
      return insert(trx, act, keySet, { region, ...columns, origin: 'MANUAL', state: 'UNKNOWN' });
    });
  // What stands against signing in there is told before anything is written.
  await awsAccountOf(context, account, region);
  const id = known?.id ?? randomUUID();
  return inTurn(context, keyStores, id, async (turn) => {
    const details = input.connect === true ? { connect: true } : {};
    const before = await keyStores.read(context.store.db, id);
    const isAgain = before !== undefined && isUnmade(before);
    const row = isAgain
      ? await write({ turn, act, row: before }, (now) => askedAgain(now, columns, details))
      : await context.store.write(act, async (trx) => {
          await checkOnlyOne(trx, keySet, region);
          return insert(trx, act, keySet, {
            ...{ region, ...columns, id, origin: 'HOLDFAST', state: 'CREATING' },
            ...{ wanted: 'CREATE', wanted_details: writeDetails(details) },
          });
        });
    return made({ turn, act, row });
  });
}

/** An earlier try was cut off: it is gone on with, as it is wanted now. */
function askedAgain(
  row: StoreRow,
  columns: Awaited<ReturnType<typeof columnsOf>>,
  details: WantedDetails,
): StoreRecorded {
  const { tried = [] } = readDetails(row);
  const wanted_details = writeDetails({ ...details, tried });
  const change = { ...columns, wanted: 'CREATE' as const, wanted_details };
  const after = auditedStore({ ...row, ...change });
  return { change, entries: [{ ...storeEntry('create', row), after, creates: true }] };
}

async function made({ turn, act, row }: Acting<ExternalKeyStore>): Promise<ExternalKeyStore> {
  try {
    return (await goOn({ turn, act, row })) ?? row;
  } catch (error) {
    const now = await keyStores.read(turn.context.store.db, row.id);
    // It is made; what did not come to pass is to connect it, and that stands in the record.
    if (now !== undefined && now.custom_key_store_id !== '' && error instanceof AwsError) return now;
    if (now !== undefined && isUntried(now))
      await write({ turn, act: aftermathOf(act), row: now }, takenBack('refused'));
    throw error;
  }
}

/** Throws VaultError `conflict` unless AWS may use the key set. */
export function checkServed(keySet: Pick<KeySet, 'external_key_store'>): void {
  if (keySet.external_key_store === 1) return;
  throw new VaultError(
    'conflict',
    'the key set is not an external key store: AWS would be refused',
    'holdfast key-set edit --external-key-store yes',
  );
}

export async function checkOnlyOne(trx: Reading, keySet: Pick<KeySet, 'id'>, region: string): Promise<void> {
  const other = await storeInRegion(trx, keySet, region);
  if (other !== undefined) throw onlyOneProblem(other);
}

export function onlyOneProblem(other: ExternalKeyStore): VaultError {
  return new VaultError(
    'conflict',
    'the key set has an external key store in this Region already',
    isUnmade(other)
      ? 'repeat the request that made it, or delete it'
      : 'use that one; or make another key set',
  );
}

/** A new row with its audit event. */
export async function insert(
  trx: ActTransaction,
  act: Act,
  keySet: KeySet,
  columns: Pick<ExternalKeyStore, 'region' | 'name' | 'connectivity' | 'uri_endpoint' | 'origin' | 'state'> &
    StoreChange & { id?: string },
  verb = 'create',
): Promise<ExternalKeyStore> {
  const keySetNow = await findKeySetIn(trx, keySet.vault_id, 'all', keySet.id);
  checkServed(keySetNow);
  if (keySetNow.csp_account_id !== keySet.csp_account_id)
    throw new VaultError('conflict', 'the key set was given another CSP account meanwhile', 'try again');
  const now = act.at.toISOString();
  const { wanted = null, wanted_details = null, checked_at = null, next_check_at = null, ...rest } = columns;
  const row = await trx
    .insertInto('external_key_stores')
    .values({
      id: randomUUID(),
      vault_id: keySet.vault_id,
      key_set_id: keySet.id,
      csp_account_id: keySet.csp_account_id,
      problem: null,
      created_at: now,
      updated_at: now,
      ...withoutUndefined(rest),
      region: columns.region,
      name: columns.name,
      connectivity: columns.connectivity,
      uri_endpoint: columns.uri_endpoint,
      origin: columns.origin,
      state: columns.state,
      wanted,
      wanted_details,
      checked_at,
      next_check_at: next_check_at ?? now,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await record(trx, act, { ...storeEntry(verb, row), after: auditedStore(row), creates: true });
  return row;
}

function withoutUndefined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

async function columnsOf(context: AwsContext, keySet: KeySet, input: NewStoreInput, region: string) {
  const uriEndpoint = input.uriEndpoint ?? (await lastEndpoint(context, keySet));
  if (uriEndpoint === undefined)
    throw new VaultError(
      'invalid',
      'the endpoint is missing, and no external key store of the vault has one yet',
      'name it: https:// and the host name under which AWS reaches this node',
    );
  const reach = parseReach({ ...input, uriEndpoint }, region);
  return {
    name: parseStoreName(input.name ?? keySet.name),
    connectivity: reach.connectivity,
    uri_endpoint: reach.uriEndpoint,
    vpc_endpoint_service_name: reach.vpcEndpointServiceName,
    vpc_endpoint_service_owner: reach.vpcEndpointServiceOwner,
  };
}

/** The endpoint of the key store made last: of this key set, else of the vault. */
export async function lastEndpoint(
  { store }: Pick<AwsContext, 'store'>,
  keySet: KeySet,
): Promise<string | undefined> {
  const last = store.db
    .selectFrom('external_key_stores')
    .select('uri_endpoint')
    .where('uri_endpoint', '<>', '')
    .orderBy('created_at', 'desc')
    .limit(1);
  const found =
    (await last.where('key_set_id', '=', keySet.id).executeTakeFirst()) ??
    (await last.where('vault_id', '=', keySet.vault_id).executeTakeFirst());
  return found?.uri_endpoint;
}

function isUnmade(row: ExternalKeyStore): boolean {
  return row.state === 'CREATING' && row.custom_key_store_id === '';
}

/** AWS certainly has nothing of it: it refused, or nothing that makes anything was sent. */
function isUntried(row: ExternalKeyStore): boolean {
  const { tried = [] } = readDetails(row);
  return isUnmade(row) && row.pending_access_key_id === '' && (row.wanted === null || tried.length === 0);
}
