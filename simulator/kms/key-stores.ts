import { randomBytes } from 'node:crypto';
import type { SimulatedCall } from '../service.ts';
import { authorizeCall } from './access.ts';
import { kmsError } from './errors.ts';
import { Input } from './input.ts';
import type { Kms } from './kms-house.ts';
import { page } from './pages.ts';
import { storeName, type KeyStore, type StoreSettings } from './records.ts';
import { changed, needDisconnected, readChanges, readNewStore, refuseDuplicates } from './store-settings.ts';
import { recordParameters, recordResponse } from './trail.ts';
import { exceptionFor } from './xks-exceptions.ts';

/** Developer guide, "Resource quotas". */
const maxStores = 10;

export async function createCustomKeyStore(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  recordSettings(call, input);
  authorizeCall(call, 'kms:CreateCustomKeyStore');
  const settings = readNewStore(input);
  const { stores } = kms.state.place(call.accountId, call.region);
  const accept = () => {
    if (stores.size >= maxStores)
      throw kmsError(
        'LimitExceededException',
        `An account has at most ${maxStores} custom key stores in a Region`,
      );
    refuseDuplicates(settings, call, kms.state.stores(call.region));
  };
  accept();
  const store: KeyStore = {
    id: `cks-${randomBytes(9).toString('hex').slice(0, 17)}`,
    accountId: call.accountId,
    region: call.region,
    createdAt: kms.house.now().getTime(),
    settings,
    state: 'DISCONNECTED',
  };
  await checkProxy(kms, call, store, settings, { ask: settings.connectivity === 'PUBLIC_ENDPOINT' });
  // Another one may have been made while the proxy was asked.
  accept();
  kms.house.consistency.changing(storeName(store.id), undefined);
  stores.set(store.id, store);
  kms.house.changed();
  recordResponse(call, { customKeyStoreId: store.id });
  return { CustomKeyStoreId: store.id };
}

export function describeCustomKeyStores(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const id = input.optionalText('CustomKeyStoreId', { max: 64 });
  const name = input.optionalText('CustomKeyStoreName', { max: 256 });
  recordParameters(call, { customKeyStoreId: id, customKeyStoreName: name });
  authorizeCall(call, 'kms:DescribeCustomKeyStores');
  const { stores } = kms.state.place(call.accountId, call.region);
  const { consistency } = kms.house;
  const isThere = (ghost: string) => stores.has(ghost.slice(storeName('').length));
  const gone = consistency
    .ghosts<KeyStore>(storeName(''), isThere)
    .filter(({ accountId, region }) => accountId === call.accountId && region === call.region);
  const known = [...stores.values()].flatMap((store) => consistency.seen(storeName(store.id), store) ?? []);
  const matching = [...known, ...gone].filter(
    (store) => (id === undefined || store.id === id) && (name === undefined || store.settings.name === name),
  );
  if (matching.length === 0 && (id ?? name) !== undefined) throw storeNotFound();
  const { items, truncation } = page(
    input,
    matching,
    ({ createdAt, id }) => `${String(createdAt).padStart(16, '0')} ${id}`,
    {
      standard: 100,
      max: 1000,
    },
  );
  return { CustomKeyStores: items.map(describe), ...truncation };
}

export async function updateCustomKeyStore(kms: Kms, call: SimulatedCall) {
  const { consistency } = kms.house;
  const input = new Input(call.input);
  recordSettings(call, input);
  authorizeCall(call, 'kms:UpdateCustomKeyStore');
  const store = findStore(kms, call, input);
  const changes = readChanges(input);
  const allowed = () => {
    if (needDisconnected(changes) && store.state !== 'DISCONNECTED')
      throw invalidState('These settings can be changed only while the custom key store is disconnected');
    refuseDuplicates(changed(store.settings, changes), store, kms.state.stores(call.region));
  };
  allowed();
  const { name: _, ...ofProxy } = changes;
  // With a VPC endpoint service KMS has a way to the proxy only while it is connected.
  const after = changed(store.settings, changes);
  const reaches = after.connectivity === 'PUBLIC_ENDPOINT' || store.state === 'CONNECTED';
  if (Object.keys(ofProxy).length > 0) await checkProxy(kms, call, store, after, { ask: reaches });
  if (!kms.state.place(call.accountId, call.region).stores.has(store.id)) throw storeNotFound();
  allowed();
  consistency.changing(storeName(store.id), store);
  const spreadMs = kms.house.options.time?.updateSpreadMs ?? 0;
  if (changes.credential !== undefined && store.state === 'CONNECTED' && (kms.slowUpdates || spreadMs > 0)) {
    store.previousCredential = store.settings.credential;
    if (!kms.slowUpdates) store.spreadAt = kms.house.now().getTime() + spreadMs;
  }
  store.settings = changed(store.settings, changes);
  kms.house.changed();
}

export function deleteCustomKeyStore(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  recordParameters(call, { customKeyStoreId: input.text('CustomKeyStoreId', { max: 64 }) });
  authorizeCall(call, 'kms:DeleteCustomKeyStore');
  const store = findStore(kms, call, input);
  const place = kms.state.place(call.accountId, call.region);
  if ([...place.keys.values()].some((key) => key.keyStoreId === store.id))
    throw kmsError(
      'CustomKeyStoreHasCMKsException',
      'The custom key store still has KMS keys, perhaps waiting to be deleted',
    );
  if (store.state !== 'DISCONNECTED')
    throw invalidState('A custom key store must be disconnected before it is deleted');
  kms.house.consistency.changing(storeName(store.id), store);
  place.stores.delete(store.id);
  kms.house.changed();
}

export function connectCustomKeyStore(kms: Kms, call: SimulatedCall) {
  const store = storeOfCall(kms, call, 'kms:ConnectCustomKeyStore');
  if (store.state === 'DISCONNECTING' || store.state === 'FAILED')
    throw invalidState('A custom key store that is FAILED must be disconnected before it is connected again');
  if (store.state === 'DISCONNECTED') kms.connections.connect(store, call.requestId);
}

export function disconnectCustomKeyStore(kms: Kms, call: SimulatedCall) {
  const store = storeOfCall(kms, call, 'kms:DisconnectCustomKeyStore');
  if (store.state === 'DISCONNECTING' || store.state === 'DISCONNECTED')
    throw invalidState('The custom key store is disconnected already');
  kms.connections.disconnect(store);
}

function storeOfCall(kms: Kms, call: SimulatedCall, action: string): KeyStore {
  const input = new Input(call.input);
  recordParameters(call, { customKeyStoreId: input.text('CustomKeyStoreId', { max: 64 }) });
  authorizeCall(call, action);
  return findStore(kms, call, input);
}

export function findStore(kms: Kms, call: SimulatedCall, input: Input): KeyStore {
  const store = kms.state
    .place(call.accountId, call.region)
    .stores.get(input.text('CustomKeyStoreId', { max: 64 }));
  if (store === undefined || kms.house.consistency.seen(storeName(store.id), store) === undefined)
    throw storeNotFound();
  return store;
}

/** Asks the proxy for its health with settings that a key store is to get. */
async function checkProxy(
  kms: Kms,
  call: SimulatedCall,
  store: KeyStore,
  settings: StoreSettings,
  { ask }: { ask: boolean },
): Promise<void> {
  if (settings.connectivity === 'VPC_ENDPOINT_SERVICE') {
    const problem = kms.vpcEndpointServices.problem(settings, store);
    if (problem !== undefined)
      throw kmsError(
        problem.kind === 'not-found'
          ? 'XksProxyVpcEndpointServiceNotFoundException'
          : 'XksProxyVpcEndpointServiceInvalidConfigurationException',
        problem.message,
      );
  }
  if (!ask) return;
  try {
    await kms.proxies.client.health(kms.proxies.withSettings(store, settings), {
      kmsOperation: call.action,
      kmsRequestId: call.requestId,
    });
  } catch (error) {
    throw exceptionFor(error, 'key-store');
  }
}

/** Never the secret, and no VPC members for a public endpoint. */
function describe({ id, accountId, createdAt, settings, state, errorCode }: KeyStore) {
  const { name, connectivity, uriEndpoint, uriPath, credential, vpcEndpointServiceName } = settings;
  return {
    CustomKeyStoreId: id,
    CustomKeyStoreName: name,
    CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
    ConnectionState: state,
    ConnectionErrorCode: errorCode,
    CreationDate: createdAt / 1000,
    XksProxyConfiguration: {
      Connectivity: connectivity,
      AccessKeyId: credential.accessKeyId,
      UriEndpoint: uriEndpoint,
      UriPath: uriPath,
      VpcEndpointServiceName: vpcEndpointServiceName,
      VpcEndpointServiceOwner:
        vpcEndpointServiceName === undefined ? undefined : (settings.vpcEndpointServiceOwner ?? accountId),
    },
  };
}

function recordSettings(call: SimulatedCall, input: Input): void {
  const { XksProxyAuthenticationCredential: _, ...others } = call.input;
  const shown = Object.entries(others).filter(([, value]) => typeof value === 'string');
  const parameters = shown.map(([name, value]) => [name.charAt(0).toLowerCase() + name.slice(1), value]);
  const credential = input.object('XksProxyAuthenticationCredential');
  recordParameters(call, {
    ...(Object.fromEntries(parameters) as Record<string, unknown>),
    ...(credential === undefined
      ? {}
      : {
          xksProxyAuthenticationCredential: {
            accessKeyId: credential.optionalText('AccessKeyId'),
            rawSecretAccessKey: 'HIDDEN_DUE_TO_SECURITY_REASONS',
          },
        }),
  });
}

function storeNotFound() {
  return kmsError(
    'CustomKeyStoreNotFoundException',
    'There is no such custom key store in this account and Region',
  );
}

function invalidState(message: string) {
  return kmsError('CustomKeyStoreInvalidStateException', message);
}
