import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { createServer, rootCertificates, type Server } from 'node:tls';
import test from 'ava';
import { examineCertificate } from '../../src/doctor/certificate.ts';
import { buildChain, readCertificates } from '../../src/doctor/chain.ts';
import { checksOf, type Finding } from '../../src/doctor/finding.ts';
import type { DoctorOptions } from '../../src/doctor/options.ts';
import { examineSuites } from '../../src/doctor/protocols.ts';
import { Chains, type Certified, type Input } from './chains.ts';
import { found, findingsUntil, one } from './findings.ts';

const host = 'xks.example.test';
let chains: Chains;
let root: Certified;
let intermediate: Certified;

test.before(async () => {
  chains = await Chains.create();
  root = await chains.root('Test Root');
  intermediate = await chains.issue(root, { commonName: 'Test Intermediate', ca: true });
});
test.after.always(async () => chains.dispose());

/** Serves TLS with these certificates and this key while `run` runs; what is asked of it is not answered. */
async function serving<T>(
  cert: string,
  key: string,
  run: (port: number) => Promise<T>,
  more: object = {},
): Promise<T> {
  const server: Server = createServer({ cert, key, ALPNProtocols: ['http/1.1'], ...more }, (socket) =>
    socket.on('error', () => undefined).end(),
  );
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await run((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

/** What the doctor says of a server with these certificates. */
async function diagnosed(
  { certificate, key }: { certificate: string; key: string },
  options: Partial<DoctorOptions> = {},
): Promise<Finding[]> {
  return serving(certificate, key, async (port) =>
    findingsUntil('certificate.key', {
      endpoint: { host, port: 443 },
      connect: { address: '127.0.0.1', port },
      ca: root.certificate,
      ...options,
    }),
  );
}

async function issued(input: Partial<Input>, issuer = root): Promise<Certified> {
  return chains.issue(issuer, { commonName: host, ...input });
}

const inOne = (leaf: Certified, ...rest: Certified[]) => ({
  certificate: [leaf, ...rest].map(({ certificate }) => certificate).join(''),
  key: leaf.key,
});

test('a whole chain in order is fine, whose CA is given', async (t) => {
  const leaf = await issued({}, intermediate);
  const findings = await diagnosed(inOne(leaf, intermediate));
  found(t, findings, 'certificate.chain', 'OK', /^“xks\.example\.test” ← “Test Intermediate”$/);
  t.deepEqual(one(t, findings, 'certificate.chain').data, { sent: 2, used: 2, orderSeen: true });
  found(t, findings, 'certificate.name', 'OK');
  found(t, findings, 'certificate.validity', 'OK', /^29 days, until /);
  found(t, findings, 'certificate.key', 'OK', /^EC prime256v1$/);
  // AWS would not trust it, and that is said whatever --ca says.
  found(t, findings, 'certificate.issuer', 'WARNING', /“Test Root” of --ca; AWS does not trust it/);
});

test('a chain without its intermediate is incomplete, and AWS calls that a TLS configuration error', async (t) => {
  const findings = await diagnosed(await issued({}, intermediate));
  const chain = found(t, findings, 'certificate.chain', 'PROBLEM', /“Test Intermediate”, is not among them/);
  t.is(chain.connectionErrorCode, 'XKS_PROXY_INVALID_TLS_CONFIGURATION');
  t.regex(chain.remediation ?? '', /fullchain\.pem/);
  found(t, findings, 'certificate.issuer', 'SKIPPED');
});

test('a chain in the wrong order, and one with a stranger in it, are warned of', async (t) => {
  const second = await chains.issue(intermediate, { commonName: 'Second Intermediate', ca: true });
  const leaf = await issued({}, second);
  found(
    t,
    await diagnosed(inOne(leaf, intermediate, second)),
    'certificate.chain',
    'WARNING',
    /not in order/,
  );
  const stranger = await chains.root('Stranger');
  const findings = await diagnosed(inOne(leaf, second, intermediate, stranger));
  found(t, findings, 'certificate.chain', 'WARNING', /1 that do not belong to it: “Stranger”/);
});

test('with TLS 1.3 alone the chain is seen, its order not', async (t) => {
  const leaf = await issued({}, intermediate);
  const { certificate, key } = inOne(leaf, intermediate);
  const options = (port: number): DoctorOptions => ({
    endpoint: { host, port: 443 },
    connect: { address: '127.0.0.1', port },
    ca: root.certificate,
  });
  const findings = await serving(
    certificate,
    key,
    async (port) => findingsUntil('certificate.chain', options(port)),
    { minVersion: 'TLSv1.3' },
  );
  found(t, findings, 'certificate.chain', 'OK', /only TLS 1\.3/);
});

test('an unknown CA is not on AWS’s list, and its self-signed root is named', async (t) => {
  const leaf = await issued({});
  const findings = await diagnosed(inOne(leaf, root), { ca: undefined });
  found(t, findings, 'certificate.chain', 'OK');
  const issuer = found(
    t,
    findings,
    'certificate.issuer',
    'PROBLEM',
    /“Test Root” is not on AWS’s list of 2022-11-10/,
  );
  t.is(issuer.connectionErrorCode, 'XKS_PROXY_INVALID_TLS_CONFIGURATION');
});

test('a self-signed certificate is its own unknown CA', async (t) => {
  const self = await chains.root(host);
  const findings = await diagnosed(self, { ca: undefined });
  found(t, findings, 'certificate.issuer', 'PROBLEM', /“xks\.example\.test” is not on AWS’s list/);
  found(t, findings, 'certificate.key', 'PROBLEM', /certificate of a CA/);
});

test('of the CAs of this machine those are trusted that AWS lists, and no others', (t) => {
  const amazon = readRoot('Amazon Root CA 1');
  t.is(buildChain([amazon]).end.kind, 'trusted');
  // Newer than AWS's list.
  const newer = readRoot('ISRG Root X2');
  t.deepEqual(buildChain([newer]).end, { kind: 'untrusted', name: 'ISRG Root X2', known: true });
});

test('an expired certificate is a problem, and one that is about to expire is warned of', async (t) => {
  const expired = found(
    t,
    await diagnosed(await issued({ days: -1 })),
    'certificate.validity',
    'PROBLEM',
    /has expired on/,
  );
  t.is(expired.connectionErrorCode, 'XKS_PROXY_INVALID_TLS_CONFIGURATION');
  // Of 400 days less than 30 are left only to those who look at another clock.
  const leaf = await issued({ days: 400 });
  const now = Date.now();
  const clock = Date.now;
  Date.now = () => now + 380 * 86_400_000;
  try {
    const sent = { certificates: readCertificates(leaf.certificate), asSent: true };
    found(t, examineCertificate(sent, host), 'certificate.validity', 'WARNING', /^1[89] days/);
  } finally {
    Date.now = clock;
  }
});

test('an intermediate that has expired is a problem too', async (t) => {
  const old = await chains.issue(root, { commonName: 'Old Intermediate', ca: true, days: -1 });
  const findings = await diagnosed(inOne(await issued({}, old), old));
  found(t, findings, 'certificate.validity', 'PROBLEM', /“Old Intermediate” has expired/);
});

test('a certificate of another name is a problem', async (t) => {
  const findings = await diagnosed(await issued({ commonName: 'other.example.test' }));
  found(
    t,
    findings,
    'certificate.name',
    'PROBLEM',
    /xks\.example\.test is not in it: common name “other\.example\.test”/,
  );
});

test('a name that is the common name alone is a problem; one that is an alternative name alone is warned of', async (t) => {
  found(t, await diagnosed(await issued({ names: [] })), 'certificate.name', 'PROBLEM', /common name only/);
  const alone = await issued({ commonName: '', names: [host] });
  found(t, await diagnosed(alone), 'certificate.name', 'WARNING', /common name is missing/);
});

test('a wildcard matches, and the silent metric is warned of', async (t) => {
  const findings = await diagnosed(await issued({ commonName: '*.example.test' }));
  found(t, findings, 'certificate.name', 'OK');
  found(t, findings, 'certificate.wildcard', 'WARNING', /“\*\.example\.test”/);
});

test('a short key, an old signature and a certificate for clients are problems', async (t) => {
  // OpenSSL itself does not serve with the first two: they are looked at as they are.
  const of = ({ certificate }: Certified) =>
    examineCertificate({ certificates: readCertificates(certificate), asSent: true }, host);
  found(
    t,
    of(await issued({ newKey: ['-newkey', 'rsa:1024'] })),
    'certificate.key',
    'PROBLEM',
    /RSA key of 1024 bits/,
  );
  found(
    t,
    of(await issued({ digest: 'sha1' })),
    'certificate.key',
    'PROBLEM',
    /signed with ecdsa-with-SHA1/i,
  );
  found(t, of(await issued({ usage: 'clientAuth' })), 'certificate.key', 'PROBLEM', /not for servers/);
});

test('a server that takes TLS 1.1 and other suites is warned of; one without AWS’s suites is a problem', async (t) => {
  const leaf = await issued({});
  const suites = async (more: object) =>
    serving(
      leaf.certificate,
      leaf.key,
      async (port) => {
        return examineSuites({
          host,
          port: 443,
          to: { address: '127.0.0.1', port },
          client: undefined,
          timeout: 5000,
        });
      },
      more,
    );
  const lax = await suites({ minVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' });
  found(t, lax, 'tls.suites', 'OK', /ECDHE-ECDSA-AES256-GCM-SHA384/);
  found(t, lax, 'tls.others', 'WARNING', /TLSv1\.1 .*ECDHE-ECDSA-AES128-GCM-SHA256/);
  const odd = await suites({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' });
  t.is(found(t, odd, 'tls.suites', 'PROBLEM').connectionErrorCode, 'XKS_PROXY_INVALID_TLS_CONFIGURATION');
});

const at = (port: number, timeout: number): DoctorOptions => ({
  endpoint: { host, port: 443 },
  connect: { address: '127.0.0.1', port },
  timeout,
});

test('at a closed port nothing is fine, and nothing is left out', async (t) => {
  const closed = createTcpServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  const findings = await findingsUntil('time.load', at(port, 5000));
  const tcp = found(t, findings, 'connection.tcp', 'PROBLEM', /refuses connections/);
  t.is(tcp.connectionErrorCode, 'XKS_PROXY_NOT_REACHABLE');
  const later = findings.filter(({ group }) => !['name', 'connection'].includes(group));
  t.deepEqual([...new Set(later.map(({ level }) => level))], ['SKIPPED']);
  t.deepEqual(
    new Set(later.map(({ id }) => id)),
    new Set(checksOf('certificate', 'tls', 'path', 'middlebox', 'credential', 'health', 'key', 'time')),
  );
});

test('a port that speaks no TLS and one that never answers are told apart', async (t) => {
  for (const [greet, timeout, seen, code] of [
    [true, 5000, /does not speak TLS|cuts the connection/, 'XKS_PROXY_INVALID_TLS_CONFIGURATION'],
    [false, 300, /does not answer in time/, 'XKS_PROXY_TIMED_OUT'],
  ] as const) {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      if (greet) socket.end('220 not what you look for\r\n');
      else socket.resume();
    });
    server.listen(0, '127.0.0.1');
    t.teardown(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const findings = await findingsUntil('connection.tls', at(port, timeout));
    t.is(found(t, findings, 'connection.tls', 'PROBLEM', seen).connectionErrorCode, code);
  }
});

function readRoot(name: string) {
  const list = rootsHere().find((certificate) => certificate.subject.split('\n').includes(`CN=${name}`));
  if (list === undefined) throw new Error(`${name} is not among the CAs of Node`);
  return list;
}

function rootsHere() {
  return readCertificates(rootCertificates.join('\n'));
}
