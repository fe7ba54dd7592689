import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import test from 'ava';
import { Secret } from '../../src/secret.ts';
import { SignatureError, parseAuthorization, verifySignature } from '../../src/sigv4/verify.ts';
import { assertRefused, check, now, sample, secret, signSample, withHeader } from './sample.ts';

const bodyHash = createHash('sha256').update(sample.body).digest('hex');

function withContentHash(value: string, isSigned: boolean) {
  return signSample({
    headers: [...sample.headers, ['X-Amz-Content-Sha256', value]],
    signed: isSigned ? [...sample.signed, 'x-amz-content-sha256'] : sample.signed,
  });
}

for (const isSigned of [true, false]) {
  const signed = isSigned ? 'a signed' : 'an unsigned';

  test(`${signed} x-amz-content-sha256 with the body's hash is accepted`, async (t) => {
    await t.notThrowsAsync(check(withContentHash(bodyHash, isSigned)));
  });

  for (const value of ['UNSIGNED-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', bodyHash.toUpperCase(), ''])
    test(`${signed} x-amz-content-sha256 of "${value.slice(0, 20)}" is refused`, async (t) => {
      const request = withContentHash(value, isSigned);
      await assertRefused(t, () => check(request), request, 'payload-hash-mismatch');
    });

  test(`${signed} x-amz-content-sha256 of the body that was signed does not let another body through`, async (t) => {
    const request = withContentHash(bodyHash, isSigned);
    await assertRefused(t, () => check(request, Buffer.from('{}')), request, 'payload-hash-mismatch');
  });
}

test('a signature over UNSIGNED-PAYLOAD is refused when no x-amz-content-sha256 is sent', async (t) => {
  const request = signSample({ body: Buffer.from('UNSIGNED-PAYLOAD') });
  await assertRefused(t, () => check(request), request, 'signature-mismatch');
});

test('a signed header is not spared because the signing library would have dropped it', async (t) => {
  const names = [
    'user-agent',
    'connection',
    'date',
    'expect',
    'proxy-planted',
    'sec-planted',
    '__proto__',
    'te',
  ];
  for (const name of names) {
    const headers = [
      ...sample.headers.filter(([other]) => other !== 'User-Agent'),
      [name, 'value one'] as const,
    ];
    const request = signSample({ headers, signed: [...sample.signed, name] });
    await t.notThrowsAsync(check(request), name);
    const altered = withHeader(request, name, () => 'value two');
    await assertRefused(t, () => check(altered), altered, 'signature-mismatch');
  }
});

test('values of a repeated signed header count in the order they were sent', async (t) => {
  const request = signSample({
    headers: [...sample.headers, ['X-List', 'one'], ['x-list', ' two '], ['X-LIST', '']],
    signed: [...sample.signed, 'x-list'],
  });
  await t.notThrowsAsync(check(request));
  const exchanged = { ...request, rawHeaders: request.rawHeaders.with(9, 'two').with(11, 'one') };
  await assertRefused(t, () => check(exchanged), exchanged, 'signature-mismatch');
});

test('whitespace around and inside a signed value may change, as HTTP lets it', async (t) => {
  const request = withHeader(signSample(), 'content-type', () => ' \tapplication/json; \t  charset=utf-8\t');
  await t.notThrowsAsync(check(request));
});

test('a signed value in UTF-8 is accepted, one that is not UTF-8 or has control characters is refused', async (t) => {
  const signWith = (value: string) =>
    signSample({ headers: [...sample.headers, ['x-text', value]], signed: [...sample.signed, 'x-text'] });
  await t.notThrowsAsync(check(signWith(Buffer.from('\ufeffgr\u00fc\u00df \u{1f511}').toString('latin1'))));
  for (const value of [
    '\u00e9',
    '\u00c3',
    '\u00ed\u00a0\u0080',
    '\u0100',
    'a\nb',
    'a\rb',
    'a\0b',
    'a\x7fb',
    'a\x0bb',
  ]) {
    const request = signWith(value);
    await assertRefused(t, () => check(request), request, 'malformed-request');
  }
});

test('dot segments, doubled slashes and percent signs in the path are signed as sent', async (t) => {
  for (const path of ['/', '//', '/a/../b', '/a/./b', '/a//b/', '/a%2Fb', '/a%2fb', '/%', "/!$&'()*+,;=:@~"])
    await t.notThrowsAsync(check(signSample({ path })), path);
  const request = { ...signSample({ path: '/a/../b' }), path: '/b' };
  await assertRefused(t, () => check(request), request, 'signature-mismatch');
});

test('a request signed for another region, or with its scope moved there, is refused', async (t) => {
  const request = withHeader(signSample(), 'authorization', (value) =>
    value.replace('us-east-1', 'us-east-2'),
  );
  await assertRefused(t, () => check(request), request, 'signature-mismatch');
  await t.notThrowsAsync(check(signSample({ region: 'us-east-2' })));
});

test('credentials that share an access key id or a secret are told apart', async (t) => {
  const other = signSample({ secret: `${secret}x` });
  await assertRefused(t, () => check(other), other, 'signature-mismatch');
  for (let i = 0; i < 120; i += 1) {
    const request = signSample({ secret: `secret ${i}`, accessKeyId: `ID${i % 7}` });
    const authorization = parseAuthorization(request, now);
    t.notThrows(() => verifySignature(request, sample.body, authorization, new Secret(`secret ${i}`)));
    await assertRefused(
      t,
      () => verifySignature(request, sample.body, authorization, new Secret(`secret ${i + 1}`)),
      request,
      'signature-mismatch',
    );
  }
});

test('an empty secret verifies nothing', (t) => {
  const request = signSample({ secret: '' });
  const authorization = parseAuthorization(request, now);
  t.throws(() => verifySignature(request, sample.body, authorization, new Secret('')), {
    instanceOf: RangeError,
  });
});

test('a header value with a long run of spaces costs no more than its length', async (t) => {
  const value = `a${' '.repeat(200_000)}b`;
  const request = signSample({
    headers: [...sample.headers, ['x-wide', value]],
    signed: [...sample.signed, 'x-wide'],
  });
  const before = process.cpuUsage();
  await t.notThrowsAsync(check(request));
  t.true(process.cpuUsage(before).user < 1_000_000);
});

test('a SignatureError shows neither the secret nor the signature when it is printed whole', async (t) => {
  const request = withHeader(signSample(), 'host', () => 'planted.example.com');
  const error = await t.throwsAsync(check(request), { instanceOf: SignatureError });
  const shown = inspect(error, { depth: Infinity, showHidden: true }) + JSON.stringify(error);
  const { signature } = parseAuthorization(request, now);
  for (const planted of [secret, signature, 'planted.example.com', sample.accessKeyId])
    t.false(shown.includes(planted));
});
