import { KeyStoreError } from '../aws/key-store-errors.ts';
import { createKeyStore, listKeyStores, type AwsKeyStore } from '../aws/key-stores.ts';
import { AwsError } from '../aws/aws-error.ts';
import { isSettling } from '../aws/presence.ts';
import { forgetCreation, record } from '../../evidence/trail.ts';
import { credentialState, findCredentialIn } from '../../keys/credentials/credential-records.ts';
import { defaultQuietMinutes } from '../../keys/credentials/credential-making.ts';
import { isLinkedElsewhere, linkedElsewhere } from './checks.ts';
import { asColumns, recordFailure } from './mirror.ts';
import { auditedStore, storeEntry, type ExternalKeyStore } from './records.ts';
import { nextLook, save, type Turn } from './turn.ts';
import { readDetails, writeDetails, type WantedDetails } from './wanted.ts';
import { xksUriPath } from '../../vault/names.ts';
import { withdrawIn } from '../../keys/credentials/credential-ends.ts';
import { isSettled, issueForStore, neverGiven, settlesAt } from './credential-rotation.ts';
import { VaultError } from '../../vault/vault-error.ts';

/**
 * Makes the key store in AWS; or finds the one that an earlier try made whose answer was lost, by the access key id that
 * only that try had. Undefined where nothing more can be done now. Throws AwsError, TokenError, VaultError `conflict`.
 */
export async function makeInAws(turn: Turn, from: ExternalKeyStore): Promise<ExternalKeyStore | undefined> {
  const there = await listed(turn, from);
  const made = madeBefore(from, there);
  if (made !== undefined) return adopt(turn, from, made);
  let row = from;
  if (row.pending_access_key_id !== '') {
    // A person who asks again need not wait: should AWS make it yet, it is found, and given another credential.
    if (turn.by === 'watch' && !(await isSettled(turn, row))) return lookedForAgain(turn, row);
    row = await neverGiven(turn, row);
  }
  if (turn.by === 'watch' && isComing(turn, row)) return lookedForAgain(turn, row);
  await checkFree(turn, row, there);
  const issue = await issueForStore(turn, row, (details, accessKeyId) => ({
    ...details,
    tried: [...(details.tried ?? []), accessKeyId],
  }));
  ({ row } = issue);
  const { accessKeyId, secret } = issue.issued;
  try {
    const id = await createKeyStore(turn.aws, row.region, wantedOf(turn, row), { accessKeyId, secret });
    return await confirm(turn, row, { id, accessKeyId });
  } catch (error) {
    return settle(turn, row, error);
  }
}

/** AWS said that another has name or path, which may be the one that an earlier try made and that no list shows yet. */
function isComing({ context }: Turn, row: ExternalKeyStore): boolean {
  const { inUseSince } = readDetails(row);
  return inUseSince !== undefined && isSettling(new Date(inUseSince), context.now());
}

/** What an earlier try may have made is looked for every few seconds. */
async function lookedForAgain(turn: Turn, row: ExternalKeyStore): Promise<undefined> {
  const next_check_at = nextLook(row, turn.context.now(), { fault: 'settling', times: 5 });
  await save(turn, row, { next_check_at });
}

/** What AWS is to make. */
export function wantedOf({ keySet }: Pick<Turn, 'keySet'>, row: ExternalKeyStore) {
  return {
    name: row.name,
    connectivity: row.connectivity,
    uriEndpoint: row.uri_endpoint,
    uriPath: xksUriPath(keySet.path_prefix),
    vpcEndpointServiceName: row.vpc_endpoint_service_name,
    vpcEndpointServiceOwner: row.vpc_endpoint_service_owner,
  };
}

/**
 * Looks for what a creation may have left in AWS. Throws VaultError `conflict` where it is too early to say that there is
 * nothing.
 */
export async function leftInAws(turn: Turn, row: ExternalKeyStore): Promise<AwsKeyStore | undefined> {
  const made = madeBefore(row, await listed(turn, row));
  if (made !== undefined || row.pending_access_key_id === '' || (await isSettled(turn, row))) return made;
  throw new VaultError(
    'conflict',
    'whether AWS is making the external key store is not known yet',
    `repeat it after ${(await settlesAt(turn, row)).toISOString()}, when what AWS may still be doing is over`,
  );
}

type Next = Pick<ExternalKeyStore, 'wanted' | 'wanted_details'>;

/** The creation is at an end: AWS has this key store. What is wanted of it next is written down with that. */
export async function adopt(
  turn: Turn,
  row: ExternalKeyStore,
  { id, accessKeyId }: AwsKeyStore,
  next?: Next,
): Promise<ExternalKeyStore> {
  const credential = await findCredentialIn(turn.context.store.db, turn.keySet, accessKeyId);
  if (next !== undefined || credentialState(credential, turn.context.now()) === 'LIVE')
    return confirm(turn, row, { id, accessKeyId }, next);
  // An earlier try got there after all, when its credential was withdrawn already.
  const { connect } = readDetails(row);
  return confirm(
    turn,
    row,
    { id, accessKeyId },
    {
      wanted: 'UPDATE',
      wanted_details: writeDetails({
        ...(connect === undefined ? {} : { connect }),
        credential: { quietMinutes: defaultQuietMinutes },
      }),
    },
  );
}

async function confirm(
  turn: Turn,
  row: ExternalKeyStore,
  { id, accessKeyId }: { id: string; accessKeyId: string },
  next: Next = { wanted: readDetails(row).connect === true ? 'CONNECT' : null, wanted_details: null },
): Promise<ExternalKeyStore> {
  const after = {
    ...asColumns(wantedOf(turn, row)),
    custom_key_store_id: id,
    access_key_id: accessKeyId,
    ...next,
    state: 'DISCONNECTED' as const,
    problem: null,
    made_at: turn.context.now().toISOString(),
    checked_at: turn.context.now().toISOString(),
    next_check_at: nextLook({ ...row, ...next, state: 'DISCONNECTED' }, turn.context.now()),
  };
  const entry = { ...storeEntry('made', row), after: { customKeyStoreId: id, accessKeyId } };
  if (row.pending_access_key_id !== '' && row.pending_access_key_id !== accessKeyId)
    return neverGivenButMade(turn, row, after, entry);
  return save(turn, row, { ...after, pending_access_key_id: '' }, [entry]);
}

/** An earlier try made it: the credential of the last one is in nobody's hands. */
async function neverGivenButMade(
  turn: Turn,
  row: ExternalKeyStore,
  after: Parameters<typeof save>[2],
  entry: Parameters<typeof record>[2],
): Promise<ExternalKeyStore> {
  const withdrawn = await neverGiven(turn, row);
  return save(turn, withdrawn, after, [entry]);
}

/** After a failure: takes the try back where AWS certainly made nothing, looks whether it did, else leaves it to the watch. */
// oxlint-disable-next-line complexity -- one case for each thing that AWS may say
async function settle(turn: Turn, row: ExternalKeyStore, error: unknown): Promise<ExternalKeyStore> {
  if (!(error instanceof KeyStoreError)) throw error;
  const details = readDetails(row);
  if (error.certain && isInUse(error) && (details.tried ?? []).length > 1) {
    const inUseSince = details.inUseSince ?? turn.context.now().toISOString();
    const comes = isSettling(new Date(inUseSince), turn.context.now());
    const taken = await neverGiven(turn, row);
    const wanted_details = writeDetails({ ...details, inUseSince });
    const over = { wanted: null, wanted_details: null };
    const failure = { ...tellOf(error), fault: 'settling' };
    await recordFailure(turn, taken, failure, comes ? { wanted_details } : over);
    throw comes ? error.goneOnWith() : error;
  }
  if (error.certain) {
    const taken = await neverGiven(turn, row);
    const over = error.fault === 'throttled' ? {} : { wanted: null, wanted_details: null };
    await recordFailure(turn, taken, error, over);
    throw error.fault === 'throttled' ? error.goneOnWith() : error;
  }
  try {
    const made = madeBefore(row, await listKeyStores(turn.aws, row.region));
    if (made !== undefined) return await adopt(turn, row, made);
  } catch (second) {
    if (!(second instanceof AwsError)) throw second;
  }
  await recordFailure(turn, row, error);
  throw isInUse(error) ? perhapsItsOwn(error) : error.goneOnWith();
}

/** The SDK's own repetition of a creation whose answer was lost. */
function perhapsItsOwn(error: KeyStoreError): KeyStoreError {
  return new KeyStoreError(error, {
    message: `an answer of AWS was lost, and when asked again it says that name or endpoint are in use, most likely by the key store that it has just made: ${error.operation} (${error.code})`,
    remediation:
      'nothing: Holdfast looks for it and goes on by itself within minutes, or at once when it is repeated (see holdfast external-key-store show)',
  });
}

function isInUse({ code }: KeyStoreError): boolean {
  return code === 'CustomKeyStoreNameInUseException' || code === 'XksProxyUriInUseException';
}

function tellOf({ operation, code, message, remediation }: KeyStoreError) {
  return { operation, code, message, remediation };
}

/** Takes back a creation that came to nothing, so that it can be asked for anew. */
export async function takeBack(
  { context, act, keySet }: Pick<Turn, 'context' | 'act' | 'keySet'>,
  row: ExternalKeyStore,
  outcome: 'done' | 'refused',
): Promise<void> {
  await context.store.change(act, async (trx) => {
    await trx.deleteFrom('external_key_stores').where('id', '=', row.id).execute();
    if (row.pending_access_key_id !== '') await withdrawIn(trx, act, keySet, row.pending_access_key_id);
    await forgetCreation(trx, row.id);
    const verb = outcome === 'done' ? 'deleted' : 'create';
    await record(trx, act, { ...storeEntry(verb, row), outcome, before: auditedStore(row) });
  });
}

async function listed(turn: Turn, row: ExternalKeyStore): Promise<AwsKeyStore[]> {
  try {
    return await listKeyStores(turn.aws, row.region);
  } catch (error) {
    if (error instanceof AwsError) await recordFailure(turn, row, error);
    throw error;
  }
}

function madeBefore(row: ExternalKeyStore, there: readonly AwsKeyStore[]): AwsKeyStore | undefined {
  const { tried = [] }: WantedDetails = readDetails(row);
  return there.find(({ accessKeyId }) => tried.includes(accessKeyId));
}

/** Clashes are told in our words before a credential is issued in vain. */
async function checkFree(turn: Turn, row: ExternalKeyStore, there: readonly AwsKeyStore[]): Promise<void> {
  const wanted = wantedOf(turn, row);
  const same = there.find(
    ({ uriEndpoint, uriPath }) =>
      uriEndpoint.toLowerCase() === wanted.uriEndpoint && uriPath === wanted.uriPath,
  );
  const clash =
    same !== undefined
      ? new VaultError(
          'conflict',
          `the AWS account has an external key store with this endpoint and path already: ${same.id}`,
          (await isLinkedElsewhere(turn.context.store.db, turn.keySet.vault_id, row, same.id))
            ? `it is linked to another key set: ${linkedElsewhere}`
            : `link it: holdfast external-key-store link --id ${same.id}; where it was deleted just now, repeat in a minute: AWS lists it for a while`,
        )
      : there.some(({ name }) => name === wanted.name)
        ? new VaultError(
            'conflict',
            'another external key store of this AWS account and Region has this name',
            'take another name',
          )
        : undefined;
  if (clash === undefined) return;
  await recordFailure(turn, row, clash, { wanted: null });
  throw clash;
}
