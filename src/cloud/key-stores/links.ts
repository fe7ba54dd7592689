import type { Act } from '../../evidence/trail.ts';
import { findKeyStore, listKeyStores, type AwsKeyStore } from '../aws/key-stores.ts';
import { isGone, orGone } from '../aws/presence.ts';
import { awsAccountOf } from '../accounts/context.ts';
import type { AwsContext } from '../controller/context.ts';
import { accountFor, byHandProblem, signsIn } from './accounts.ts';
import { acting, write } from './acting.ts';
import type { Reading } from '../../vault/edits.ts';
import { auditedStore, storeEntry, storeInRegion, type ExternalKeyStore } from './records.ts';
import { isLinkedElsewhere, linkedElsewhere } from './checks.ts';
import { nextLook } from './outcomes.ts';
import { parseCustomKeyStoreId, parseStoreName, parseStoreRegion, parseUriEndpoint } from './fields.ts';
import { checkOnlyOne, checkServed, insert, lastEndpoint, onlyOneProblem } from './create.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';
import { xksUriPath } from '../../vault/names.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** An external key store in AWS that may be the key set's. */
export interface Candidate extends AwsKeyStore {
  /** What of it is the key set's. */
  matches: ('PATH' | 'ENDPOINT' | 'CREDENTIAL')[];
  /** The record that it is linked as already. */
  linkedAs: string | null;
  /** Whether it can be linked: its path is the key set's. */
  fits: boolean;
}

/**
 * External key stores in the account and Region that point at the key set by path, endpoint or credential. The path
 * alone says nothing where the key set has no prefix. Throws VaultError `conflict` where Holdfast does not sign in there.
 */
export async function findCandidates(
  context: AwsContext,
  keySet: KeySet,
  regionText: string,
): Promise<Candidate[]> {
  const { db } = context.store;
  const account = await accountFor(db, keySet);
  const region = parseStoreRegion(regionText, account?.partition);
  if (!signsIn(account)) throw byHandProblem('look for it', 'then link it by its id');
  const there = await listKeyStores(await awsAccountOf(context, account, region), region);
  const [credentials, endpoints, linked] = await Promise.all([
    db.selectFrom('xks_credentials').select('access_key_id').where('key_set_id', '=', keySet.id).execute(),
    db
      .selectFrom('external_key_stores')
      .select('uri_endpoint')
      .where('vault_id', '=', keySet.vault_id)
      .execute(),
    db
      .selectFrom('external_key_stores')
      .select(['id', 'custom_key_store_id'])
      .where('vault_id', '=', keySet.vault_id)
      .where('region', '=', region)
      .execute(),
  ]);
  const ours = {
    path: xksUriPath(keySet.path_prefix),
    credentials: new Set(credentials.map(({ access_key_id }) => access_key_id)),
    endpoints: new Set(endpoints.map(({ uri_endpoint }) => uri_endpoint.toLowerCase())),
  };
  return there.flatMap((one) => {
    const fits = one.uriPath === ours.path;
    const matches: Candidate['matches'] = [
      ...(fits ? ['PATH' as const] : []),
      ...(ours.endpoints.has(one.uriEndpoint.toLowerCase()) ? ['ENDPOINT' as const] : []),
      ...(ours.credentials.has(one.accessKeyId) ? ['CREDENTIAL' as const] : []),
    ];
    const isTelling = keySet.path_prefix !== '' || matches.some((match) => match !== 'PATH');
    const linkedAs = linked.find(({ custom_key_store_id }) => custom_key_store_id === one.id)?.id ?? null;
    return matches.length > 0 && isTelling ? [{ ...one, matches, linkedAs, fits }] : [];
  });
}

export interface LinkInput {
  region: string;
  customKeyStoreId: string;
  /** Of one that is not looked at. */
  name?: string | undefined;
  uriEndpoint?: string | undefined;
}

/**
 * Takes an external key store that a person made in AWS into the records. Where Holdfast signs in there it is looked at:
 * its path must be the key set's. A credential of it that is not live shows as a warning. Throws NameError, AwsError;
 * VaultError `conflict`, `invalid`.
 */
export async function linkExternalKeyStore(
  context: AwsContext,
  act: Act,
  keySet: KeySet,
  input: LinkInput,
): Promise<ExternalKeyStore> {
  checkServed(keySet);
  const account = await accountFor(context.store.db, keySet);
  const region = parseStoreRegion(input.region, account?.partition);
  const id = parseCustomKeyStoreId(input.customKeyStoreId);
  const columns = signsIn(account)
    ? columnsSeen(await seenInAws(context, keySet, account, region, id), context.now())
    : await columnsTold(context, keySet, input);
  const known = await storeInRegion(context.store.db, keySet, region);
  const checkFree = async (trx: Reading) => {
    if (await isLinkedElsewhere(trx, keySet.vault_id, { id: known?.id ?? '', region }, id))
      throw new VaultError(
        'conflict',
        'this external key store is linked to another key set already',
        linkedElsewhere,
      );
  };
  if (known === undefined)
    return context.store.write(act, async (trx) => {
      await checkFree(trx);
      await checkOnlyOne(trx, keySet, region);
      return insert(trx, act, keySet, { region, ...columns, custom_key_store_id: id }, 'link');
    });
  // One that was told of before it was made, or before Holdfast signed in to AWS: what is not told stays as it is.
  const told = signsIn(account) ? columns : columnsAgain(input);
  const change = { ...told, custom_key_store_id: id, csp_account_id: keySet.csp_account_id };
  return acting(context, act, { keySet, id: known.id }, async (one) =>
    write(one, (row) => {
      const isSame = row.custom_key_store_id === '' || row.custom_key_store_id === id;
      if (row.origin !== 'MANUAL' || !isSame) throw onlyOneProblem(row);
      const after = auditedStore({ ...row, ...change });
      const entry = { ...storeEntry('link', row), before: auditedStore(row), after, creates: true };
      return { change, entries: [entry], also: checkFree };
    }),
  );
}

async function seenInAws(
  context: AwsContext,
  keySet: KeySet,
  account: Parameters<typeof awsAccountOf>[1],
  region: string,
  id: string,
): Promise<AwsKeyStore> {
  const aws = await awsAccountOf(context, account, region);
  const never = { madeAt: null, seenAt: null };
  const seen = await orGone(async () => findKeyStore(aws, region, id), never, 0, context.now());
  if (isGone(seen))
    throw new VaultError(
      'conflict',
      'AWS shows no external key store of this id in the account and Region',
      'repeat it in a minute where it was made just now; holdfast external-key-store candidates lists those that may be the key set’s',
    );
  const path = xksUriPath(keySet.path_prefix);
  if (seen.uriPath === path) return seen;
  throw new VaultError(
    'conflict',
    'the external key store has the path of another key set, or of another proxy',
    `set its proxy URI path to ${path} in AWS where it is to be this key set’s, then link it`,
  );
}

function columnsSeen(seen: AwsKeyStore, now: Date) {
  return {
    origin: 'LINKED' as const,
    name: seen.name,
    connectivity: seen.connectivity,
    uri_endpoint: seen.uriEndpoint,
    uri_path: seen.uriPath,
    vpc_endpoint_service_name: seen.vpcEndpointServiceName,
    vpc_endpoint_service_owner: seen.vpcEndpointServiceOwner,
    access_key_id: seen.accessKeyId,
    pending_access_key_id: '',
    state: seen.state,
    connection_error: seen.connectionError,
    problem: null,
    made_at: (seen.createdAt ?? now).toISOString(),
    seen_at: now.toISOString(),
    checked_at: now.toISOString(),
    next_check_at: nextLook({ state: seen.state, wanted: null }, now),
  };
}

async function columnsTold(context: AwsContext, keySet: KeySet, input: LinkInput) {
  const known = await lastEndpoint(context, keySet);
  const endpoint = input.uriEndpoint ?? known;
  if (endpoint === undefined)
    throw new VaultError(
      'invalid',
      'the endpoint is missing, and Holdfast does not look into AWS for this key set',
      'name it as it is in AWS: https:// and a host name',
    );
  return {
    origin: 'MANUAL' as const,
    name: parseStoreName(input.name ?? keySet.name),
    connectivity: 'PUBLIC_ENDPOINT' as const,
    uri_endpoint: parseUriEndpoint(endpoint),
    state: 'UNKNOWN' as const,
  };
}

/** Of one that is on record: only what is told now. */
function columnsAgain({ name, uriEndpoint }: LinkInput) {
  return {
    ...(name === undefined ? {} : { name: parseStoreName(name) }),
    ...(uriEndpoint === undefined ? {} : { uri_endpoint: parseUriEndpoint(uriEndpoint) }),
  };
}
