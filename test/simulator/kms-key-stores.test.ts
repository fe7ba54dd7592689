import {
  ConnectCustomKeyStoreCommand,
  CreateCustomKeyStoreCommand,
  DeleteCustomKeyStoreCommand,
  DescribeCustomKeyStoresCommand,
  DisconnectCustomKeyStoreCommand,
  UpdateCustomKeyStoreCommand,
  type CreateCustomKeyStoreRequest,
  type CustomKeyStoresListEntry,
  type UpdateCustomKeyStoreRequest,
} from '@aws-sdk/client-kms';
import test from 'ava';
import { exceptionOf, KmsBench, xksHost } from '../support/simulated-kms.ts';
import { XksStub, type StubAnswer } from '../support/xks-stub.ts';

const vpcHost = 'private.example.test';
const vpcService = 'com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0';
const silentHost = 'silent.example.test';
const otherNameHost = 'other.example.test';

let bench: KmsBench;

test.before(async () => {
  bench = await KmsBench.open({ resolve: { [silentHost]: '127.0.0.1:9' } });
});

test.afterEach.always(() => bench.stub.reset());
test.after.always(async () => bench.close());

async function describe(CustomKeyStoreId: string): Promise<CustomKeyStoresListEntry> {
  const { CustomKeyStores } = await bench.kms.send(new DescribeCustomKeyStoresCommand({ CustomKeyStoreId }));
  return CustomKeyStores?.[0] ?? {};
}

async function create(changes: Partial<CreateCustomKeyStoreRequest>): Promise<string> {
  return exceptionOf(bench.kms.send(new CreateCustomKeyStoreCommand(bench.storeRequest(changes))));
}

async function update(changes: UpdateCustomKeyStoreRequest): Promise<string> {
  return exceptionOf(bench.kms.send(new UpdateCustomKeyStoreCommand(changes)));
}

/** Ends what is under way and takes the key store away, so that the limit of ten is not in the way. */
async function remove(id: string): Promise<void> {
  if (bench.simulator.kms.state(id) !== 'DISCONNECTED') {
    await bench.kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
    await bench.simulator.kms.settled(id);
  }
  await bench.kms.send(new DeleteCustomKeyStoreCommand({ CustomKeyStoreId: id }));
}

test.serial(
  'a new key store is disconnected, shows all but the secret, and its proxy was asked for health',
  async (t) => {
    const request = bench.storeRequest();
    const id = await bench.makeStore(request);
    const entry = await describe(id);
    t.like(entry, {
      CustomKeyStoreId: id,
      CustomKeyStoreName: request.CustomKeyStoreName,
      CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
      ConnectionState: 'DISCONNECTED',
      ConnectionErrorCode: undefined,
    });
    t.deepEqual(entry.XksProxyConfiguration, {
      Connectivity: 'PUBLIC_ENDPOINT',
      AccessKeyId: bench.stub.credential.AccessKeyId,
      UriEndpoint: `https://${xksHost}`,
      UriPath: request.XksProxyUriPath,
    });
    t.regex(id, /^cks-[0-9a-f]{17}$/);
    t.is(bench.stub.requests.length, 1);
    t.is(bench.stub.requests[0]?.body.requestMetadata.kmsOperation, 'CreateCustomKeyStore');
    await remove(id);
  },
);

const forms: [string, Partial<CreateCustomKeyStoreRequest>][] = [
  ['no name', { CustomKeyStoreName: '' }],
  ['an endpoint with a port', { XksProxyUriEndpoint: `https://${xksHost}:8443` }],
  ['an endpoint without TLS', { XksProxyUriEndpoint: `http://${xksHost}` }],
  ['an endpoint that is an address', { XksProxyUriEndpoint: 'https://127.0.0.1' }],
  ['a path that does not end in the version', { XksProxyUriPath: '/prefix/kms/xks' }],
  ['a path of more than 128 characters', { XksProxyUriPath: `/${'a'.repeat(120)}/kms/xks/v1` }],
  ['no credential', { XksProxyAuthenticationCredential: undefined }],
  [
    'an access key id with a digit that Base32 has not',
    {
      XksProxyAuthenticationCredential: {
        AccessKeyId: 'ABCDEFGHIJKLMNOPQRS1',
        RawSecretAccessKey: 'a'.repeat(43),
      },
    },
  ],
  [
    'a secret of 42 characters',
    {
      XksProxyAuthenticationCredential: {
        AccessKeyId: 'ABCDEFGHIJKLMNOPQRST',
        RawSecretAccessKey: 'a'.repeat(42),
      },
    },
  ],
  ['a VPC endpoint service for a public endpoint', { XksProxyVpcEndpointServiceName: vpcService }],
  ['no VPC endpoint service where there must be one', { XksProxyConnectivity: 'VPC_ENDPOINT_SERVICE' }],
];
for (const [what, changes] of forms)
  test.serial(`${what} is a ValidationException, and no proxy is asked`, async (t) => {
    t.is(await create(changes), 'ValidationException');
    t.is(bench.stub.requests.length, 0);
  });

test.serial('the empty prefix is a path too', async (t) => {
  const id = await bench.makeStore({ XksProxyUriPath: '/kms/xks/v1' });
  t.is(bench.stub.requests[0]?.path, '/kms/xks/v1/health');
  await remove(id);
});

test.serial('name and endpoint with path are unique in an account and Region, not across them', async (t) => {
  const request = bench.storeRequest();
  const id = await bench.makeStore(request);
  t.is(await create({ CustomKeyStoreName: request.CustomKeyStoreName }), 'CustomKeyStoreNameInUseException');
  t.is(await create({ XksProxyUriPath: request.XksProxyUriPath }), 'XksProxyUriInUseException');
  t.is(
    await create({
      XksProxyUriPath: request.XksProxyUriPath,
      XksProxyUriEndpoint: 'https://XKS.example.test',
    }),
    'XksProxyUriInUseException',
  );
  await t.notThrowsAsync(bench.makeStore(request, bench.client(bench.account, 'eu-central-1')));
  await t.notThrowsAsync(bench.makeStore(request, bench.client(bench.simulator.account())));
  await remove(id);
});

test.serial('two requests at once for the same name make one key store', async (t) => {
  const request = bench.storeRequest();
  bench.stub.always('health', { delayMs: 300 });
  const both = await Promise.allSettled([bench.makeStore(request), bench.makeStore(request)]);
  t.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  for (const result of both) if (result.status === 'fulfilled') await remove(result.value);
});

test.serial('the eleventh key store of an account and Region exceeds the limit', async (t) => {
  const kms = bench.client(bench.simulator.account());
  for (let number = 0; number < 10; number++) await bench.makeStore({}, kms);
  t.is(
    await exceptionOf(kms.send(new CreateCustomKeyStoreCommand(bench.storeRequest()))),
    'LimitExceededException',
  );
  const listed: string[] = [];
  for (let Marker: string | undefined, more = true; more;) {
    const page = await kms.send(
      new DescribeCustomKeyStoresCommand({ Limit: 4, ...(Marker === undefined ? {} : { Marker }) }),
    );
    listed.push(...(page.CustomKeyStores ?? []).map((store) => store.CustomKeyStoreName ?? ''));
    Marker = page.NextMarker;
    more = page.Truncated === true;
  }
  t.is(new Set(listed).size, 10);
});

interface Trouble {
  what: string;
  answer?: StubAnswer;
  change?: Partial<CreateCustomKeyStoreRequest>;
  /** CreateCustomKeyStore and UpdateCustomKeyStore (XKS spec, table of KMS exceptions). */
  exception: string;
  /** ConnectCustomKeyStore (developer guide, connection error codes). */
  code: string;
}

const fleetOut: StubAnswer = {
  change: (right) => ({
    ...right,
    ekmFleetDetails: [{ id: 'a', model: 'b', healthStatus: 'UNAVAILABLE' }],
  }),
};
const troubles: Trouble[] = [
  {
    what: 'a refused signature',
    answer: XksStub.error(401, 'AuthenticationFailedException'),
    exception: 'XksProxyIncorrectAuthenticationCredentialException',
    code: 'INVALID_CREDENTIALS',
  },
  {
    what: 'a path that the proxy does not know',
    answer: XksStub.error(404, 'InvalidUriPathException'),
    exception: 'XksProxyInvalidConfigurationException',
    code: 'XKS_PROXY_INVALID_CONFIGURATION',
  },
  {
    what: 'an access rule of the proxy',
    answer: XksStub.error(403, 'AccessDeniedException'),
    exception: 'XksProxyInvalidConfigurationException',
    code: 'XKS_PROXY_ACCESS_DENIED',
  },
  {
    what: 'an answer that is not the spec’s',
    answer: { body: { status: 'UP' } },
    exception: 'XksProxyInvalidResponseException',
    code: 'XKS_PROXY_INVALID_RESPONSE',
  },
  {
    what: 'a ValidationException of the proxy',
    answer: XksStub.error(400, 'ValidationException'),
    exception: 'XksProxyInvalidResponseException',
    code: 'XKS_PROXY_INVALID_RESPONSE',
  },
  {
    what: 'an InternalException of the proxy',
    answer: XksStub.error(500, 'InternalException'),
    exception: 'XksProxyInvalidResponseException',
    code: 'XKS_PROXY_INVALID_RESPONSE',
  },
  {
    what: 'key managers that are all unavailable',
    answer: fleetOut,
    exception: 'XksProxyUriUnreachableException',
    code: 'XKS_PROXY_NOT_REACHABLE',
  },
  {
    what: 'throttling',
    answer: XksStub.error(429, 'ThrottlingException'),
    exception: 'XksProxyUriUnreachableException',
    code: 'XKS_PROXY_NOT_REACHABLE',
  },
  {
    what: 'a key manager that was too slow for the proxy',
    answer: XksStub.error(503, 'DependencyTimeoutException'),
    exception: 'XksProxyUriUnreachableException',
    code: 'XKS_PROXY_TIMED_OUT',
  },
  {
    what: 'connections that break',
    answer: { cut: true },
    exception: 'XksProxyUriUnreachableException',
    code: 'NETWORK_ERRORS',
  },
];

for (const { what, answer = {}, exception, code } of troubles)
  test.serial(`${what}: ${exception} when asked at once, ${code} when connecting`, async (t) => {
    const id = await bench.makeStore();
    bench.stub.always('health', answer);
    t.is(await create({}), exception);
    t.is(await update({ CustomKeyStoreId: id, XksProxyUriPath: '/elsewhere/kms/xks/v1' }), exception);
    await bench.kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
    t.is(await bench.simulator.kms.settled(id), 'FAILED');
    t.like(await describe(id), { ConnectionState: 'FAILED', ConnectionErrorCode: code });
    bench.stub.reset();
    await remove(id);
  });

test.serial('nobody at the endpoint, or a name in the certificate that is not the host’s', async (t) => {
  const silent = { XksProxyUriEndpoint: `https://${silentHost}` };
  t.is(await create(silent), 'XksProxyUriUnreachableException');
  const id = await bench.makeStore();
  t.is(await update({ CustomKeyStoreId: id, ...silent }), 'XksProxyUriUnreachableException');
  await remove(id);
  const wrongName = await KmsBench.open({ resolve: { [otherNameHost]: bench.stub.address } });
  t.teardown(async () => wrongName.close());
  const failed = exceptionOf(
    wrongName.kms.send(
      new CreateCustomKeyStoreCommand(
        wrongName.storeRequest({ XksProxyUriEndpoint: `https://${otherNameHost}` }),
      ),
    ),
  );
  t.is(await failed, 'XksProxyUriUnreachableException');
  t.is(wrongName.simulator.kms.lastFailure()?.fault, 'tls');
});

test.serial(
  'a proxy that went away, changed its certificate or fell silent after the key store was made',
  async (t) => {
    const own = await KmsBench.open({ time: { xksTimeoutMs: 1_500 } });
    t.teardown(async () => own.close());
    const codeAfter = async (id: string) => {
      await own.kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
      await own.simulator.kms.settled(id);
      const { CustomKeyStores } = await own.kms.send(
        new DescribeCustomKeyStoresCommand({ CustomKeyStoreId: id }),
      );
      return CustomKeyStores?.[0]?.ConnectionErrorCode;
    };
    const [silent, gone, changed] = [await own.makeStore(), await own.makeStore(), await own.makeStore()];
    own.stub.always('health', { delayMs: Infinity });
    t.is(await codeAfter(silent), 'XKS_PROXY_TIMED_OUT');
    const { port } = own.stub;
    await own.stub.close();
    t.is(await codeAfter(gone), 'XKS_PROXY_NOT_REACHABLE');
    const other = await XksStub.start({
      ...(await own.ca.issue('other', { dnsNames: [otherNameHost] })),
      port,
    });
    t.teardown(async () => other.close());
    t.is(await codeAfter(changed), 'XKS_PROXY_INVALID_TLS_CONFIGURATION');
  },
);

test.serial(
  'connecting is asynchronous; FAILED must be disconnected before it is connected again',
  async (t) => {
    const id = await bench.makeStore();
    bench.stub.next('health', XksStub.error(401, 'AuthenticationFailedException'));
    const connect = () => bench.kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
    const disconnect = () => bench.kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
    await connect();
    t.is(await bench.simulator.kms.settled(id), 'FAILED');
    t.is(await exceptionOf(connect()), 'CustomKeyStoreInvalidStateException');
    await disconnect();
    t.is(await bench.simulator.kms.settled(id), 'DISCONNECTED');
    t.is((await describe(id)).ConnectionErrorCode, undefined);
    t.is(await exceptionOf(disconnect()), 'CustomKeyStoreInvalidStateException');
    await connect();
    t.is(await bench.simulator.kms.settled(id), 'CONNECTED');
    await t.notThrowsAsync(connect());
    t.is(
      await exceptionOf(bench.kms.send(new DeleteCustomKeyStoreCommand({ CustomKeyStoreId: id }))),
      'CustomKeyStoreInvalidStateException',
    );
    const asked = bench.simulator.kms.xksCalls({ kmsOperation: 'ConnectCustomKeyStore' });
    t.true(asked.length >= 2);
    await remove(id);
  },
);

test.serial('delays are those that were asked for, and can be spared', async (t) => {
  const slow = await KmsBench.open({ time: { connectMs: 3_600_000, disconnectMs: 3_600_000 } });
  t.teardown(async () => slow.close());
  const id = await slow.makeStore();
  const requests = slow.stub.requests.length;
  await slow.kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
  t.is(slow.simulator.kms.state(id), 'CONNECTING');
  t.is(slow.stub.requests.length, requests);
  await slow.simulator.kms.connected(id);
  await slow.kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
  t.is(slow.simulator.kms.state(id), 'DISCONNECTING');
  t.is(await slow.simulator.kms.settled(id, { now: true }), 'DISCONNECTED');
  await slow.kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
  const waiting = slow.simulator.kms.settled(id);
  await slow.kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
  t.is(await slow.simulator.kms.settled(id, { now: true }), 'DISCONNECTED');
  t.is(await waiting, 'DISCONNECTED');
});

test.serial('disconnecting ends an attempt to connect, also while the proxy is being asked', async (t) => {
  const id = await bench.makeStore();
  const asked = bench.stub.requests.length;
  const answer = Promise.withResolvers<void>();
  bench.stub.next('health', { until: answer.promise });
  await bench.kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
  const waiting = bench.simulator.kms.settled(id);
  while (bench.stub.requests.length === asked) await new Promise((resolve) => setTimeout(resolve, 5));
  await bench.kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
  while (bench.simulator.kms.state(id) !== 'DISCONNECTED')
    await new Promise((resolve) => setTimeout(resolve, 5));
  // The answer comes only now.
  answer.resolve();
  t.is(await waiting, 'DISCONNECTED');
  t.is(bench.simulator.kms.state(id), 'DISCONNECTED');
  await remove(id);
});

test.serial(
  'of a connected key store name, credential and path can be changed; the rest waits',
  async (t) => {
    const id = await bench.makeConnectedStore();
    const change = async (changes: Omit<UpdateCustomKeyStoreRequest, 'CustomKeyStoreId'>) =>
      bench.kms.send(new UpdateCustomKeyStoreCommand({ CustomKeyStoreId: id, ...changes }));
    const credential = { AccessKeyId: 'NEWKEYNEWKEYNEWKEYNEW', RawSecretAccessKey: 'b'.repeat(64) };
    await change({ NewCustomKeyStoreName: 'renamed' });
    await change({
      XksProxyAuthenticationCredential: credential,
      XksProxyUriPath: '/moved/kms/xks/v1',
    });
    t.like((await describe(id)).XksProxyConfiguration, {
      AccessKeyId: credential.AccessKeyId,
      UriPath: '/moved/kms/xks/v1',
    });
    const last = bench.stub.requests.at(-1);
    t.is(last?.path, '/moved/kms/xks/v1/health');
    t.true(last?.authorization.includes(credential.AccessKeyId));
    t.is(last?.body.requestMetadata.kmsOperation, 'UpdateCustomKeyStore');
    for (const changes of [
      { XksProxyUriEndpoint: 'https://elsewhere.example.test' },
      { XksProxyConnectivity: 'VPC_ENDPOINT_SERVICE' as const, XksProxyVpcEndpointServiceName: vpcService },
    ])
      t.is(await exceptionOf(change(changes)), 'CustomKeyStoreInvalidStateException');
    t.is(await update({ CustomKeyStoreId: 'cks-00000000000000000' }), 'CustomKeyStoreNotFoundException');
    await remove(id);
  },
);

test.serial('a new credential may spread slowly: until it has, both sign', async (t) => {
  const id = await bench.makeConnectedStore();
  bench.simulator.kms.slowUpdates(true);
  t.teardown(() => bench.simulator.kms.slowUpdates(false));
  const credential = { AccessKeyId: 'NEWKEYNEWKEYNEWKEYNEW', RawSecretAccessKey: 'b'.repeat(64) };
  await bench.kms.send(
    new UpdateCustomKeyStoreCommand({ CustomKeyStoreId: id, XksProxyAuthenticationCredential: credential }),
  );
  const signers = async () => {
    bench.stub.requests.length = 0;
    for (let poll = 0; poll < 4; poll++) await bench.simulator.kms.pollHealth(id);
    const seen = bench.stub.requests.map(
      ({ authorization }) => /Credential=(\w+)/.exec(authorization)?.[1] ?? '',
    );
    return [...new Set(seen)].toSorted();
  };
  t.deepEqual(await signers(), [bench.stub.credential.AccessKeyId, credential.AccessKeyId]);
  bench.simulator.kms.spread(id);
  t.deepEqual(await signers(), [credential.AccessKeyId]);
  await remove(id);
});

test.serial(
  'health of connected key stores is asked for again and again, and changes no state',
  async (t) => {
    const often = await KmsBench.open({ time: { healthEveryMs: 20 } });
    t.teardown(async () => often.close());
    await often.makeStore();
    const id = await often.makeConnectedStore();
    often.stub.always('health', XksStub.error(500, 'InternalException'));
    const polls = () => often.simulator.kms.xksCalls({ kmsOperation: 'KmsHealthCheck', retries: false });
    while (often.simulator.kms.health(id)?.failure === undefined)
      await new Promise((resolve) => setTimeout(resolve, 10));
    t.is(often.simulator.kms.health(id)?.failure?.errorName, 'InternalException');
    t.true(polls().every(({ uriPath }) => uriPath === polls()[0]?.uriPath));
    t.is(often.simulator.kms.state(id), 'CONNECTED');
  },
);

test.serial('AWS’s clock can be wrong', async (t) => {
  const id = await bench.makeConnectedStore();
  bench.simulator.kms.shiftSigningClock(-3_600_000);
  t.teardown(() => bench.simulator.kms.shiftSigningClock(0));
  await bench.simulator.kms.pollHealth(id);
  const date = bench.stub.requests.at(-1)?.date ?? '';
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  t.true(Math.abs(Date.now() - at - 3_600_000) < 60_000);
  await remove(id);
});

test.serial('a key store with keys cannot be deleted', async (t) => {
  const kms = bench.client(bench.simulator.account());
  const id = await bench.makeStore({}, kms);
  await bench.connect(id, kms);
  await bench.makeKey(id, {}, kms);
  await kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
  await bench.simulator.kms.settled(id);
  t.is(
    await exceptionOf(kms.send(new DeleteCustomKeyStoreCommand({ CustomKeyStoreId: id }))),
    'CustomKeyStoreHasCMKsException',
  );
});

const vpcRequest: Partial<CreateCustomKeyStoreRequest> = {
  XksProxyConnectivity: 'VPC_ENDPOINT_SERVICE',
  XksProxyUriEndpoint: `https://${vpcHost}`,
  XksProxyVpcEndpointServiceName: vpcService,
};

test.serial(
  'a VPC endpoint service must be there and as KMS needs it, at creation and when connecting',
  async (t) => {
    const vpc = await KmsBench.open({ resolve: { [vpcHost]: '127.0.0.1:9' } });
    t.teardown(async () => vpc.close());
    const make = async (changes = {}) =>
      exceptionOf(
        vpc.kms.send(new CreateCustomKeyStoreCommand(vpc.storeRequest({ ...vpcRequest, ...changes }))),
      );
    t.is(await make(), 'XksProxyVpcEndpointServiceNotFoundException');
    const service = { name: vpcService, ownerAccountId: vpc.account.id, privateDnsName: vpcHost };
    const put = (changes = {}) => vpc.simulator.kms.putVpcEndpointService({ ...service, ...changes });
    put({ allowedPrincipals: ['cks.kms.us-east-1.amazonaws.com'] });
    t.is(await make(), 'XksProxyVpcEndpointServiceNotFoundException');
    for (const changes of [
      { loadBalancer: 'gateway' },
      { availabilityZones: 1 },
      { acceptanceRequired: true },
      { domainVerified: false },
      { privateDnsName: 'other.example.test' },
    ]) {
      put(changes);
      t.is(await make(), 'XksProxyVpcEndpointServiceInvalidConfigurationException');
    }
    put();
    const id = await vpc.makeStore(vpcRequest);
    t.is(vpc.stub.requests.length, 0);
    t.is(await make({ XksProxyUriPath: '/another/kms/xks/v1' }), 'XksProxyUriEndpointInUseException');
    t.is(
      await make({ XksProxyUriEndpoint: 'https://p2.example.test' }),
      'XksProxyVpcEndpointServiceInUseException',
    );
    t.is(
      await make({
        XksProxyConnectivity: 'PUBLIC_ENDPOINT',
        XksProxyVpcEndpointServiceName: undefined,
      }),
      'XksProxyUriEndpointInUseException',
    );
    const codeAfter = async () => {
      await vpc.kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
      await vpc.simulator.kms.settled(id);
      const { CustomKeyStores } = await vpc.kms.send(
        new DescribeCustomKeyStoresCommand({ CustomKeyStoreId: id }),
      );
      await vpc.kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId: id }));
      await vpc.simulator.kms.settled(id);
      return CustomKeyStores?.[0]?.ConnectionErrorCode;
    };
    put({ acceptanceRequired: true });
    t.is(await codeAfter(), 'XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION');
    vpc.simulator.kms.removeVpcEndpointService(vpcService);
    t.is(await codeAfter(), 'XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND');
    put();
    t.is(await codeAfter(), 'XKS_PROXY_NOT_REACHABLE');
  },
);

test.serial('a public key store moves to a VPC endpoint service and back, with its endpoint', async (t) => {
  const vpc = await KmsBench.open();
  t.teardown(async () => vpc.close());
  const id = await vpc.makeStore();
  const { ownerAccountId, ...service } = {
    name: vpcService,
    ownerAccountId: vpc.account.id,
    privateDnsName: vpcHost,
  };
  vpc.simulator.kms.putVpcEndpointService({ ...service, ownerAccountId });
  const change = async (changes: Omit<UpdateCustomKeyStoreRequest, 'CustomKeyStoreId'>) =>
    vpc.kms.send(new UpdateCustomKeyStoreCommand({ CustomKeyStoreId: id, ...changes }));
  const { XksProxyUriEndpoint: _, ...withoutEndpoint } = vpcRequest;
  t.is(await exceptionOf(change(withoutEndpoint)), 'ValidationException');
  await change(vpcRequest);
  const configuration = async () =>
    (await vpc.kms.send(new DescribeCustomKeyStoresCommand({ CustomKeyStoreId: id }))).CustomKeyStores?.[0]
      ?.XksProxyConfiguration;
  t.like(await configuration(), {
    VpcEndpointServiceName: vpcService,
    VpcEndpointServiceOwner: vpc.account.id,
  });
  await change({
    XksProxyConnectivity: 'PUBLIC_ENDPOINT',
    XksProxyUriEndpoint: `https://${xksHost}`,
    XksProxyVpcEndpointServiceName: '',
  });
  t.is((await configuration())?.VpcEndpointServiceName, undefined);
});

test.serial('CloudTrail knows the access key id of a proxy, never the secret', async (t) => {
  const id = await bench.makeStore();
  const text = JSON.stringify(bench.simulator.trail.events());
  t.true(text.includes('HIDDEN_DUE_TO_SECURITY_REASONS'));
  t.false(text.includes(bench.stub.credential.RawSecretAccessKey));
  await remove(id);
});
