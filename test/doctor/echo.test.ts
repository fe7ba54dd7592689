import { randomBytes } from 'node:crypto';
import test from 'ava';
import { EchoBudget } from '../../src/http/echo.ts';
import { proveEcho } from '../../src/sigv4/echo-proof.ts';
import { signRequest } from '../../src/sigv4/sign.ts';
import type { XksResponse } from '../../testing/xks-client.ts';
import { allFindings, found, findingsUntil } from './findings.ts';
import { readFile } from 'node:fs/promises';
import { useStage } from './stage.ts';

const stage = useStage({ mutualTls: { subjects: ['aws.example.test'] } });

let client: { certificate: string; key: string };
test.serial.before(async () => {
  const issued = await stage().node.clientCa.issue('aws.example.test', { client: true });
  client = { certificate: issued.certificate, key: issued.key };
});
const pems = async () => ({
  certificate: await readFile(client.certificate, 'utf8'),
  key: await readFile(client.key, 'utf8'),
});

interface Changes {
  secret?: string;
  path?: string;
  claim?: Record<string, unknown>;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  ahead?: number;
}

/** Asks the node for an echo, right but for `changes`. */
async function ask(changes: Changes = {}): Promise<XksResponse> {
  const { node, access } = stage();
  const { accessKeyId } = access;
  const at = new Date(Date.now() + (changes.ahead ?? 0));
  const claim = {
    accessKeyId,
    nonce: randomBytes(24).toString('base64url'),
    time: at.toISOString().replace(/[-:]|\.\d{3}/g, ''),
  };
  const proof = proveEcho(claim, changes.secret ?? access.secretAccessKey);
  const body = Buffer.from(changes.body ?? JSON.stringify({ ...claim, proof, ...changes.claim }));
  const xks = node.client(access, { ...client, maxSockets: 1 });
  try {
    return await xks.send({
      method: changes.method ?? 'POST',
      path: changes.path ?? '/First/holdfast/v1/echo',
      headers: { host: 'localhost', 'content-type': 'application/json', ...changes.headers },
      body,
    });
  } finally {
    xks.close();
  }
}

test.serial('the echo says what arrived, and keeps what may be secret to itself', async (t) => {
  const cookie = randomBytes(16).toString('hex');
  const { node, access } = stage();
  const answer = await ask({
    headers: {
      cookie: `session=${cookie}`,
      authorization: `Bearer ${cookie}`,
      'x-strange': 'as it is',
      'x-origin-verify': cookie,
    },
  });
  t.is(answer.status, 200);
  t.is(answer.body.method, 'POST');
  t.is(answer.body.target, '/First/holdfast/v1/echo');
  t.is(answer.body.remote, '127.0.0.1');
  t.is(answer.body.httpVersion, '1.1');
  t.is(answer.body.tls.version, 'TLSv1.3');
  const headers = new Map(answer.body.headers as [string, string | null][]);
  t.is(headers.get('x-strange'), 'as it is');
  t.is(headers.get('cookie'), null);
  t.is(headers.get('authorization'), null);
  t.is(headers.get('x-origin-verify'), null, 'what a proxy adds for us alone');
  t.deepEqual(answer.body.signature, { verified: false, reason: 'wrong-algorithm' });
  t.false(answer.text.includes(cookie));
  t.false(answer.text.includes(access.secretAccessKey));
  await node.waitForLog(({ msg }) => msg === 'echo for holdfast doctor');
  t.false(node.output.includes(cookie));
  t.true(Math.abs(Date.parse(answer.body.time as string) - Date.now()) < 60_000);
});

test.serial('a signature on the echoed request is judged as it arrived', async (t) => {
  const { node, access } = stage();
  const { accessKeyId, secretAccessKey: secret } = access;
  const claim = {
    accessKeyId,
    nonce: 'n'.repeat(22),
    time: new Date().toISOString().replace(/[-:]|\.\d{3}/g, ''),
  };
  const body = JSON.stringify({ ...claim, proof: proveEcho(claim, secret) });
  const path = '/anywhere/holdfast/v1/echo/Az.0';
  const request = { method: 'POST', path, host: 'localhost', body: Buffer.from(body) };
  const signed = await signRequest(request, { accessKeyId, secret, region: 'eu-west-1' }, new Date());
  t.deepEqual((await ask({ path, body, headers: signed })).body.signature, { verified: true, reason: null });
  t.deepEqual(
    (await ask({ path, body, headers: { ...signed, host: `localhost:${node.port}` } })).body.signature,
    {
      verified: false,
      reason: 'signature-mismatch',
    },
  );
});

test.serial('to everybody else there is no such path', async (t) => {
  const { node } = stage();
  const unknown = await ask({ path: '/First/nothing/here', body: '{}' });
  t.is(unknown.status, 404);
  for (const changes of [
    { secret: 'A'.repeat(43) },
    { claim: { accessKeyId: 'A'.repeat(26) } },
    { claim: { proof: '0'.repeat(64) } },
    { claim: { proof: 'short' } },
    { claim: { nonce: 'n'.repeat(24) } },
    { claim: { more: 'than is known' } },
    { ahead: 310_000 },
    { ahead: -310_000 },
    { method: 'PUT' },
    { body: '' },
    { body: '{' },
    { body: 'null' },
    { body: ' '.repeat(4000) },
    { path: '/First/nothing/here', secret: 'A'.repeat(43) },
    { path: '/First/nothing/here', body: 'x' },
    { path: '/Nobody/kms/xks/v1/health', secret: 'A'.repeat(43) },
  ] satisfies Changes[]) {
    const answer = await ask(changes);
    t.is(answer.status, 404, JSON.stringify(changes));
    t.is(answer.body.errorName, 'InvalidUriPathException');
    if (changes.path?.startsWith('/Nobody') !== true) t.is(answer.text, unknown.text);
    const namesOf = ({ headers }: XksResponse) =>
      Object.keys(headers).filter((name) => name !== 'connection');
    t.deepEqual(namesOf(answer), namesOf(unknown));
  }
  t.is((await ask({ method: 'GET', body: '' })).status, 404);
  // And the node does not say whose it was.
  t.true(node.log.some(({ msg, accessKeyId }) => /URI path/.test(msg) && accessKeyId === undefined));
});

test.serial('to whoever proves a credential each path that is not there is the echo', async (t) => {
  for (const path of [
    '/FIRST/HOLDFAST/V1/ECHO/AZ.0',
    '/First/holdfast/v1/echo/a/b',
    '/First/nothing/here?as=it%20is',
    '/First%2Fholdfast%2fv1/echo',
    '/Nobody/kms/xks/v1/health',
    '/',
  ]) {
    const answer = await ask({ path });
    t.is(answer.status, 200, path);
    t.is(answer.body.target, path);
  }
  t.is((await ask({ path: '/First/kms/xks/v1/health' })).status, 401, 'a path of ours is no echo');
});

test.serial('a withdrawn credential has no echo', async (t) => {
  const { node, access } = stage();
  t.is((await ask()).status, 200);
  const other = await node.issueCredential('first');
  await node.withStore(async (vault) => vault.withdrawCredential('first', other.accessKeyId));
  const claim = { accessKeyId: other.accessKeyId, nonce: 'n'.repeat(22), time: timeNow() };
  const body = (secret: string) => JSON.stringify({ ...claim, proof: proveEcho(claim, secret) });
  t.is((await ask({ body: body(other.secretAccessKey) })).status, 404);
  t.is((await ask({ body: body(access.secretAccessKey) })).status, 404);
});

function timeNow(): string {
  return new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
}

test('a credential has thirty echoes, and then one a second', (t) => {
  let now = 0;
  const budget = new EchoBudget(() => now);
  const taken = (count: number) =>
    Array.from({ length: count }, () => budget.take('A')).filter(Boolean).length;
  t.is(taken(40), 30);
  t.true(budget.take('B'));
  now = 2_500;
  t.is(taken(20), 2);
  now = 1_000_000;
  t.is(taken(40), 30);
});

test.serial('a node that wants client certificates is told of, and served with one', async (t) => {
  const { options } = stage();
  const without = await allFindings(options());
  const finding = found(t, without, 'tls.mutual', 'PROBLEM', /wants a client certificate/);
  t.regex(finding.remediation ?? '', /--client-certificate/);
  found(t, without, 'certificate.chain', 'OK');
  found(t, without, 'credential.accepted', 'SKIPPED', /without a client certificate/);
  const withOne = await findingsUntil('credential.accepted', options({ client: await pems() }));
  found(t, withOne, 'tls.mutual', 'OK', /with the certificate served, without it refused/);
  found(t, withOne, 'credential.accepted', 'OK');
  const other = await stage().node.clientCa.issue('other.example.test', { client: true });
  const refused = await findingsUntil(
    'tls.mutual',
    options({
      client: {
        certificate: await readFile(other.certificate, 'utf8'),
        key: await readFile(other.key, 'utf8'),
      },
    }),
  );
  found(t, refused, 'tls.mutual', 'PROBLEM', /is refused/);
});
