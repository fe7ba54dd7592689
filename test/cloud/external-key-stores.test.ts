import anyTest, { type TestFn } from 'ava';
import { CreateKeyCommand, KMSClient, UpdateCustomKeyStoreCommand } from '@aws-sdk/client-kms';
import { connectionErrors } from '../../src/cloud/aws/connection-errors.ts';
import { AwsError } from '../../src/cloud/aws/aws-error.ts';
import { showStore } from '../../src/admin/cloud/external-key-store-forms.ts';
import { createCloudKey } from '../../src/keys/cloud-keys.ts';
import { withdrawCredential } from '../../src/keys/credentials/credentials.ts';
import { updateExternalKeyStore } from '../../src/cloud/key-stores/edits.ts';
import type { ExternalKeyStore } from '../../src/cloud/key-stores/records.ts';
import { createKmsKey } from '../../src/cloud/kms-keys/create.ts';
import { linkExternalKeyStore } from '../../src/cloud/key-stores/links.ts';
import { viewsOf } from '../../src/cloud/key-stores/view.ts';
import { nextStoreLook, refreshExternalKeyStore, keyStoreLooks } from '../../src/cloud/key-stores/watch.ts';
import { runDue } from '../../src/cloud/controller/scheduled.ts';
import {
  connectExternalKeyStore,
  createExternalKeyStore,
  deleteExternalKeyStore,
  disconnectExternalKeyStore,
} from '../../src/cloud/key-stores/key-stores.ts';
import { deleteKeySet, keySetWarnings, updateKeySet, type KeySet } from '../../src/keys/key-sets/key-sets.ts';
import { deleteVault } from '../../src/tenancy/vault-deletion.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { eventsOf, fresh, insertGroup, insertVault } from '../../testing/vault.ts';
import { XksStub } from '../support/xks-stub.ts';
import {
  anHourOfWatching,
  endpoint,
  inAws,
  liveCredentials,
  newConnected,
  newKeySetInAws,
  openStage,
  region,
  secondHostName,
  storeOf,
  type KeySetInAws,
  type Stage,
} from '../../testing/external-key-store-stage.ts';

const test = anyTest as TestFn<Stage>;

test.before(async (t) => {
  t.context = await openStage({ kind: 'what each act sends and answers is what is tested' });
});
test.after.always(async (t) => t.context.dispose());

const publicly = { region, connectivity: 'PUBLIC_ENDPOINT' as const, uriEndpoint: endpoint };

async function make(
  stage: Stage,
  keySet: KeySet,
  input: Partial<Parameters<typeof createExternalKeyStore>[3]> = {},
) {
  return createExternalKeyStore(stage.vaultContext, stage.act(), keySet, { ...publicly, ...input });
}

async function look(
  { vaultContext, act }: Stage,
  keySet: KeySet,
  { id }: ExternalKeyStore,
): Promise<ExternalKeyStore> {
  const row = await refreshExternalKeyStore(vaultContext, act(), { keySet, id });
  if (row === undefined) throw new Error('it is gone');
  return row;
}

async function shown({ vaultContext }: Stage, keySet: KeySet, row: ExternalKeyStore) {
  const [view] = await viewsOf(vaultContext, keySet, [row]);
  if (view === undefined) throw new Error('nothing to show');
  return showStore(view);
}

/** The SDK as somebody else in the same AWS account uses it. */
function sdk({ simulator }: Stage, { account }: KeySetInAws, where = region): KMSClient {
  return new KMSClient({
    endpoint: simulator.url,
    region: where,
    credentials: { accessKeyId: account.accessKeyId, secretAccessKey: account.secretAccessKey },
    maxAttempts: 1,
    requestHandler: { httpsAgent: { ca: simulator.ca } },
  });
}

test.serial(
  'an external key store is made with a credential of its own, connected, and watched until AWS has done so',
  async (t) => {
    const { vaultContext, act, simulator, clock } = t.context;
    const made = await newKeySetInAws(t.context);
    const { keySet } = made;
    const store = await make(t.context, keySet, { name: 'Payroll keys' });
    t.like(store, {
      state: 'DISCONNECTED',
      origin: 'HOLDFAST',
      wanted: null,
      pending_access_key_id: '',
      problem: null,
    });
    t.regex(store.custom_key_store_id, /^cks-/);
    const [there, ...more] = await inAws(t.context, made);
    t.deepEqual(more, []);
    t.like(there, {
      id: store.custom_key_store_id,
      name: 'Payroll keys',
      uriEndpoint: endpoint,
      uriPath: `/${keySet.path_prefix}/kms/xks/v1`,
      accessKeyId: store.access_key_id,
    });
    t.deepEqual(await liveCredentials(t.context, keySet), [store.access_key_id]);

    const connecting = await connectExternalKeyStore(vaultContext, act(), { keySet, id: store.id });
    t.like(connecting, { state: 'CONNECTING', wanted: null });
    const soon = await nextStoreLook(vaultContext);
    t.true(
      soon !== undefined && soon.getTime() - vaultContext.now().getTime() <= 5_000,
      'the next look is seconds away',
    );
    await simulator.kms.connected(store.custom_key_store_id);
    clock.ahead += 10_000;
    t.like(await runDue(keyStoreLooks, vaultContext), { failed: 0 });
    const connected = await storeOf(t.context, keySet);
    t.is(connected?.state, 'CONNECTED');
    const pause = async () =>
      Date.parse((await storeOf(t.context, keySet))?.next_check_at ?? '') - vaultContext.now().getTime();
    const { updated_at } = connected ?? { updated_at: '' };
    t.true((await pause()) <= 33_000, 'then half minutes, while AWS may show what was before');
    clock.ahead += 10 * 60_000;
    await runDue(keyStoreLooks, vaultContext);
    t.true((await pause()) > 4 * 60_000, 'then minutes');
    t.is((await storeOf(t.context, keySet))?.updated_at, updated_at);
    t.deepEqual(
      (await eventsOf(vaultContext as never, store.id)).map(({ action }) => action),
      [
        'external-key-store.create',
        'external-key-store.made',
        'external-key-store.connect',
        'external-key-store.state',
      ],
    );
  },
);

test.serial(
  'a name or an address that another key store has is told in words, and nothing is left',
  async (t) => {
    const first = await newKeySetInAws(t.context);
    await make(t.context, first.keySet, { name: 'taken' });
    const { keySet } = await newKeySetInAws(t.context, { account: first.account, csp: {} });
    const clash = await t.throwsAsync(make(t.context, keySet, { name: 'taken' }), { instanceOf: VaultError });
    t.regex(clash.message, /has this name/);
    t.is(await storeOf(t.context, keySet), undefined);
    t.deepEqual(await liveCredentials(t.context, keySet), []);
    // Made by hand, with the address that is to be made.
    const elsewhere = await newKeySetInAws(t.context, { account: first.account });
    const other = await make(t.context, elsewhere.keySet);
    await sdk(t.context, first).send(
      new UpdateCustomKeyStoreCommand({
        CustomKeyStoreId: other.custom_key_store_id,
        XksProxyUriPath: `/${elsewhere.keySet.path_prefix}/kms/xks/v1`,
      }),
    );
    await deleteExternalKeyStore(
      t.context.vaultContext,
      t.context.act(),
      { keySet: elsewhere.keySet, id: other.id },
      { forget: true },
    );
    const address = await t.throwsAsync(make(t.context, elsewhere.keySet), { instanceOf: VaultError });
    t.regex(address.message, new RegExp(other.custom_key_store_id));
    t.regex(address.remediation ?? '', /external-key-store link/);
  },
);

test.serial(
  'two key sets without path prefix: told of when the second is made, and no dead end at create and link',
  async (t) => {
    const { vaultContext, act } = t.context;
    const first = await newKeySetInAws(t.context, { pathPrefix: '' });
    t.deepEqual(await keySetWarnings(vaultContext.store.db, first.keySet), []);
    const made = await make(t.context, first.keySet);
    const second = await newKeySetInAws(t.context, { account: first.account, pathPrefix: '' });
    const [warning, ...more] = await keySetWarnings(vaultContext.store.db, second.keySet);
    t.deepEqual(more, []);
    t.is(warning?.code, 'path-shared');
    t.regex(
      warning?.message ?? '',
      /AWS KMS has each pair of proxy endpoint and path once in an AWS account/,
    );
    t.regex(warning?.remediation ?? '', /key-set edit KEY-SET --path-prefix/);
    const prefixed = await newKeySetInAws(t.context);
    t.deepEqual(await keySetWarnings(vaultContext.store.db, prefixed.keySet), []);

    const id = made.custom_key_store_id;
    const create = await t.throwsAsync(make(t.context, second.keySet), { instanceOf: VaultError });
    t.regex(create.message, new RegExp(`endpoint and path already: ${id}`));
    t.regex(create.remediation ?? '', /^it is linked to another key set: .*--path-prefix/);
    const link = await t.throwsAsync(
      linkExternalKeyStore(vaultContext, act(), second.keySet, { region: made.region, customKeyStoreId: id }),
      { instanceOf: VaultError },
    );
    t.regex(link.message, /linked to another key set/);
    t.regex(link.remediation ?? '', /delete .*--forget.*--path-prefix/);
  },
);

test.serial(
  'what AWS refuses because it does not reach the proxy is taken back, the credential withdrawn, and says the way out',
  async (t) => {
    const { keySet } = await newKeySetInAws(t.context);
    const error = await t.throwsAsync(
      make(t.context, keySet, { uriEndpoint: 'https://nowhere.example.test' }),
      {
        instanceOf: AwsError,
      },
    );
    t.is(error.code, 'XksProxyUriUnreachableException');
    t.regex(error.remediation, /holdfast doctor/);
    t.is(await storeOf(t.context, keySet), undefined);
    t.deepEqual(await liveCredentials(t.context, keySet), []);
    t.is((await make(t.context, keySet)).state, 'DISCONNECTED', 'asked for again it is made');
  },
);

test.serial(
  'what is no fully qualified https address, no Region of the partition, or a second one in a Region is refused',
  async (t) => {
    const { keySet } = await newKeySetInAws(t.context);
    for (const uriEndpoint of [
      'http://xks.example.test',
      'https://xks.example.test:443',
      'https://xks.example.test/path',
      'https://localhost',
      'https://192.0.2.1',
      'https://-a.example.test',
      'https://xks.example.test.',
    ])
      await t.throwsAsync(
        make(t.context, keySet, { uriEndpoint }),
        { message: /fully qualified/ },
        uriEndpoint,
      );
    await t.throwsAsync(make(t.context, keySet, { region: 'cn-north-1' }), { message: /partition aws/ });
    await t.throwsAsync(make(t.context, keySet, { region: '' }), { message: /Region is missing/ });
    const vpc = { connectivity: 'VPC_ENDPOINT_SERVICE' as const };
    await t.throwsAsync(make(t.context, keySet, vpc), { message: /VPC endpoint service is missing/ });
    await t.throwsAsync(
      make(t.context, keySet, {
        ...vpc,
        vpcEndpointServiceName: 'com.amazonaws.vpce.us-east-1.vpce-svc-0a1b2c3d',
      }),
      { message: /another Region/ },
    );
    await make(t.context, keySet, { uriEndpoint: endpoint.toUpperCase().replace('HTTPS', 'https') });
    await t.throwsAsync(make(t.context, keySet), {
      message: /has an external key store in this Region already/,
    });
    const unserved = await newKeySetInAws(t.context, { externalKeyStore: false });
    await t.throwsAsync(make(t.context, unserved.keySet), { message: /is not an external key store/ });
  },
);

test.serial('an endpoint that is not told is the one used last', async (t) => {
  const { keySet } = await newKeySetInAws(t.context);
  await make(t.context, keySet);
  const second = await createExternalKeyStore(t.context.vaultContext, t.context.act(), keySet, {
    region: 'eu-west-1',
    connectivity: 'PUBLIC_ENDPOINT',
  });
  t.is(second.uri_endpoint, endpoint);
});

test.serial('two Regions have a credential each, and one may go without the other', async (t) => {
  const { vaultContext, act } = t.context;
  const made = await newKeySetInAws(t.context);
  const { keySet } = made;
  const first = await make(t.context, keySet);
  const second = await make(t.context, keySet, { region: 'eu-west-1' });
  t.not(first.access_key_id, second.access_key_id);
  t.deepEqual(
    [(await inAws(t.context, made)).length, (await inAws(t.context, made, 'eu-west-1')).length],
    [1, 1],
  );
  t.is(await deleteExternalKeyStore(vaultContext, act(), { keySet, id: first.id }, {}), undefined);
  t.deepEqual(await liveCredentials(t.context, keySet), [second.access_key_id]);
  t.deepEqual(await inAws(t.context, made), []);
  t.is((await inAws(t.context, made, 'eu-west-1')).length, 1);
});

test.serial('one that FAILED is disconnected first, then connected again, by asking once', async (t) => {
  const { vaultContext, act, simulator } = t.context;
  const { keySet, store } = await newConnected(t.context);
  await withdrawCredential(vaultContext, act(), keySet, { accessKeyId: store.access_key_id });
  await disconnectExternalKeyStore(vaultContext, act(), { keySet, id: store.id });
  await anHourOfWatching(t.context);
  await connectExternalKeyStore(vaultContext, act(), { keySet, id: store.id });
  await simulator.kms.settled(store.custom_key_store_id, { now: true });
  const failed = await look(t.context, keySet, store);
  t.like(failed, { state: 'FAILED', connection_error: 'INVALID_CREDENTIALS' });
  const { connectionError, warnings } = await shown(t.context, keySet, failed);
  t.regex(connectionError?.remediation ?? '', /rotate-credential/);
  t.deepEqual(
    warnings.map(({ code }) => code),
    ['CREDENTIAL_NOT_LIVE'],
  );

  const again = await connectExternalKeyStore(vaultContext, act(), { keySet, id: store.id });
  t.like(again, { state: 'DISCONNECTING', wanted: 'CONNECT', connection_error: '' });
  await simulator.kms.settled(store.custom_key_store_id, { now: true });
  t.like(await look(t.context, keySet, store), { state: 'CONNECTING', wanted: null });
});

// With a VPC endpoint service AWS asks the proxy only while it connects: so every failure can be had there.
const failures: Partial<
  Record<keyof typeof connectionErrors, (stub: XksStub, stage: Stage, host: string, service: string) => void>
> = {
  XKS_PROXY_ACCESS_DENIED: (stub) =>
    stub.always('health', { status: 403, body: { errorName: 'AccessDeniedException' } }),
  XKS_PROXY_INVALID_CONFIGURATION: (stub) =>
    stub.always('health', { status: 404, body: { errorName: 'InvalidUriPathException' } }),
  XKS_PROXY_INVALID_RESPONSE: (stub) =>
    stub.always('health', { body: 'It works!', contentType: 'text/html' }),
  XKS_PROXY_NOT_REACHABLE: (_, { resolve }, host) => {
    resolve[host] = '127.0.0.1:1';
  },
  XKS_PROXY_INVALID_TLS_CONFIGURATION: (_, { resolve, simulator }, host) => {
    // A server whose certificate nobody vouches for.
    resolve[host] = `127.0.0.1:${simulator.port}`;
  },
  XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND: (_, { simulator }, __, service) =>
    simulator.kms.removeVpcEndpointService(service),
  XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION: (_, { simulator }, host, service) =>
    simulator.kms.putVpcEndpointService({
      name: service,
      ownerAccountId: '111122223333',
      privateDnsName: host,
      acceptanceRequired: true,
    }),
};

for (const [code, provoke] of Object.entries(failures))
  test.serial(`a connection that fails with ${code} is shown with meaning, cause and way out`, async (t) => {
    const { vaultContext, act, simulator, node, resolve } = t.context;
    const host = `${fresh('vpc')}.example.test`;
    const tls = await node.ca.issue(host, { dnsNames: [host] });
    const stub = await XksStub.start(tls);
    t.teardown(async () => stub.close());
    resolve[host] = `127.0.0.1:${stub.port}`;
    const service = `com.amazonaws.vpce.${region}.vpce-svc-${fresh('0').replace('-', '')}`;
    simulator.kms.putVpcEndpointService({
      name: service,
      ownerAccountId: '111122223333',
      privateDnsName: host,
    });
    const { keySet } = await newKeySetInAws(t.context);
    const store = await make(t.context, keySet, {
      uriEndpoint: `https://${host}`,
      connectivity: 'VPC_ENDPOINT_SERVICE',
      vpcEndpointServiceName: service,
      vpcEndpointServiceOwner: '111122223333',
    });
    provoke(stub, t.context, host, service);
    await connectExternalKeyStore(vaultContext, act(), { keySet, id: store.id });
    await simulator.kms.settled(store.custom_key_store_id, { now: true });
    const { state, connectionError } = await shown(t.context, keySet, await look(t.context, keySet, store));
    t.is(state, 'FAILED');
    t.is(connectionError?.code, code);
    t.deepEqual(connectionError?.meaning, connectionErrors[code as keyof typeof connectionErrors].meaning);
    t.regex(connectionError?.remediation ?? '', /then holdfast external-key-store connect$/);
    t.regex(connectionError?.source ?? '', /^https:\/\/docs\.aws\.amazon\.com\//);
  });

test.serial(
  'the name changes while it is connected; the endpoint only disconnected, or by disconnecting and connecting again',
  async (t) => {
    const { vaultContext, act, simulator } = t.context;
    const { keySet, store, ...made } = await newConnected(t.context);
    const on = { keySet, id: store.id };
    t.like(await updateExternalKeyStore(vaultContext, act(), on, { name: 'renamed' }), {
      name: 'renamed',
      state: 'CONNECTED',
    });
    const uriEndpoint = `https://${secondHostName}`;
    const refused = await t.throwsAsync(updateExternalKeyStore(vaultContext, act(), on, { uriEndpoint }), {
      instanceOf: VaultError,
    });
    t.regex(refused.message, /only while it is disconnected/);
    t.like(await storeOf(t.context, keySet), { wanted: null, uri_endpoint: endpoint, state: 'CONNECTED' });

    const begun = await updateExternalKeyStore(vaultContext, act(), on, { uriEndpoint, disconnect: true });
    t.like(begun, { wanted: 'UPDATE', state: 'DISCONNECTING' });
    await anHourOfWatching(t.context);
    t.like(await storeOf(t.context, keySet), { wanted: null, uri_endpoint: uriEndpoint, state: 'CONNECTED' });
    t.like((await inAws(t.context, made))[0], { uriEndpoint, name: 'renamed', state: 'CONNECTED' });
    t.is(simulator.kms.state(store.custom_key_store_id), 'CONNECTED');
  },
);

test.serial('connectivity changes together with the endpoint, there and back', async (t) => {
  const { vaultContext, act, simulator, node, resolve } = t.context;
  const made = await newKeySetInAws(t.context);
  const { keySet } = made;
  const on = { keySet, id: (await make(t.context, keySet)).id };
  const host = `${fresh('vpc')}.example.test`;
  resolve[host] = `127.0.0.1:${node.port}`;
  const vpcEndpointServiceName = `com.amazonaws.vpce.${region}.vpce-svc-0a1b2c3d`;
  const ownerAccountId = made.account.id;
  simulator.kms.putVpcEndpointService({ name: vpcEndpointServiceName, ownerAccountId, privateDnsName: host });
  const privately = { connectivity: 'VPC_ENDPOINT_SERVICE' as const, vpcEndpointServiceName };
  await t.throwsAsync(updateExternalKeyStore(vaultContext, act(), on, privately), {
    message: /endpoint is another too/,
  });
  const uriEndpoint = `https://${host}`;
  t.like(await updateExternalKeyStore(vaultContext, act(), on, { ...privately, uriEndpoint }), {
    ...columnsOf(privately),
    uri_endpoint: uriEndpoint,
  });
  t.like((await inAws(t.context, made))[0], { connectivity: 'VPC_ENDPOINT_SERVICE', vpcEndpointServiceName });
  const back = await updateExternalKeyStore(vaultContext, act(), on, {
    connectivity: 'PUBLIC_ENDPOINT',
    uriEndpoint: endpoint,
  });
  t.like(back, { connectivity: 'PUBLIC_ENDPOINT', vpc_endpoint_service_name: '', uri_endpoint: endpoint });
  t.like((await inAws(t.context, made))[0], { connectivity: 'PUBLIC_ENDPOINT', vpcEndpointServiceName: '' });
});

function columnsOf(input: { connectivity: string; vpcEndpointServiceName: string }) {
  return { connectivity: input.connectivity, vpc_endpoint_service_name: input.vpcEndpointServiceName };
}

test.serial(
  'it is deleted only once it is disconnected and has no KMS keys, and takes its credential along',
  async (t) => {
    const { vaultContext, act } = t.context;
    const connected = await newConnected(t.context);
    const { keySet, store } = connected;
    const on = { keySet, id: store.id };
    const still = await t.throwsAsync(deleteExternalKeyStore(vaultContext, act(), on, {}), {
      instanceOf: VaultError,
    });
    t.regex(still.message, /only while it is disconnected/);

    const ofKeySet = { keySetId: keySet.id };
    await createCloudKey(vaultContext, act(), keySet.vault_id, 'all', { name: fresh('key'), ...ofKeySet });
    await t.throwsAsync(deleteExternalKeyStore(vaultContext, act(), on, { disconnect: true }), {
      message: /^1 KMS key is in/,
    });
    await t.throwsAsync(deleteExternalKeyStore(vaultContext, act(), on, { forget: true }), {
      message: /^1 KMS key is in/,
    });
    await vaultContext.store.db
      .deleteFrom('kms_keys')
      .where('external_key_store_id', '=', store.id)
      .execute();
    const key = await createCloudKey(vaultContext, act(), keySet.vault_id, 'all', {
      name: fresh('key'),
      ...ofKeySet,
      kmsKey: false,
    });
    await sdk(t.context, connected).send(
      new CreateKeyCommand({
        Origin: 'EXTERNAL_KEY_STORE',
        CustomKeyStoreId: store.custom_key_store_id,
        XksKeyId: key.external_key_id,
      }),
    );
    const full = await t.throwsAsync(deleteExternalKeyStore(vaultContext, act(), on, { disconnect: true }), {
      instanceOf: AwsError,
    });
    t.regex(full.message, /still contains KMS keys/);
    await anHourOfWatching(t.context);
    const kept = await storeOf(t.context, keySet);
    t.like(kept, { wanted: null, state: 'CONNECTED' }, 'nobody was cut off for it');
    t.regex(JSON.parse(kept?.problem ?? '{}').message, /still contains KMS keys/);
    t.deepEqual(await liveCredentials(t.context, keySet), [store.access_key_id]);

    const other = await newConnected(t.context);
    const begun = await deleteExternalKeyStore(
      vaultContext,
      act(),
      { keySet: other.keySet, id: other.store.id },
      { disconnect: true },
    );
    t.like(begun, { wanted: 'DELETE', state: 'DISCONNECTING' });
    await anHourOfWatching(t.context);
    t.is(await storeOf(t.context, other.keySet), undefined);
    t.deepEqual(await inAws(t.context, other), []);
    t.deepEqual(await liveCredentials(t.context, other.keySet), []);
  },
);

test.serial(
  'key set and vault do not go while an external key store depends on them, and a vault tells what stays in AWS',
  async (t) => {
    const { vaultContext, act, simulator } = t.context;
    const vault = await insertVault(vaultContext.store, fresh('vault'));
    const group = await insertGroup(vaultContext.store, vault.id, 'Cloud Admin Group');
    const stage = { ...t.context, vaultId: vault.id, group };
    const { keySet } = await newKeySetInAws(stage, { account: simulator.account() });
    const store = await make(t.context, keySet);
    await t.throwsAsync(
      deleteKeySet(vaultContext, act(), { vaultId: vault.id, sight: 'all', id: keySet.id }),
      {
        message: /external key store in eu-central-1/,
      },
    );
    await t.throwsAsync(
      updateKeySet(
        vaultContext,
        act(),
        { vaultId: vault.id, sight: 'all', id: keySet.id },
        { cspAccountId: null },
      ),
      {
        message: /CSP account cannot change/,
      },
    );
    await t.throwsAsync(
      updateKeySet(
        vaultContext,
        act(),
        { vaultId: vault.id, sight: 'all', id: keySet.id },
        { pathPrefix: 'other' },
      ),
      {
        message: /path prefix cannot change/,
      },
    );
    await t.throwsAsync(deleteVault(vaultContext, act(), vault.id, undefined, undefined), {
      message: /in AWS 1 external key store and 0 KMS keys would stay behind/,
    });
    await deleteVault(vaultContext, act(), vault.id, vault.name, undefined);
    t.is(await storeOf(t.context, keySet), undefined);
    const event = (await eventsOf(vaultContext as never, vault.id)).find(
      ({ action }) => action === 'vault.delete',
    );
    t.regex(event?.before ?? '', new RegExp(store.custom_key_store_id));
  },
);

test.serial(
  'what somebody changes in AWS is seen, warned of and on the record; one that was deleted there is NOT_FOUND',
  async (t) => {
    const { vaultContext, act, clock } = t.context;
    const made = await newKeySetInAws(t.context);
    const { keySet } = made;
    const store = await make(t.context, keySet);
    const other = await newKeySetInAws(t.context);
    const kms = sdk(t.context, made);
    await kms.send(
      new UpdateCustomKeyStoreCommand({
        CustomKeyStoreId: store.custom_key_store_id,
        NewCustomKeyStoreName: 'by hand',
      }),
    );
    clock.ahead += 10 * 60_000;
    t.is((await look(t.context, keySet, store)).name, 'by hand');
    const events = await eventsOf(vaultContext, store.id);
    t.true(events.some(({ action }) => action === 'external-key-store.changed-in-aws'));

    // Its path leads to another key set now: AWS tries that with a credential of it.
    const otherStore = await make(t.context, other.keySet);
    await deleteExternalKeyStore(vaultContext, act(), { keySet: other.keySet, id: otherStore.id }, {});
    t.deepEqual((await shown(t.context, keySet, await look(t.context, keySet, store))).warnings, []);
    await updateKeySet(
      vaultContext,
      act(),
      { vaultId: keySet.vault_id, sight: 'all', id: keySet.id },
      { externalKeyStore: false },
    );
    const unserved = { ...keySet, external_key_store: 0 };
    t.deepEqual(
      (await shown(t.context, unserved, await look(t.context, keySet, store))).warnings.map(
        ({ code }) => code,
      ),
      ['NOT_SERVED'],
    );

    const { DeleteCustomKeyStoreCommand } = await import('@aws-sdk/client-kms');
    await kms.send(new DeleteCustomKeyStoreCommand({ CustomKeyStoreId: store.custom_key_store_id }));
    // So soon after its making NotFound would be no answer.
    clock.ahead += 11 * 60_000;
    const gone = await look(t.context, keySet, store);
    t.like(gone, { state: 'NOT_FOUND', next_check_at: null });
    await t.throwsAsync(connectExternalKeyStore(vaultContext, act(), { keySet, id: store.id }), {
      message: /no more/,
    });
    await deleteExternalKeyStore(vaultContext, act(), { keySet, id: store.id }, { forget: true });
    t.is(await storeOf(t.context, keySet), undefined);
  },
);

test.serial(
  'where AWS cannot be asked the state is UNKNOWN, with what was known last, and it is asked less often',
  async (t) => {
    const { vaultContext, simulator, clock } = t.context;
    const { keySet, store, account } = await newConnected(t.context);
    const undo = simulator.fault({
      service: 'kms',
      action: 'DescribeCustomKeyStores',
      kind: '500',
      accessKeyId: account.accessKeyId,
    });
    const pauses: number[] = [];
    for (let times = 0; times < 8; times++) {
      const row = await look(t.context, keySet, store);
      pauses.push(Math.round((Date.parse(row.next_check_at ?? '') - vaultContext.now().getTime()) / 1000));
      t.is(row.state, 'CONNECTED', 'the record keeps it');
      const { state, lastKnownState, problem } = await shown(t.context, keySet, row);
      t.deepEqual([state, lastKnownState, problem?.times], ['UNKNOWN', 'CONNECTED', times + 1]);
    }
    t.true(pauses.every((pause) => pause <= 45));
    t.true((pauses.at(-1) ?? 0) >= 22 && (pauses[0] ?? 0) <= 2, pauses.join(' '));
    undo();
    clock.ahead += 60_000;
    const { state, problem } = await shown(t.context, keySet, await look(t.context, keySet, store));
    t.deepEqual([state, problem], ['CONNECTED', null]);
  },
);

test.serial(
  'the watch asks AWS only about those that are due, and stops when it may not go on',
  async (t) => {
    const { vaultContext, act, clock } = t.context;
    const { store } = await newConnected(t.context);
    await anHourOfWatching(t.context);
    t.like(await runDue(keyStoreLooks, vaultContext), { tried: 0, failed: 0 });
    clock.ahead += 7 * 60_000;
    const stopped = await runDue(keyStoreLooks, vaultContext, { mayGoOn: async () => false });
    t.like(stopped, { tried: 0, failed: 0, more: true });
    t.true((await runDue(keyStoreLooks, vaultContext)).tried > 0);
    // A time that only a clock in the future can have written does not keep it from being looked at.
    await vaultContext.store.db
      .updateTable('external_key_stores')
      .set({ next_check_at: new Date(vaultContext.now().getTime() + 30 * 86_400_000).toISOString() })
      .where('id', '=', store.id)
      .execute();
    t.is((await runDue(keyStoreLooks, vaultContext)).tried, 1);
    t.truthy(act());
  },
);

test.serial('what lasts is looked at again after hours, and not at once for ever', async (t) => {
  const { vaultContext, simulator, clock } = t.context;
  const { keySet, store, account } = await newConnected(t.context);
  const undo = simulator.fault({
    ...{ service: 'kms', action: 'DescribeCustomKeyStores', kind: 'denied' },
    accessKeyId: account.accessKeyId,
  });
  const before = clock.ahead;
  t.teardown(() => {
    undo();
    clock.ahead = before;
  });
  let pause = 0;
  for (let times = 0; times < 14; times++) {
    clock.ahead += pause;
    const row = await look(t.context, keySet, store);
    pause = Date.parse(row.next_check_at ?? '') - vaultContext.now().getTime();
  }
  t.true(pause > 2 * 60 * 60_000, `${pause} ms`);
  const waiting = await storeOf(t.context, keySet);
  await runDue(keyStoreLooks, vaultContext);
  t.deepEqual(await storeOf(t.context, keySet), waiting);
});

test.serial('a key set that AWS may use no more meanwhile gets no key store', async (t) => {
  const { vaultContext, act, vaultId } = t.context;
  const { keySet } = await newKeySetInAws(t.context);
  await updateKeySet(
    vaultContext,
    act(),
    { vaultId, sight: 'all', id: keySet.id },
    { externalKeyStore: false },
  );
  await t.throwsAsync(make(t.context, keySet, { make: false }), {
    instanceOf: VaultError,
    message: 'the key set is not an external key store: AWS would be refused',
  });
  t.deepEqual(await storesOf(t.context, keySet), []);
});

test.serial('a key store that a KMS key comes into meanwhile is not deleted', async (t) => {
  const { vaultContext, act, vaultId } = t.context;
  const { keySet, store } = await newConnected(t.context);
  const input = { keySetId: keySet.id, name: fresh('key'), region, kmsKey: false };
  const { id } = await createCloudKey(vaultContext, act(), vaultId, 'all', input);
  let comes = true;
  const late = new Proxy(vaultContext.store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'write') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      return async (...args: Parameters<typeof target.write>) => {
        if (comes) {
          comes = false;
          await createKmsKey(vaultContext, act(), { vaultId, sight: 'all', cloudKeyId: id }, {});
        }
        return target.write(...args);
      };
    },
  });
  await t.throwsAsync(
    deleteExternalKeyStore(
      { ...vaultContext, store: late },
      act(),
      { keySet, id: store.id },
      { disconnect: true },
    ),
    { instanceOf: VaultError, message: /^1 KMS key is in the external key store/ },
  );
  t.false(comes);
  const rows = await storesOf(t.context, keySet);
  t.deepEqual(
    rows.map(({ wanted }) => wanted),
    [null],
  );
});

async function storesOf({ vaultContext }: Stage, { id }: KeySet): Promise<ExternalKeyStore[]> {
  return vaultContext.store.db
    .selectFrom('external_key_stores')
    .selectAll()
    .where('key_set_id', '=', id)
    .execute();
}
