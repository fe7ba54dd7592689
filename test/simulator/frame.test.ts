import { readFileSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, ListUsersCommand } from '@aws-sdk/client-iam';
import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import test from 'ava';
import { Simulator, type FaultRule } from '../../simulator/simulator.ts';
import { clientSettings, failure, send, sign, type SignedRequest } from './sdk-clients.ts';

const simulator = await Simulator.start();
const account = simulator.account('111122223333');
test.after.always(async () => {
  await simulator.close();
});

const kms = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.ListKeys' };
const listKeys = { headers: kms, body: '{"Limit":10}' };
const identity = {
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: 'Action=GetCallerIdentity&Version=2011-06-15',
};

test('what AWS signs is answered, under the Region of the signature', async (t) => {
  const answer = await send(simulator, await sign(simulator, account, 'kms', listKeys));
  t.is(answer.status, 200);
  t.is(answer.headers['content-type'], 'application/x-amz-json-1.1');
  t.regex(String(answer.headers['x-amzn-requestid']), /^[0-9a-f-]{36}$/);
  t.is(simulator.trail.events('ListKeys').at(-1)?.awsRegion, 'eu-west-1');
});

const changes: Record<string, (request: SignedRequest) => SignedRequest> = {
  'another method': (request) => ({ ...request, method: 'PUT' }),
  'another path': (request) => ({ ...request, path: '/other' }),
  'a query that was not signed': (request) => ({ ...request, query: { more: '1' } }),
  'another body': (request) => ({ ...request, body: request.body.replace('1', '2') }),
};

for (const [name, change] of Object.entries(changes)) {
  test(`a KMS request with ${name} is refused as InvalidSignatureException`, async (t) => {
    const answer = await send(simulator, change(await sign(simulator, account, 'kms', listKeys)));
    t.is(answer.status, 400);
    t.is((JSON.parse(answer.body) as { __type: string }).__type, 'InvalidSignatureException');
  });
  test(`an STS request with ${name} is refused as SignatureDoesNotMatch`, async (t) => {
    const answer = await send(simulator, change(await sign(simulator, account, 'sts', identity)));
    t.is(answer.status, 403);
    t.regex(answer.body, /<Code>SignatureDoesNotMatch<\/Code>/);
  });
}

test('every change of one signed header is refused, and so is leaving it out', async (t) => {
  const signed = await sign(simulator, account, 'kms', {
    ...listKeys,
    headers: { ...kms, 'x-amz-meta': 'two  words', 'amz-sdk-request': 'attempt=1' },
  });
  t.is((await send(simulator, signed)).status, 200);
  const names = /SignedHeaders=([^,]+)/.exec(signed.headers['authorization'] ?? '')?.[1]?.split(';') ?? [];
  t.true(names.length >= 6, names.join(' '));
  for (const name of names) {
    const value = signed.headers[name] ?? '';
    const changed =
      name === 'x-amz-date' ? value.replace(/\d\dZ$/, (two) => (two === '00Z' ? '01Z' : '00Z')) : `${value}0`;
    const answer = await send(simulator, { ...signed, headers: { ...signed.headers, [name]: changed } });
    t.is(answer.status, 400, name);
    t.notRegex(answer.body, /"Keys"/, name);
    const { [name]: _left, ...others } = signed.headers;
    const without = await send(simulator, { ...signed, headers: others });
    t.is(without.status, 400, name);
    t.notRegex(without.body, /"Keys"/, name);
  }
});

test('white space that HTTP does not count is no change', async (t) => {
  const signed = await sign(simulator, account, 'kms', {
    ...listKeys,
    headers: { ...kms, 'x-amz-meta': 'two  words' },
  });
  const answer = await send(simulator, {
    ...signed,
    headers: { ...signed.headers, 'x-amz-meta': ' two words ' },
  });
  t.is(answer.status, 200);
});

test('an x-amz header that is not signed is refused', async (t) => {
  const signed = await sign(simulator, account, 'kms', listKeys);
  const answer = await send(simulator, { ...signed, headers: { ...signed.headers, 'x-amz-later': '1' } });
  t.is(answer.status, 400);
  t.regex(answer.body, /InvalidSignatureException.*x-amz-later/);
});

for (const [minutes, right] of [
  [-6, false],
  [-4, true],
  [4, true],
  [6, false],
] as const)
  test(`a signature of ${minutes} minutes from now is ${right ? 'taken' : 'refused'}`, async (t) => {
    const at = new Date(Date.now() + minutes * 60_000);
    const answer = await send(simulator, await sign(simulator, account, 'sts', identity, { at }));
    t.is(answer.status, right ? 200 : 403);
    if (!right)
      t.regex(answer.body, /<Code>SignatureDoesNotMatch<\/Code><Message>Signature (expired|not yet)/);
  });

test('a signature for another service is refused', async (t) => {
  const answer = await send(simulator, await sign(simulator, account, 'iam', listKeys));
  t.regex(answer.body, /InvalidSignatureException.*scoped to correct service/);
});

test('an account of aws is unknown in the China partition', async (t) => {
  const region = 'cn-north-1';
  const answer = await send(simulator, await sign(simulator, account, 'kms', listKeys, { region }));
  t.regex(answer.body, /UnrecognizedClientException/);
  const chinese = simulator.account('444455556666', { partition: 'aws-cn' });
  const sts = new STSClient(clientSettings(simulator, chinese, region));
  t.is((await sts.send(new GetCallerIdentityCommand())).Arn, 'arn:aws-cn:iam::444455556666:root');
});

test('a request without a signature is refused, in each protocol', async (t) => {
  const { host } = new URL(simulator.url);
  const plain = { method: 'POST', path: '/', query: {}, body: '' };
  const ofKms = await send(simulator, { ...plain, ...listKeys, headers: { host, ...kms } });
  t.regex(ofKms.body, /MissingAuthenticationTokenException/);
  const ofSts = await send(simulator, { ...plain, ...identity, headers: { host, ...identity.headers } });
  t.regex(ofSts.body, /<Code>MissingAuthenticationToken</);
  t.is(ofSts.status, 403);
  const ofS3 = await send(simulator, { ...plain, method: 'GET', path: '/some-bucket', headers: { host } });
  t.regex(ofS3.body, /<Code>AccessDenied</);
  t.is(ofS3.status, 403);
});

test('a signature of another form is refused and never echoed', async (t) => {
  const signed = await sign(simulator, account, 'kms', listKeys);
  const authorization = signed.headers['authorization'] ?? '';
  for (const changed of [
    authorization.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256'),
    authorization.replace(/Signature=.*/, 'Signature=planted'),
    authorization.replace('SignedHeaders=', 'SignedHeaders=zz;'),
    authorization.replace(/Credential=[^,]+/, 'Credential=planted'),
    `${authorization}, Credential=again`,
    '',
  ]) {
    const answer = await send(simulator, {
      ...signed,
      headers: { ...signed.headers, authorization: changed },
    });
    t.is(answer.status, 400);
    t.regex(answer.body, /IncompleteSignatureException|InvalidSignatureException|MissingAuthentication/);
    t.notRegex(answer.body, /planted|again/);
  }
});

test('what the simulator does not do it says, in each protocol', async (t) => {
  const cases = [
    ['kms', { ...listKeys, headers: { ...kms, 'x-amz-target': 'TrentService.ImportKeyMaterial' } }],
    ['iam', { ...identity, body: 'Action=CreateGroup&Version=2010-05-08' }],
    ['sts', { ...identity, body: 'Action=GetFederationToken&Version=2011-06-15' }],
    ['s3', { method: 'PUT', path: '/some-bucket', query: { versioning: '' } }],
  ] as const;
  for (const [service, request] of cases) {
    const answer = await send(simulator, await sign(simulator, account, service, request));
    t.regex(answer.body, /simulator does not do/, service);
    t.true(answer.status >= 400, service);
  }
});

test('a body that is no JSON and an unknown version are refused by name', async (t) => {
  const json = await send(
    simulator,
    await sign(simulator, account, 'kms', { ...listKeys, body: '{"planted' }),
  );
  t.is(json.status, 400);
  t.notRegex(json.body, /planted/);
  const body = 'Action=ListUsers&Version=1999-01-01';
  const version = await send(simulator, await sign(simulator, account, 'iam', { ...identity, body }));
  t.regex(version.body, /ValidationError/);
});

const faults: Record<FaultRule['kind'], { iam: RegExp; kms: RegExp }> = {
  '500': { iam: /ServiceFailure/, kms: /KMSInternalException/ },
  throttle: { iam: /Throttling/, kms: /ThrottlingException/ },
  denied: { iam: /AccessDenied/, kms: /AccessDeniedException/ },
  reset: { iam: /ECONNRESET|Error|hang up/, kms: /ECONNRESET|Error|hang up/ },
  'answer-lost': { iam: /ECONNRESET|Error|hang up/, kms: /ECONNRESET|Error|hang up/ },
  hang: { iam: /Timeout|Abort/, kms: /Timeout|Abort/ },
  slow: { iam: /none/, kms: /none/ },
  error: { iam: /InternalFailure/, kms: /InternalFailure/ },
};

for (const [kind, names] of Object.entries(faults))
  test.serial(`the fault "${kind}" strikes as often as asked, and then no more`, async (t) => {
    const iam = new IAMClient(clientSettings(simulator, account));
    const kmsClient = new KMSClient(clientSettings(simulator, account));
    const rule = { kind: kind as FaultRule['kind'], times: 1, delayMs: 30 };
    const undo = [
      simulator.fault({ ...rule, service: 'iam', action: 'ListUsers' }),
      simulator.fault({ ...rule, service: 'kms', action: '*' }),
    ];
    const within = () => ({ abortSignal: AbortSignal.timeout(kind === 'hang' ? 1_500 : 10_000) });
    const began = performance.now();
    const first = await failure(iam.send(new ListUsersCommand(), within()));
    if (kind === 'slow') t.true(performance.now() - began >= 30);
    t.regex(first.name, names.iam);
    t.regex((await failure(kmsClient.send(new ListKeysCommand(), within()))).name, names.kms);
    t.is((await failure(iam.send(new ListUsersCommand()))).name, 'none');
    t.is((await failure(kmsClient.send(new ListKeysCommand()))).name, 'none');
    for (const each of undo) each();
  });

test.serial('a lost answer was done, a reset connection was not', async (t) => {
  const iam = new IAMClient(clientSettings(simulator, account));
  const names = async (): Promise<(string | undefined)[]> =>
    ((await iam.send(new ListUsersCommand({ PathPrefix: '/lost/' }))).Users ?? []).map(
      (user) => user.UserName,
    );
  const make = (UserName: string) => failure(iam.send(new CreateUserCommand({ UserName, Path: '/lost/' })));
  const fault = { service: 'iam', action: 'CreateUser', times: 1 } as const;
  simulator.fault({ ...fault, kind: 'answer-lost', after: 1 });
  t.is((await make('first')).name, 'none');
  t.not((await make('lost')).name, 'none');
  simulator.fault({ ...fault, kind: 'reset' });
  t.not((await make('cut')).name, 'none');
  simulator.fault({ ...fault, kind: 'answer-lost' });
  t.not((await make('first')).name, 'EntityAlreadyExistsException', 'a refusal is lost as well');
  t.deepEqual(await names(), ['first', 'lost']);
});

test.serial('a fault can be undone, and meant for one access key', async (t) => {
  const iam = new IAMClient(clientSettings(simulator, account));
  const fault = { service: 'iam', action: '*', kind: 'throttle' } as const;
  simulator.fault({ ...fault, accessKeyId: 'AKIAOTHER' })();
  const undo = simulator.fault({ ...fault, accessKeyId: account.accessKeyId });
  t.is((await failure(iam.send(new ListUsersCommand()))).name, 'Throttling');
  undo();
  t.is((await failure(iam.send(new ListUsersCommand()))).name, 'none');
});

test('CloudTrail: its file is whole JSON after every record, without secrets; the one before is kept', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'trail-'));
  const trailFile = path.join(directory, 'trail.json');
  const other = await Simulator.start({ trailFile });
  const root = other.account();
  const iam = new IAMClient(clientSettings(other, root));
  const read = () =>
    (JSON.parse(readFileSync(trailFile, 'utf8')) as { Records: Record<string, unknown>[] }).Records;
  t.deepEqual(read(), []);
  await iam.send(new CreateUserCommand({ UserName: 'alice' }));
  t.is(read().length, 1);
  const key = (await iam.send(new CreateAccessKeyCommand({ UserName: 'alice' }))).AccessKey;
  await failure(iam.send(new CreateUserCommand({ UserName: 'alice' })));
  const records = read();
  t.like(records[0], {
    eventName: 'CreateUser',
    eventSource: 'iam.amazonaws.com',
    requestParameters: { userName: 'alice' },
    readOnly: false,
    userIdentity: { type: 'Root', accountId: root.id, accessKeyId: root.accessKeyId },
  });
  t.like(records[1]?.['responseElements'], {
    accessKey: { accessKeyId: key?.AccessKeyId, status: 'Active' },
  });
  t.is(records[2]?.['errorCode'], 'EntityAlreadyExists');
  t.deepEqual(other.trail.events() as unknown, records);
  const text = readFileSync(trailFile, 'utf8');
  for (const secret of [key?.SecretAccessKey, root.secretAccessKey])
    t.false(text.includes(secret ?? 'missing'));
  await other.close();
  const again = await Simulator.start({ trailFile });
  t.deepEqual(read(), []);
  t.true(readFileSync(`${trailFile}.1`, 'utf8').includes('CreateUser'));
  await again.close();
  await rm(directory, { recursive: true });
});

test('the state file brings accounts, users and keys back; it is for its owner only', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'state-'));
  const stateFile = path.join(directory, 'state.json');
  const first = await Simulator.start({ stateFile });
  const root = first.account('111122223333');
  const iam = new IAMClient(clientSettings(first, root));
  await iam.send(new CreateUserCommand({ UserName: 'alice' }));
  const key = (await iam.send(new CreateAccessKeyCommand({ UserName: 'alice' }))).AccessKey;
  await first.close();
  t.is((await stat(stateFile)).mode & 0o777, 0o600);
  const second = await Simulator.start({ stateFile });
  t.deepEqual(second.account('111122223333'), root);
  const alice = { accessKeyId: key?.AccessKeyId ?? '', secretAccessKey: key?.SecretAccessKey ?? '' };
  const sts = new STSClient(clientSettings(second, alice));
  t.is((await sts.send(new GetCallerIdentityCommand())).Arn, 'arn:aws:iam::111122223333:user/alice');
  await second.close();
  await rm(directory, { recursive: true });
});

test('a start that fails leaves nothing running and no file changed', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'start-'));
  const [stateFile, trailFile] = [path.join(directory, 'state.json'), path.join(directory, 'trail.json')];
  for (const file of [stateFile, trailFile]) await writeFile(file, 'of somebody else');
  await t.throwsAsync(Simulator.start({ port: simulator.port, stateFile, trailFile }), {
    code: 'EADDRINUSE',
  });
  await t.throwsAsync(Simulator.start({ stateFile, trailFile }), { message: /state file is not JSON/ });
  for (const file of [stateFile, trailFile]) t.is(readFileSync(file, 'utf8'), 'of somebody else');
  await rm(directory, { recursive: true });
});

test('a given access key becomes the one of the root user, and the one before is none any more', async (t) => {
  const before = simulator.account('777788889999');
  const given = { accessKeyId: 'AKIAGIVENGIVENGIVENX', secretAccessKey: 'given' };
  t.like(simulator.account('777788889999', given), given);
  const identity = (credentials: typeof given) =>
    failure(new STSClient(clientSettings(simulator, credentials)).send(new GetCallerIdentityCommand()));
  t.is((await identity(given)).name, 'none');
  t.is((await identity(before)).name, 'InvalidClientTokenId');
});

test('closing ends calls that hang, and the port is free again', async (t) => {
  const other = await Simulator.start();
  const root = other.account();
  other.fault({ service: 'sts', action: '*', kind: 'hang' });
  const sts = new STSClient(clientSettings(other, root));
  const hanging = failure(sts.send(new GetCallerIdentityCommand()));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await other.close();
  t.not((await hanging).name, 'none');
  const next = await Simulator.start({ port: other.port, tls: 'none' });
  t.is(next.url, `http://127.0.0.1:${other.port}`);
  await next.close();
});
