import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import test from 'ava';
import fc from '../../testing/properties.ts';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Accounts } from '../../simulator/accounts.ts';
import { AuthFault } from '../../simulator/auth-fault.ts';
import type { HttpRequest } from '../../simulator/service.ts';
import { verifySignature } from '../../simulator/signature.ts';
import { Simulator } from '../../simulator/simulator.ts';
import { clientSettings, send, Sha256, sign } from './sdk-clients.ts';

const accounts = new Accounts();
const account = accounts.account('111122223333');
const now = new Date('2026-11-24T12:00:00Z');
const simulator = await Simulator.start();
const s3 = new S3Client(clientSettings(simulator, simulator.account('111122223333')));
const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' as const };
await s3.send(new CreateBucketCommand({ Bucket: 'some-bucket', CreateBucketConfiguration }));
test.after.always(async () => {
  await simulator.close();
});

/** Strict: what RFC 3986 does not reserve stays, all else is encoded. */
function code(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function toRequest(signed: {
  method: string;
  path: string;
  query?: Record<string, string | string[] | null> | undefined;
  headers: Record<string, string>;
  body?: string;
}): HttpRequest {
  const query = Object.entries(signed.query ?? {})
    .flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value ?? '']).map((one) => `${code(name)}=${code(one)}`),
    )
    .join('&');
  return {
    ...{ method: signed.method, path: signed.path, query, secure: true, trailers: new Map() },
    headers: new Map(Object.entries(signed.headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: Buffer.from(signed.body ?? ''),
    presigned: query.includes('X-Amz-Signature='),
  };
}

function verify(request: HttpRequest, service: 'kms' | 's3', at = now): string {
  try {
    return verifySignature(request, service, accounts, at).credential.accessKeyId;
  } catch (error) {
    if (error instanceof AuthFault) return error.kind;
    throw error;
  }
}

const signer = (service: 'kms' | 's3') =>
  new SignatureV4({
    ...{ service, region: 'eu-west-1', credentials: account, sha256: Sha256 },
    ...{ applyChecksum: service === 's3', uriEscapePath: service !== 's3' },
  });

const segment = fc.string({
  unit: fc.constantFrom('a', 'B', '0', ' ', '+', '%', '&', '=', '~', '*', "'", '(', 'ü', '.'),
  minLength: 1,
  maxLength: 6,
});
const segments = fc.array(
  segment.filter((text) => !/^\.+$/.test(text)),
  { maxLength: 4 },
);
const query = fc.dictionary(segment, segment, { maxKeys: 4 });
const headers = fc.dictionary(
  fc.constantFrom('x-amz-meta-a', 'x-amz-meta-b', 'content-type', 'x-other'),
  fc.string({ unit: fc.constantFrom('a', ' ', ',', '=', '"'), maxLength: 8 }).map((text) => `v${text}v`),
);

for (const service of ['kms', 's3'] as const)
  test(`${service}: whatever AWS's signer signs is verified, and no longer when one character of it is changed`, async (t) => {
    await fc.assert(
      fc.asyncProperty(segments, query, headers, fc.string(), async (parts, pairs, more, body) => {
        const path = `/${parts.map((part) => code(part)).join('/')}`;
        const signed = await signer(service).sign(
          {
            ...{ method: 'POST', protocol: 'https:', hostname: 'aws.test', path, query: pairs, body },
            headers: { host: 'aws.test', ...more },
          },
          { signingDate: now },
        );
        const request = toRequest({ ...signed, query: pairs, body });
        t.is(verify(request, service), account.accessKeyId);
        t.not(verify({ ...request, path: `${path}x` }, service), account.accessKeyId);
        t.not(verify({ ...request, body: Buffer.from(`${body}x`) }, service), account.accessKeyId);
        t.is(verify({ ...request, query: `${request.query}&x=y` }, service), 'signature');
        for (const name of Object.keys(more)) {
          const changed = new Map(request.headers).set(name, `${more[name]}x`);
          t.is(verify({ ...request, headers: changed }, service), 'signature');
        }
      }),
      { numRuns: 40 },
    );
  });

async function presigned(expiresIn = 60) {
  const url = await signer('s3').presign(
    {
      ...{
        method: 'GET',
        protocol: 'https:',
        hostname: 'aws.test',
        path: '/bucket/a%20key',
        headers: { host: 'aws.test', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
      },
      query: { 'response-content-type': 'text/csv' },
    },
    { signingDate: now, expiresIn },
  );
  return toRequest(url);
}

test('a presigned URL is taken until its time, from its time on, and for what it was made', async (t) => {
  const request = await presigned();
  const at = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);
  t.is(verify(request, 's3'), account.accessKeyId);
  t.is(verify(request, 's3', at(60)), account.accessKeyId);
  t.is(verify(request, 's3', at(61)), 'expired-url');
  t.is(verify(request, 's3', at(-16 * 60)), 'skewed');
  t.is(verify({ ...request, method: 'PUT' }, 's3'), 'signature');
  t.is(verify({ ...request, path: '/bucket/other' }, 's3'), 'signature');
  t.is(verify({ ...request, headers: new Map([['host', 'other.test']]) }, 's3'), 'signature');
  for (const part of request.query.split('&').filter((one) => !one.startsWith('X-Amz-Signature='))) {
    const query = request.query.replace(part, `${part}0`);
    t.not(verify({ ...request, query }, 's3'), account.accessKeyId, part);
  }
  const long = await presigned(604_800);
  t.is(verify(long, 's3', at(604_799)), account.accessKeyId);
  const longer = { ...long, query: long.query.replace('Expires=604800', 'Expires=604801') };
  t.is(verify(longer, 's3'), 'malformed');
});

test('a presigned URL reads an object over HTTP', async (t) => {
  await s3.send(new PutObjectCommand({ Bucket: 'some-bucket', Key: 'a', Body: 'by URL' }));
  const { hostname, port, host } = new URL(simulator.url);
  const url = await new SignatureV4({
    ...{ service: 's3', region: 'eu-west-1', credentials: simulator.account('111122223333'), sha256: Sha256 },
    ...{ applyChecksum: true, uriEscapePath: false },
  }).presign(
    {
      ...{ method: 'GET', protocol: 'https:', hostname, port: Number(port), path: '/some-bucket/a' },
      headers: { host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', 'x-amz-checksum-mode': 'ENABLED' },
    },
    { expiresIn: 60 },
  );
  const query = url.query as Record<string, string>;
  const answer = await send(simulator, { ...url, query, headers: { host }, body: '' });
  t.is(answer.body, 'by URL');
  const changed = await send(simulator, {
    ...url,
    query: { ...query, 'X-Amz-Expires': '61' },
    headers: { host },
    body: '',
  });
  t.is(changed.status, 403);
  t.regex(changed.body, /<Code>SignatureDoesNotMatch</);
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** An aws-chunked body with signed chunks, made here from the S3 API's description of it. */
async function chunked(trailer: boolean) {
  const root = simulator.account('111122223333');
  const chunks = ['first chunk,', 'second', ''];
  const kind = `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${trailer ? '-TRAILER' : ''}`;
  const signed = await sign(simulator, root, 's3', {
    ...{ method: 'PUT', path: '/some-bucket/chunked' },
    headers: {
      ...{ 'x-amz-content-sha256': kind, 'content-encoding': 'aws-chunked' },
      'x-amz-decoded-content-length': String(chunks.join('').length),
      ...(trailer ? { 'x-amz-trailer': 'x-amz-checksum-sha256' } : {}),
    },
  });
  const timestamp = signed.headers['x-amz-date'] ?? '';
  const scope = [timestamp.slice(0, 8), 'eu-west-1', 's3', 'aws4_request'];
  const key = scope.reduce<Buffer | string>((one, part) => hmac(one, part), `AWS4${root.secretAccessKey}`);
  let previous = /Signature=(\w+)/.exec(signed.headers['authorization'] ?? '')?.[1] ?? '';
  const next = (name: string, ...hashes: string[]): string => {
    const text = [`AWS4-HMAC-SHA256-${name}`, timestamp, scope.join('/'), previous, ...hashes].join('\n');
    previous = hmac(key, text).toString('hex');
    return previous;
  };
  const framed = chunks.map((chunk) => {
    const signature = next('PAYLOAD', sha256(''), sha256(chunk));
    return `${chunk.length.toString(16)};chunk-signature=${signature}\r\n${chunk === '' ? '' : `${chunk}\r\n`}`;
  });
  const checksum = createHash('sha256').update(chunks.join('')).digest('base64');
  const trailing = `x-amz-checksum-sha256:${checksum}`;
  const end = trailer
    ? `${trailing}\r\nx-amz-trailer-signature:${next('TRAILER', sha256(`${trailing}\n`))}\r\n\r\n`
    : '\r\n';
  return { ...signed, body: framed.join('') + end };
}

for (const trailer of [false, true])
  test.serial(
    `signed chunks ${trailer ? 'with trailing headers ' : ''}are verified one by one`,
    async (t) => {
      const signed = await chunked(trailer);
      const sound = await send(simulator, signed);
      t.is(sound.status, 200, sound.body);
      const kept = await s3.send(new GetObjectCommand({ Bucket: 'some-bucket', Key: 'chunked' }));
      t.is(await kept.Body?.transformToString(), 'first chunk,second');
      for (const [from, into] of [
        ['first', 'fIrst'],
        ['second', 'sEcond'],
        ...(trailer ? [['sha256:', 'sha256:A'] as const] : []),
      ] as const) {
        const answer = await send(simulator, { ...signed, body: signed.body.replace(from, into) });
        t.is(answer.status, 403, from);
        t.regex(answer.body, /<Code>SignatureDoesNotMatch</);
      }
      const short = await send(simulator, { ...signed, body: signed.body.slice(0, 40) });
      t.regex(short.body, /<Code>(IncompleteBody|SignatureDoesNotMatch)</);
      t.true(short.status >= 400);
    },
  );
