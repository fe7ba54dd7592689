import type { Act } from '../../evidence/trail.ts';
import type { KeyStoreProperties } from '../aws/key-stores.ts';
import { isSettling } from '../aws/presence.ts';
import type { AwsHouse } from '../accounts/context.ts';
import { changes, type Edit } from '../../vault/edits.ts';
import { accountFor, isByHand } from './accounts.ts';
import { asColumns, differing, propertiesOf } from './mirror.ts';
import { auditedStore, findStoreIn, storeEntry, type ExternalKeyStore } from './records.ts';
import { inTurn, saveIn } from './turn.ts';
import { isToBeConnected, readDetails, writeDetails } from './wanted.ts';
import { parseCustomKeyStoreId, parseReach, parseStoreName, type ReachWish } from './fields.ts';
import { ask, type OnStore } from './key-stores.ts';
import { checkRowVersion } from '../../vault/context.ts';
import { xksUriPath } from '../../vault/names.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** States that a person may say a key store by hand is in. */
export const toldStates = ['CONNECTED', 'DISCONNECTED', 'FAILED', 'UNKNOWN'] as const;

export interface StoreWish extends ReachWish {
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
  house: AwsHouse,
  act: Act,
  on: OnStore,
  wish: Edit<StoreWish>,
): Promise<ExternalKeyStore> {
  const { keySet, id } = on;
  const seen = await findStoreIn(house.store.db, keySet, id);
  const account = await accountFor(house.store.db, seen);
  if (isByHand(seen, account)) return updateByHand(house, act, on, wish);
  if (wish.customKeyStoreId !== undefined || wish.state !== undefined || wish.connectionError !== undefined)
    throw new VaultError(
      'invalid',
      'id and state of this external key store come from AWS',
      'holdfast external-key-store refresh looks at it now',
    );
  const wanted = changeOf(seen, wish, xksUriPath(keySet.path_prefix));
  if (Object.keys(differing(wanted, propertiesOf(seen))).length === 0 && seen.wanted !== 'UPDATE') {
    checkRowVersion(seen, on.expected);
    return seen;
  }
  return ask(house, act, on, 'update', (row) => {
    const before = row.wanted === 'UPDATE' ? readDetails(row) : {};
    const wasUp = row.state === 'CONNECTED' || row.state === 'CONNECTING';
    return {
      wanted: 'UPDATE',
      wanted_details: writeDetails({
        ...before,
        change: { ...before.change, ...wanted },
        ...(isSettling(new Date(row.updated_at), house.now()) ? { unsettled: true } : {}),
        ...(wish.disconnect === true ? { disconnect: true } : {}),
        ...(isToBeConnected(row) || (wish.disconnect === true && wasUp) ? { connect: true } : {}),
      }),
    };
  });
}

function changeOf(
  row: ExternalKeyStore,
  wish: Edit<StoreWish>,
  uriPath: string,
): Partial<KeyStoreProperties> {
  const before = propertiesOf(row);
  return {
    ...(wish.name === undefined ? {} : { name: parseStoreName(wish.name) }),
    ...(wish.restorePath === true ? { uriPath } : {}),
    ...reachOf(row, before, wish),
  };
}

/** All of how AWS reaches the proxy where one part of it is told, since they go together. */
function reachOf(row: ExternalKeyStore, before: KeyStoreProperties, wish: Edit<StoreWish>) {
  const { connectivity, uriEndpoint, vpcEndpointServiceName, vpcEndpointServiceOwner } = wish;
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
  house: AwsHouse,
  act: Act,
  { keySet, id, expected }: OnStore,
  wish: Edit<StoreWish>,
): Promise<ExternalKeyStore> {
  return inTurn(house, id, async () =>
    house.store.write(act, async (trx) => {
      const row = await findStoreIn(trx, keySet, id);
      checkRowVersion(row, expected);
      const change = {
        ...asColumns(changeOf(row, wish, xksUriPath(keySet.path_prefix))),
        ...(wish.customKeyStoreId === undefined
          ? {}
          : { custom_key_store_id: parseCustomKeyStoreId(wish.customKeyStoreId) }),
        ...stateOf(wish, act.at),
      };
      const after = { ...row, ...change } as ExternalKeyStore;
      if (!changes<ExternalKeyStore>(row, after)) return row;
      return saveIn(trx, act, row, change, [
        { ...storeEntry('update', row), before: auditedStore(row), after: auditedStore(after) },
      ]);
    }),
  );
}

function stateOf({ state, connectionError }: Edit<StoreWish>, at: Date) {
  if (state === undefined) {
    if (connectionError === undefined) return {};
    throw new VaultError('invalid', 'a connection error goes with the state FAILED', 'tell the state too');
  }
  if (connectionError !== undefined && state !== 'FAILED')
    throw new VaultError('invalid', 'a connection error goes with the state FAILED', 'leave it out');
  if (connectionError !== undefined && !/^[A-Z][A-Z0-9_]{2,63}$/.test(connectionError))
    throw new VaultError('invalid', 'a connection error code is such as XKS_PROXY_TIMED_OUT');
  return { state, connection_error: connectionError ?? '', checked_at: at.toISOString() };
}
