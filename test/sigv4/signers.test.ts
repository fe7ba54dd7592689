import { createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import aws4 from 'aws4';
import test from 'ava';
import fc from '../../testing/properties.ts';
import { expectedSignature } from '../../src/sigv4/expected-signature.ts';
import { RequestSigner } from '../../src/sigv4/request-signer.ts';
import { Sha256 } from '../../src/sigv4/sha256.ts';
import { signingKey, SigningKey } from '../../src/sigv4/signing-keys.ts';
import { Secret } from '../../src/secret.ts';
import {
  parseAuthorization,
  SignatureError,
  verifySignature,
  type ReceivedRequest,
} from '../../src/sigv4/verify.ts';
import { signByHand } from './by-hand.ts';
import { assertRefused, check, now, signSample, withHeader } from './sample.ts';

function oneOf(characters: string): fc.Arbitrary<string> {
  return fc.constantFrom(...characters.split(''));
}

const accessKeyId = fc.string({ minLength: 1, maxLength: 40, unit: oneOf('ABCxyz0189+=.@_-') });
const secret = fc.string({ minLength: 1, maxLength: 80 });
const region = fc.constantFrom('us-east-1', 'eu-central-1', 'us-gov-west-1', 'cn-north-1');
const body = fc.uint8Array({ maxLength: 300 });
/** The XKS API's own alphabet, in which no signer has anything to escape. */
const segment = fc.string({ minLength: 1, maxLength: 12, unit: oneOf('AZaz09-_') });
const path = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => `/${segments.join('/')}`);
const time = fc
  .integer({ min: 1_500_000_000, max: 4_000_000_000 })
  .map((seconds) => new Date(seconds * 1000));

/** Some that a signer, an object or a proxy may treat in its own way, and any other. */
const headerName = fc.oneof(
  fc.constantFrom(
    'user-agent',
    'connection',
    'date',
    'expect',
    'te',
    'cache-control',
    'x-amzn-trace-id',
    'x-amz',
  ),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'tostring',
    'proxy-a',
    'sec-a',
    'x-amz-security-token',
    'content-type',
  ),
  fc.string({ minLength: 1, maxLength: 12, unit: oneOf("!#$%&'*+-.^_`|~09az") }),
);
/** Words of printable ASCII, UTF-8 as bytes among it, with single or several spaces and tabs before, between, after. */
const word = fc.oneof(fc.string({ maxLength: 12 }), fc.constant('\u00c3\u00a9'), fc.constant('"a  b"'));
const blank = fc.string({ maxLength: 3, unit: fc.constantFrom(' ', '\t') });
const headerValue = fc
  .array(fc.tuple(blank, word, blank), { maxLength: 4 })
  .map((parts) => parts.flat().join(''));

function spell(name: string, bits: number): string {
  return Array.from(name, (c, i) => ((bits >> (i % 20)) & 1 ? c.toUpperCase() : c)).join('');
}

function toTimestamp(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d+/g, '');
}

async function verify(request: ReceivedRequest, content: Uint8Array, at: Date, key: string): Promise<void> {
  verifySignature(request, content, parseAuthorization(request, at), new Secret(key));
}

test('any request signed by hand is accepted, and refused with another body or secret', async (t) => {
  const header = fc.record({
    name: headerName,
    values: fc.array(fc.tuple(headerValue, fc.nat({ max: 2 ** 20 })), { minLength: 1, maxLength: 3 }),
    isSigned: fc.boolean(),
  });
  const headers = fc.uniqueArray(header, { selector: ({ name }) => name, maxLength: 8 });
  const property = fc.asyncProperty(
    fc.record({
      accessKeyId,
      secret,
      region,
      body,
      path,
      time,
      headers,
      order: fc.nat(),
      last: fc.boolean(),
    }),
    async (random) => {
      const timestamp = toTimestamp(random.time);
      const required = [
        [spell('host', random.order), 'proxy.example.com'],
        [spell('x-amz-date', random.order), timestamp],
      ] as const;
      const others = random.headers.flatMap(({ name, values }) =>
        values.map(([value, bits]) => [spell(name, bits), value] as const),
      );
      const request = signByHand({
        ...random,
        method: 'POST',
        headers: random.last ? [...others, ...required] : [...required, ...others],
        signed: [
          'host',
          'x-amz-date',
          ...random.headers.filter(({ isSigned }) => isSigned).map(({ name }) => name),
        ],
        timestamp,
      });
      await verify(request, random.body, random.time, random.secret);
      const otherBody = Buffer.concat([random.body, Buffer.of(0)]);
      await assertRefused(t, () => verify(request, otherBody, random.time, random.secret), noValues(request));
      await assertRefused(
        t,
        () => verify(request, random.body, random.time, `${random.secret}!`),
        noValues(request),
      );
    },
  );
  await t.notThrowsAsync(fc.assert(property, { numRuns: 500 }));
});

/** Random values may by chance be words of a message; the planted ones elsewhere may not. */
function noValues(request: ReceivedRequest): ReceivedRequest {
  return { ...request, rawHeaders: [] };
}

/** What may stand in a value that is signed: anything of HTTP's in UTF-8. */
const signable = fc.oneof(
  fc.constantFrom(' ', '\t', ',', ';', 'a', 'Z', '~', 'ü', '\u{1f511}', '\u00a0', '\ufeff'),
  fc.string({ minLength: 1, maxLength: 1 }),
);

const plainHeaders = fc.dictionary(
  fc
    .tuple(headerName, fc.nat({ max: 2 ** 20 }))
    .filter(([name]) => !['__proto__', 'x-amz-security-token', 'x-amz'].includes(name))
    .map(([name, bits]) => spell(name, bits)),
  fc.string({ maxLength: 20 }),
  { maxKeys: 6 },
);

/** No two names that differ in case only: signers differ on what these mean. */
function withoutDoubles(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    new Map(Object.entries(headers).map(([name, v]) => [name.toLowerCase(), [name, v]])).values(),
  );
}

test("any request signed by the AWS SDK's signer is accepted", async (t) => {
  const property = fc.asyncProperty(
    fc.record({ accessKeyId, secret, region, body, path, time, headers: plainHeaders }),
    fc.record({
      applyChecksum: fc.boolean(),
      uriEscapePath: fc.boolean(),
      sessionToken: fc.constantFrom('', 'token'),
    }),
    fc.tuple(fc.boolean(), fc.boolean()),
    async (random, { sessionToken, ...options }, [signsMore, signsLess]) => {
      const signer = new SignatureV4({
        ...options,
        credentials: {
          accessKeyId: random.accessKeyId,
          secretAccessKey: random.secret,
          ...(sessionToken === '' ? {} : { sessionToken }),
        },
        region: random.region,
        service: 'kms-xks-proxy',
        sha256: Sha256,
      });
      const headers = { ...withoutDoubles(random.headers), host: 'proxy.example.com' };
      const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
      const some = new Set([...names].filter((name, i) => i % 2 === 1 && name !== 'host'));
      const signed = await signer.sign(
        {
          method: 'POST',
          protocol: 'https:',
          hostname: 'proxy.example.com',
          path: random.path,
          headers,
          body: random.body,
        },
        {
          signingDate: random.time,
          ...(signsMore ? { signableHeaders: names } : {}),
          ...(signsLess ? { unsignableHeaders: some } : {}),
        },
      );
      const request = {
        method: 'POST',
        path: random.path,
        query: '',
        rawHeaders: Object.entries(signed.headers).flat(),
      };
      await verify(request, random.body, random.time, random.secret);
    },
  );
  await t.notThrowsAsync(fc.assert(property, { numRuns: 300 }));
});

test('any request signed by aws4 is accepted', async (t) => {
  const property = fc.asyncProperty(
    fc.record({ accessKeyId, secret, region, body, path, time, headers: plainHeaders }),
    async (random) => {
      const headers = Object.entries(withoutDoubles(random.headers)).filter(
        ([name]) => !/^(date|host|content-type)$/i.test(name),
      );
      const signed = aws4.sign(
        {
          service: 'kms-xks-proxy',
          region: random.region,
          host: 'proxy.example.com',
          method: 'POST',
          path: random.path,
          headers: {
            ...Object.fromEntries(headers),
            'Content-Type': 'application/json',
            'X-Amz-Date': toTimestamp(random.time),
          },
          // Its types have text only; it hands the body to node:crypto, which takes bytes as well.
          body: Buffer.from(random.body) as unknown as string,
        },
        { accessKeyId: random.accessKeyId, secretAccessKey: random.secret },
      );
      const rawHeaders = Object.entries(signed.headers ?? {}).flatMap(([name, value]) => [
        name,
        String(value),
      ]);
      await verify(
        { method: 'POST', path: random.path, query: '', rawHeaders },
        random.body,
        random.time,
        random.secret,
      );
    },
  );
  await t.notThrowsAsync(fc.assert(property, { numRuns: 300 }));
});

test("the signature expected of any request is the one that AWS's library makes of it", async (t) => {
  const field = fc.tuple(headerName, fc.string({ unit: signable, maxLength: 20 }));
  const property = fc.asyncProperty(
    fc.record({
      accessKeyId,
      secret,
      region,
      path,
      time,
      method: fc.constantFrom('POST', 'GET', 'M-SEARCH'),
    }),
    fc.uniqueArray(field, { selector: ([name]) => name, minLength: 1, maxLength: 8 }),
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    async (
      { accessKeyId: id, secret: text, region: where, path: target, time: at, method },
      fields,
      hash,
    ) => {
      const headers = fields.toSorted(([a], [b]) => (a < b ? -1 : 1));
      const timestamp = toTimestamp(at);
      const parts = {
        date: timestamp.slice(0, 8),
        region: where,
        signedHeaders: headers.map(([name]) => name),
        timestamp,
      };
      const request = { method, path: target, query: '', rawHeaders: [] };
      const bodyHash = Buffer.from(hash).toString('hex');
      t.is(
        expectedSignature(
          request,
          headers.map(([, value]) => value),
          bodyHash,
          parts,
          signingKey(new Secret(text), parts),
        ),
        await new RequestSigner(id, text, where).signatureOf(
          request,
          Object.assign(Object.create(null), Object.fromEntries(headers)) as Record<string, string>,
          bodyHash,
          { ...parts, requestTime: at },
        ),
      );
    },
  );
  await t.notThrowsAsync(fc.assert(property, { numRuns: 500 }));
});

test('what is kept of a secret for one day and Region proves nothing for another, however many there are', (t) => {
  const signed = ['host', 'x-amz-date'];
  const kept = new Secret('planted secret');
  const requestOf = (region: string, day: number, secret: string) => {
    const timestamp = `202601${String(day).padStart(2, '0')}T120000Z`;
    const headers = [['host', 'proxy.example.com'] as const, ['x-amz-date', timestamp] as const];
    const input = {
      method: 'POST',
      path: '/a',
      headers,
      signed,
      body: Buffer.of(1),
      timestamp,
      region,
      secret,
    };
    return { request: signByHand({ ...input, accessKeyId: 'ID' }), at: new Date(Date.UTC(2026, 0, day, 12)) };
  };
  const check = ({ request, at }: ReturnType<typeof requestOf>) =>
    verifySignature(request, Buffer.of(1), parseAuthorization(request, at), kept);
  for (const round of [1, 2])
    for (let at = 0; at < 24; at++) {
      const [region, day] = [`region-${at % 6}`, 1 + Math.floor(at / 6)];
      t.notThrows(() => check(requestOf(region, day, 'planted secret')), `${round} ${day}`);
      t.throws(() => check(requestOf(region, day, 'another secret')), { instanceOf: SignatureError });
    }
});

test('a signing key signs any text as HMAC-SHA-256 does, however long', (t) => {
  const text = fc.oneof(
    fc.string({ unit: signable, maxLength: 300 }),
    fc.string({ unit: 'binary', maxLength: 1000, size: 'max' }),
  );
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const property = fc.property(bytes, fc.array(text, { minLength: 1, maxLength: 3 }), (key, texts) => {
    const signing = new SigningKey(Buffer.from(key));
    for (const one of texts) t.is(signing.sign(one), createHmac('sha256', key).update(one).digest('hex'));
  });
  t.notThrows(() => fc.assert(property, { numRuns: 200 }));
});

test('a header is read as what it says, whether its signer has proven themselves before or not', async (t) => {
  const [proven, stranger] = ['BETWPENR6T4A3WQ5PDPL', 'CETWPENR6T4A3WQ5PDPL'].map((id) =>
    signSample({ accessKeyId: id }),
  );
  if (proven === undefined || stranger === undefined) return t.fail();
  await check(proven);
  t.true(parseAuthorization(proven, now).isKnown);
  t.false(parseAuthorization(stranger, now).isKnown);
  const told = (request: ReceivedRequest) => {
    try {
      const { date, region, signedHeaders, signature, timestamp } = parseAuthorization(request, now);
      return { date, region, signedHeaders, signature, timestamp };
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      return { reason: error.reason, message: error.message };
    }
  };
  const edit = fc.record({
    // Counted from the end, where the signature is.
    at: fc.oneof(fc.nat({ max: 70 }), fc.nat({ max: 250 })),
    drop: fc.nat({ max: 3 }),
    add: fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom(',', ', Signature=', '0', 'A', '=', ' ')),
  });
  const property = fc.property(fc.array(edit, { maxLength: 2 }), fc.boolean(), (edits, lacksHost) => {
    const toldOf = (request: ReceivedRequest) => {
      const edited = withHeader(request, 'authorization', (text) =>
        edits.reduce((so, { at, drop, add }) => {
          const from = Math.max(0, so.length - at);
          return so.slice(0, from) + add + so.slice(from + drop);
        }, text),
      );
      // The sample's Host is its first.
      return told({ ...edited, rawHeaders: edited.rawHeaders.slice(lacksHost ? 2 : 0) });
    };
    // The access key id is no part of what is signed: their signatures are the same.
    t.deepEqual(toldOf(proven), toldOf(stranger));
  });
  t.notThrows(() => fc.assert(property, { numRuns: 1000 }));
});
