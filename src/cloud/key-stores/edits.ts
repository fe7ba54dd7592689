import type { Act } from '../../evidence/trail.ts';
import type { KeyStoreProperties } from '../aws/key-stores.ts';
import { isSettling } from '../aws/presence.ts';
import type { AwsContext } from '../controller/context.ts';
import { changes, type Edit } from '../../vault/edits.ts';
import { accountFor, isByHand } from './accounts.ts';
import { asColumns, differing, propertiesOf } from './mirror.ts';
import { auditedStore, findStoreIn, storeEntry, type ExternalKeyStore } from './records.ts';
import { isToBeConnected, readDetails, writeDetails } from './wanted.ts';
import { parseCustomKeyStoreId, parseReach, parseStoreName, type ReachInput } from './fields.ts';
import { acting, write, type OnStore } from './acting.ts';
import { ask } from './key-stores.ts';
import { checkRowVersion } from '../../vault/context.ts';
import { xksUriPath } from '../../vault/names.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** States that a person may say a key store by hand is in. */
export const toldStates = ['CONNECTED', 'DISCONNECTED', 'FAILED', 'UNKNOWN'] as const;

export interface StoreInput extends ReachInput {
  name: string;
  /** Set the path in AWS to the key set's where it is another. */
  restorePath: boolean;
  /** Disconnect it for a change that AWS makes only then, and connect it again. */
  disconnect: boolean;
  /** Of one by hand. */
  customKeyStoreId: string;
  state: (typeof toldStates)[number];
  /** AWS's code, with FAILED. */
  connectionError: string;
}

/**
 * Changes it, in AWS first. Name and path at any time; endpoint, connectivity and VPC endpoint service only while it is
 * disconnected. Of one by hand what a person has done in AWS is written down. Throws NameError, AwsError; VaultError
 * `conflict`, `invalid`.
 */
export async function updateExternalKeyStore(
  context: AwsContext,
  act: Act,
  on: OnStore,
  input: Edit<StoreInput>,
): Promise<ExternalKeyStore> {
  const { keySet, id } = on;
  const seen = await findStoreIn(context.store.db, keySet, id);
  const account = await accountFor(context.store.db, seen);
  if (isByHand(seen, account)) return updateByHand(context, act, on, input);
  if (
    input.customKeyStoreId !== undefined ||
    input.state !== undefined ||
    input.connectionError !== undefined
  )
    throw new VaultError(
      'invalid',
      'id and state of this external key store come from AWS',
      'holdfast external-key-store refresh looks at it now',
    );
  const wanted = changeOf(seen, input, xksUriPath(keySet.path_prefix));
  if (Object.keys(differing(wanted, propertiesOf(seen))).length === 0 && seen.wanted !== 'UPDATE') {
    checkRowVersion(seen, on.expected);
    return seen;
  }
  return ask(context, act, on, 'update', (row) => {
    const before = row.wanted === 'UPDATE' ? readDetails(row) : {};
    return {
      wanted: 'UPDATE',
      wanted_details: writeDetails({
        ...before,
        change: { ...before.change, ...wanted },
        ...(isSettling(new Date(row.updated_at), context.now()) ? { unsettled: true } : {}),
        ...(input.disconnect === true ? { disconnect: true } : {}),
        ...(isToBeConnected(row, input.disconnect === true) ? { connect: true } : {}),
      }),
    };
  });
}

function changeOf(
  row: ExternalKeyStore,
  input: Edit<StoreInput>,
  uriPath: string,
): Partial<KeyStoreProperties> {
  const before = propertiesOf(row);
  return {
    ...(input.name === undefined ? {} : { name: parseStoreName(input.name) }),
    ...(input.restorePath === true ? { uriPath } : {}),
    ...reachOf(row, before, input),
  };
}

/** All of how AWS reaches the proxy where one part of it is told, since they go together. */
function reachOf(row: ExternalKeyStore, before: KeyStoreProperties, input: Edit<StoreInput>) {
  const { connectivity, uriEndpoint, vpcEndpointServiceName, vpcEndpointServiceOwner } = input;
  const told = [connectivity, uriEndpoint, vpcEndpointServiceName, vpcEndpointServiceOwner];
  if (told.every((value) => value === undefined)) return {};
  const toPublic = connectivity === 'PUBLIC_ENDPOINT';
  const reach = parseReach(
    {
      connectivity: connectivity ?? before.connectivity,
      uriEndpoint: uriEndpoint ?? before.uriEndpoint,
      vpcEndpointServiceName: vpcEndpointServiceName ?? (toPublic ? '' : before.vpcEndpointServiceName),
      vpcEndpointServiceOwner: vpcEndpointServiceOwner ?? (toPublic ? '' : before.vpcEndpointServiceOwner),
    },
    row.region,
  );
  if (reach.connectivity !== before.connectivity && reach.uriEndpoint === before.uriEndpoint.toLowerCase())
    throw new VaultError(
      'invalid',
      'with another connectivity the endpoint is another too: AWS KMS takes no host name for both in a Region',
      'name the endpoint as well: the private DNS name of the VPC endpoint service, or the public name',
    );
  return reach;
}

async function updateByHand(
  context: AwsContext,
  act: Act,
  on: OnStore,
  input: Edit<StoreInput>,
): Promise<ExternalKeyStore> {
  return acting(context, act, on, async (one) =>
    write(one, (row) => {
      const change = {
        ...asColumns(changeOf(row, input, xksUriPath(row.keySet.path_prefix))),
        ...(input.customKeyStoreId === undefined
          ? {}
          : { custom_key_store_id: parseCustomKeyStoreId(input.customKeyStoreId) }),
        ...stateOf(input, act.at),
      };
      const after = { ...row, ...change } as ExternalKeyStore;
      if (!changes<ExternalKeyStore>(row, after)) return undefined;
      const entry = { ...storeEntry('update', row), before: auditedStore(row), after: auditedStore(after) };
      return { change, entries: [entry] };
    }),
  );
}

function stateOf({ state, connectionError }: Edit<StoreInput>, at: Date) {
  if (state === undefined) {
    if (connectionError === undefined) return {};
    throw new VaultError('invalid', 'a connection error goes with the state FAILED', 'tell the state too');
  }
  if (connectionError !== undefined && state !== 'FAILED')
    throw new VaultError('invalid', 'a connection error goes with the state FAILED', 'leave it out');
  if (connectionError !== undefined && !/^[A-Z][A-Z0-9_]{2,63}$/.test(connectionError))
    throw new VaultError('invalid', 'a connection error code looks like XKS_PROXY_TIMED_OUT');
  return { state, connection_error: connectionError ?? '', checked_at: at.toISOString() };
}
