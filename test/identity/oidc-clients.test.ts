import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import test from 'ava';
import { mayBeCalled } from '../../src/identity/oidc/addresses.ts';
import { OidcClients } from '../../src/identity/oidc/clients.ts';
import { OidcError, type OidcTrouble } from '../../src/identity/oidc/error.ts';
import { boundedFetch } from '../../src/identity/oidc/fetch.ts';
import { TestCa } from '../../testing/certificates.ts';
import { memoryDirectory } from '../../testing/test-node.ts';
import { FakeProvider, type Lies } from './oidc-fake.ts';
import { listenTls } from './oidc-stage.ts';

const state = {} as { fake: FakeProvider; ca: TestCa; directory: string; otherCa: string; caText: string };
const metadataPath = '/.well-known/openid-configuration';

test.before(async () => {
  state.directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-oidc-'));
  const ca = await TestCa.create(state.directory);
  const other = await TestCa.create(state.directory, 'other');
  state.caText = await readFile(ca.certificate, 'utf8');
  state.otherCa = await readFile(other.certificate, 'utf8');
  state.ca = ca;
  state.fake = await FakeProvider.create(ca, state.caText);
});

test.beforeEach(() => {
  state.fake.lies = {};
  state.fake.asked.length = 0;
});

test.after.always(async () => {
  await state.fake.server.close();
  await rm(state.directory, { recursive: true, force: true });
});

test.serial('an answer that holds tells who signed in', async (t) => {
  state.fake.lies = { claims: { email: 'ada@example.com', email_verified: true, preferred_username: 'ada' } };
  t.deepEqual(await state.fake.exchange(new OidcClients()), {
    subject: 'ada',
    verifiedEmail: 'ada@example.com',
    preferredUsername: 'ada',
  });
  t.false(state.fake.asked.includes('/userinfo'), 'it is not asked for what the ID token says');
});

test.serial('what the ID token does not tell is asked for', async (t) => {
  t.like(await state.fake.exchange(new OidcClients()), { subject: 'ada', verifiedEmail: 'ada@example.com' });
  state.fake.lies = { userinfo: { email_verified: 'true' } };
  t.is((await state.fake.exchange(new OidcClients())).verifiedEmail, 'ada@example.com', 'as Cognito says it');
  for (const email_verified of ['True', 'yes', 1, 'false', null, [true], {}]) {
    state.fake.lies = { userinfo: { email_verified } };
    const { verifiedEmail } = await state.fake.exchange(new OidcClients());
    t.is(verifiedEmail, undefined, JSON.stringify(email_verified));
  }
});

test.serial('metadata is asked for once in a while, its keys with it', async (t) => {
  const clients = new OidcClients();
  await Promise.all([state.fake.authorizationUrl(clients), state.fake.authorizationUrl(clients)]);
  await state.fake.authorizationUrl(clients);
  t.deepEqual(state.fake.asked, [metadataPath]);
});

const past = Math.floor(Date.now() / 1000) - 3600;
const broken: [name: string, lies: () => Lies, trouble: OidcTrouble][] = [
  ['of another nonce', () => ({ claims: { nonce: 'of another sign-in' } }), 'answer-refused'],
  ['without a nonce', () => ({ claims: { nonce: undefined } }), 'answer-refused'],
  ['of another issuer', () => ({ claims: { iss: 'https://evil.example' } }), 'answer-refused'],
  ['for another client', () => ({ claims: { aud: 'somebody-else' } }), 'answer-refused'],
  [
    'for several, of which another is the party',
    () => ({ claims: { aud: ['holdfast', 'x'], azp: 'x' } }),
    'answer-refused',
  ],
  ['that has run out', () => ({ claims: { iat: past, exp: past + 60 } }), 'answer-refused'],
  ['without an end', () => ({ claims: { exp: undefined } }), 'answer-refused'],
  ['without a subject', () => ({ claims: { sub: undefined } }), 'answer-refused'],
  ['with a subject that is too long', () => ({ claims: { sub: 'a'.repeat(256) } }), 'answer-refused'],
  ['with a subject in other letters', () => ({ claims: { sub: 'ädä' } }), 'answer-refused'],
  ['with a key of somebody else', () => ({ strangeKey: true }), 'answer-refused'],
  ['with a key that is not there', () => ({ header: { kid: 'two' } }), 'answer-refused'],
  [
    'signed by nobody',
    () => ({ header: { alg: 'none' }, alter: (token) => token.replace(/[^.]*$/, '') }),
    'answer-refused',
  ],
  ['signed with HMAC', () => ({ header: { alg: 'HS256' } }), 'answer-refused'],
  [
    'altered after it was signed',
    () => ({
      alter: (token) => {
        const [header, claims, signature] = token.split('.');
        const other = JSON.parse(Buffer.from(claims ?? '', 'base64url').toString()) as object;
        return `${header}.${Buffer.from(JSON.stringify({ ...other, sub: 'eve' })).toString('base64url')}.${signature}`;
      },
    }),
    'answer-refused',
  ],
  ['that is missing', () => ({ tokens: { id_token: undefined } }), 'answer-refused'],
];
for (const [name, lies, trouble] of broken)
  test.serial(`an ID token ${name} is refused`, async (t) => {
    state.fake.lies = lies();
    const error = await t.throwsAsync(state.fake.exchange(new OidcClients()), { instanceOf: OidcError });
    t.is(error.trouble, trouble);
    t.false(state.fake.asked.includes('/userinfo'));
  });

test.serial('user information of another subject is refused', async (t) => {
  state.fake.lies = { userinfo: { sub: 'eve' } };
  const error = await t.throwsAsync(state.fake.exchange(new OidcClients()), { instanceOf: OidcError });
  t.is(error.trouble, 'answer-refused');
});

const json = { 'Content-Type': 'application/json' };
const notProviders: [name: string, lies: () => Lies, trouble: OidcTrouble][] = [
  ['is of another issuer', () => ({ metadata: { issuer: 'https://other.example' } }), 'no-provider'],
  [
    'has the issuer with a slash more',
    () => ({ metadata: { issuer: `${state.fake.server.origin}/` } }),
    'no-provider',
  ],
  [
    'has an endpoint without TLS',
    () => ({ metadata: { token_endpoint: 'http://localhost/token' } }),
    'no-provider',
  ],
  ['has keys without TLS', () => ({ metadata: { jwks_uri: 'http://localhost/jwks' } }), 'no-provider'],
  [
    'sends the browser to a script',
    () => ({ metadata: { authorization_endpoint: 'javascript:alert(1)' } }),
    'no-provider',
  ],
  ['has no token endpoint', () => ({ metadata: { token_endpoint: undefined } }), 'no-provider'],
  [
    'is no JSON',
    () => ({ answer: { [metadataPath]: (out) => out.writeHead(200, json).end('<html>') } }),
    'no-provider',
  ],
  [
    'is not there',
    () => ({ answer: { [metadataPath]: (out) => out.writeHead(404, json).end('{}') } }),
    'no-provider',
  ],
  [
    'is elsewhere: redirects are not followed',
    () => ({
      answer: {
        [metadataPath]: (out) =>
          out.writeHead(302, { Location: `${state.fake.server.origin}/elsewhere` }).end(),
      },
    }),
    'no-provider',
  ],
  [
    'has no end',
    () => ({
      answer: { [metadataPath]: (out) => out.writeHead(200, json).end(`"${'x'.repeat(300 * 1024)}"`) },
    }),
    'unreachable',
  ],
  ['does not come', () => ({ answer: { [metadataPath]: () => undefined } }), 'unreachable'],
  [
    'comes a byte at a time',
    () => ({
      answer: {
        [metadataPath]: (out) => {
          out.writeHead(200, json);
          const timer = setInterval(() => out.write(' '), 50);
          out.once('close', () => clearInterval(timer));
        },
      },
    }),
    'unreachable',
  ],
  [
    'breaks off',
    () => ({ answer: { [metadataPath]: (out) => out.writeHead(200, json).write('{', () => out.destroy()) } }),
    'unreachable',
  ],
];
for (const [name, lies, trouble] of notProviders)
  test.serial(`a provider whose metadata ${name} is none`, async (t) => {
    state.fake.lies = lies();
    const clients = new OidcClients({ timeout: trouble === 'unreachable' ? 1.5 : 10 });
    const error = await t.throwsAsync(state.fake.authorizationUrl(clients), { instanceOf: OidcError });
    t.is(error.trouble, trouble);
    t.deepEqual(state.fake.asked, [metadataPath]);
  });

test.serial('a token endpoint that redirects gets no secret a second time', async (t) => {
  state.fake.lies = {
    answer: {
      '/token': (out) => out.writeHead(307, { Location: `${state.fake.server.origin}/elsewhere` }).end(),
    },
  };
  await t.throwsAsync(state.fake.exchange(new OidcClients()), { instanceOf: OidcError });
  t.false(state.fake.asked.includes('/elsewhere'));
});

test.serial(
  'a provider whose certificate does not chain to the given CA is not trusted, and nothing is sent',
  async (t) => {
    for (const ca_certificates of [state.otherCa, '']) {
      const error = await t.throwsAsync(
        new OidcClients().metadataOf(state.fake.record({ ca_certificates })),
        { instanceOf: OidcError },
      );
      t.is(error.trouble, 'untrusted');
    }
    t.deepEqual(state.fake.asked, []);
  },
);

test.serial('a provider at an address that its certificate does not name is not trusted', async (t) => {
  const elsewhere = await listenTls(state.ca, '127.0.0.2');
  t.teardown(async () => elsewhere.close());
  const error = await t.throwsAsync(
    new OidcClients().metadataOf(state.fake.record({ issuer: elsewhere.origin })),
    { instanceOf: OidcError },
  );
  t.is(error.trouble, 'untrusted');
});

test.serial('an issuer elsewhere cannot have us call this machine, or what is on the link', async (t) => {
  const fetch = boundedFetch({ ca: state.caText, onLoopback: false });
  const { port } = new URL(state.fake.server.origin);
  for (const host of [
    'localhost',
    '127.0.0.1',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '169.254.169.254',
    '0.0.0.0',
  ]) {
    const error = await t.throwsAsync(
      fetch(`https://${host}:${port}/token`, { method: 'POST', headers: {}, body: 'x', redirect: 'manual' }),
      { instanceOf: OidcError },
      host,
    );
    t.is(error.trouble, 'address-refused', host);
  }
  t.deepEqual(state.fake.asked, []);
});

test.serial('an endpoint on the link is not called, whoever names it', async (t) => {
  state.fake.lies = { metadata: { token_endpoint: 'https://169.254.169.254/latest/meta-data' } };
  const error = await t.throwsAsync(state.fake.exchange(new OidcClients()), { instanceOf: OidcError });
  t.is(error.trouble, 'address-refused');
});

test('which addresses may be called', (t) => {
  for (const [address, elsewhere, onLoopback] of [
    ['10.1.2.3', true, true],
    ['192.168.1.1', true, true],
    ['203.0.113.9', true, true],
    ['fd12::1', true, true],
    ['2001:db8::1', true, true],
    ['127.0.0.1', false, true],
    ['127.255.255.254', false, true],
    ['::1', false, true],
    ['::ffff:127.0.0.1', false, true],
    ['::ffff:10.0.0.1', true, true],
    ['0.0.0.0', false, false],
    ['::', false, false],
    ['169.254.169.254', false, false],
    ['::ffff:169.254.169.254', false, false],
    ['::ffff:a9fe:a9fe', false, false],
    ['168.63.129.16', false, false],
    ['224.0.0.1', false, false],
    ['255.255.255.255', false, false],
    ['fe80::1', false, false],
    ['fd00:ec2::254', false, false],
    ['ff02::1', false, false],
    // Metadata services of other clouds.
    ['100.100.100.200', false, false],
    ['100.100.100.201', true, true],
    ['192.0.0.192', false, false],
    ['fd20:ce::254', false, false],
    ['fd20:ce::253', true, true],
    // IPv4 behind IPv6: NAT64, 6to4, IPv4-compatible; and Teredo as a whole.
    ['64:ff9b::a9fe:a9fe', false, false],
    ['64:ff9b::169.254.169.254', false, false],
    ['64:ff9b:1::a9fe:a9fe', false, false],
    ['64:ff9b::7f00:1', false, true],
    ['64:ff9b::cb00:7109', true, true],
    ['2002:a9fe:a9fe::1', false, false],
    ['2002:6464:64c8::', false, false],
    ['2002:cb00:7109::1', true, true],
    ['::169.254.169.254', false, false],
    ['::7f00:1', false, true],
    ['2001:0:4136:e378::1', false, false],
    ['2001:db8:a9fe:a9fe::', true, true],
  ] as const) {
    t.is(mayBeCalled(address, false), elsewhere, `${address} from elsewhere`);
    t.is(mayBeCalled(address, true), onLoopback, `${address} from loopback`);
  }
});

test.serial(
  'a client secret goes in the header, or in the form where the provider takes no header',
  async (t) => {
    const seen: string[] = [];
    const note = (out: ServerResponse) => {
      seen.push(out.req.headers.authorization ?? 'none');
      out.writeHead(400).end();
    };
    for (const methods of [
      undefined,
      ['client_secret_post'],
      ['client_secret_post', 'client_secret_basic'],
    ]) {
      state.fake.lies = {
        metadata: { token_endpoint_auth_methods_supported: methods },
        answer: { '/token': note },
      };
      await t.throwsAsync(state.fake.exchange(new OidcClients()), { instanceOf: OidcError });
    }
    const basic = `Basic ${Buffer.from('holdfast:secret').toString('base64')}`;
    t.deepEqual(seen, [basic, 'none', basic]);
  },
);

test.serial('a provider that failed is asked again a little later, not for each who tries', async (t) => {
  const clients = new OidcClients();
  state.fake.lies = { answer: { [metadataPath]: (out) => out.writeHead(500, json).end('{}') } };
  for (let times = 0; times < 5; times++)
    await t.throwsAsync(state.fake.authorizationUrl(clients), { instanceOf: OidcError });
  t.is(state.fake.asked.length, 1);
});
