import { readFileSync } from 'node:fs';
import test from 'ava';
import { parseAuthorization, type ReceivedRequest, type SignatureFault } from '../../src/sigv4/verify.ts';
import { assertRefused, check, now, sample, signSample, withHeader } from './sample.ts';

interface Vector {
  readonly name: string;
  readonly authorization: string;
  /** Headers beside the usual ones, names and values alternating. */
  readonly headers?: readonly string[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/sigv4-authorization.json', import.meta.url), 'utf8'),
) as {
  readonly good: readonly Vector[];
  readonly bad: readonly (Vector & { readonly reason: SignatureFault })[];
};

const usual = [
  ['Host', 'proxy.example.com'],
  ['Content-Type', 'application/json'],
  ['Connection', 'keep-alive'],
  ['Date', 'Sat, 31 Jan 2026 12:00:00 GMT'],
  ['User-Agent', 'planted-agent'],
  ['X-Amz-Date', '20260131T120000Z'],
] as const;

function requestWith(...rawHeaders: readonly string[]): ReceivedRequest {
  return { method: 'POST', path: '/kms/xks/v1/health', query: '', rawHeaders };
}

function requestFor(vector: Vector): ReceivedRequest {
  return requestWith(...usual.flat(), ...(vector.headers ?? []), 'Authorization', vector.authorization);
}

for (const vector of vectors.good)
  test(`an Authorization header with ${vector.name} is read`, (t) => {
    const authorization = parseAuthorization(requestFor(vector), now);
    t.like(authorization, { date: '20260131', timestamp: '20260131T120000Z', requestTime: now });
    t.is(authorization.signature, '0123456789abcdef'.repeat(4));
    t.true(
      vector.authorization.includes(
        `Credential=${authorization.accessKeyId}/20260131/${authorization.region}/`,
      ),
    );
    t.true(vector.authorization.includes(`SignedHeaders=${authorization.signedHeaders.join(';')}`));
  });

for (const vector of vectors.bad)
  test(`an Authorization header with ${vector.name} is refused as ${vector.reason}`, async (t) => {
    const request = requestFor(vector);
    await assertRefused(t, () => void parseAuthorization(request, now), request, vector.reason);
  });

test('a request without an Authorization header is refused', async (t) => {
  const request = requestWith(...usual.flat());
  await assertRefused(t, () => check(request), request, 'missing-authorization');
});

for (const name of ['Authorization', 'Host', 'X-Amz-Date', 'X-Amz-Content-Sha256'])
  test(`a request with two ${name} headers is refused, equal or not, however their names are spelt`, async (t) => {
    const headers = [...sample.headers, ['X-Amz-Content-Sha256', 'e3b0c442'] as const];
    const request = signSample({ headers });
    const value = request.rawHeaders[request.rawHeaders.indexOf(name) + 1] ?? '';
    for (const other of [value, '', 'planted-value'])
      for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {
        const [before, after] = [
          { ...request, rawHeaders: [spelling, other, ...request.rawHeaders] },
          { ...request, rawHeaders: [...request.rawHeaders, spelling, other] },
        ];
        await assertRefused(t, () => check(before), before, 'duplicate-header');
        await assertRefused(t, () => check(after), after, 'duplicate-header');
      }
  });

for (const name of ['Host', 'X-Amz-Date'])
  test(`a request that signs ${name} but does not send it is refused`, async (t) => {
    const request = signSample({ headers: sample.headers.filter(([other]) => other !== name) });
    await assertRefused(t, () => check(request), request, 'missing-signed-header');
  });

test('a request with a query string is refused, its credentials in the query too', async (t) => {
  for (const query of [
    'a',
    'a=b',
    '&',
    'X-Amz-Signature=0123456789abcdef&X-Amz-Algorithm=AWS4-HMAC-SHA256',
  ]) {
    const request = { ...signSample(), query };
    await assertRefused(t, () => check(request), request, 'query-not-allowed');
  }
});

test('a path or method that could end a line of the canonical request is refused', async (t) => {
  for (const path of [
    '',
    'kms',
    '*',
    '/a b',
    '/a\nb',
    '/a?b',
    '/a#b',
    '/\u00e9',
    '/a\0',
    'https://host/a',
    '/a\\b',
  ]) {
    const request = signSample({ path });
    await assertRefused(t, () => check(request), request, 'malformed-request');
  }
  for (const method of ['', 'post', 'PO ST', 'POST\n/other', 'POST ']) {
    const request = signSample({ method });
    await assertRefused(t, () => check(request), request, 'malformed-request');
  }
});

test('an Authorization header of 4096 characters is read and a longer one is refused', async (t) => {
  const request = signSample();
  const pad = (length: number) =>
    withHeader(request, 'authorization', (value) =>
      value.replace(', ', `,${' '.repeat(length - value.length + 1)}`),
    );
  t.is(pad(4096).rawHeaders.at(-1)?.length, 4096);
  await t.notThrowsAsync(check(pad(4096)));
  await assertRefused(t, () => check(pad(4097)), pad(4097), 'malformed-authorization');
  const huge = withHeader(request, 'authorization', () => 'A'.repeat(1_000_000));
  await assertRefused(t, () => check(huge), huge, 'malformed-authorization');
});

test('64 signed headers are accepted and 65 are refused', async (t) => {
  const signWith = (count: number) => {
    const names = Array.from({ length: count - 3 }, (_, i) => `x-planted-${i}`);
    const headers = [...sample.headers, ...names.map((name) => [name, 'v'] as const)];
    return signSample({ headers, signed: [...sample.signed, ...names] });
  };
  await t.notThrowsAsync(check(signWith(64)));
  await assertRefused(t, () => check(signWith(65)), signWith(65), 'malformed-authorization');
});
