import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test from 'ava';
import { examineName } from '../../src/doctor/name.ts';
import { parseAddress, parseXksEndpoint } from '../../src/doctor/options.ts';
import { found } from './findings.ts';

/** What a name server of the test's own knows: IPv4 addresses, `AAAA` for one IPv6 address, `SOA` for a domain. */
const zone: Record<string, string[]> = {
  'xks.example.com': ['8.8.8.8', '8.8.4.4'],
  'six.example.com': ['AAAA'],
  'inside.example.com': ['10.1.2.3'],
  'example.com': ['SOA'],
};
let nameServer = '';
const socket = createSocket('udp4');

test.before(async () => {
  socket.on('message', (question, { port, address }) => socket.send(answerTo(question), port, address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  nameServer = `127.0.0.1:${socket.address().port}`;
});
test.after.always(() => socket.close());

/** RFC 1035, 4: a header, the question again, and what the zone has. */
function answerTo(question: Buffer): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = question.readUInt16BE(at + 1);
  const end = at + 5;
  const known = zone[labels.join('.').toLowerCase()];
  const records = (known ?? []).flatMap((entry) => {
    if (type === 1 && /^\d/.test(entry)) return [Buffer.from(entry.split('.').map(Number))];
    if (type === 28 && entry === 'AAAA') return [Buffer.from([0x26, 0x06, ...Buffer.alloc(14, 1)])];
    if (type === 6 && entry === 'SOA') return [Buffer.from([0, 0, ...Buffer.alloc(20)])];
    return [];
  });
  const header = Buffer.from(question.subarray(0, 12));
  // A response; NXDOMAIN for names that the zone does not have.
  header.writeUInt16BE(0x8180 | (known === undefined ? 3 : 0), 2);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt32BE(0, 8);
  const parts = records.map((data) => {
    const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]);
    return Buffer.concat([head, data]);
  });
  return Buffer.concat([header, question.subarray(12, end), ...parts]);
}

const examine = async (host: string, vpc = false) =>
  examineName({ host, port: 443 }, { nameServer, vpc, timeout: 2000 });

test('a public name with IPv4 addresses is fine, and all of them are tried', async (t) => {
  const { findings, addresses } = await examine('xks.example.com');
  t.deepEqual(
    findings.map(({ level }) => level),
    ['OK', 'OK', 'OK', 'OK'],
  );
  t.deepEqual(addresses.toSorted(), ['8.8.4.4', '8.8.8.8']);
});

test('a name that DNS does not know, and one with IPv6 only, cannot be reached by AWS', async (t) => {
  const unknown = await examine('nowhere.example.com');
  t.is(
    found(t, unknown.findings, 'name.resolves', 'PROBLEM', /has no address for it/).connectionErrorCode,
    'XKS_PROXY_NOT_REACHABLE',
  );
  t.deepEqual(unknown.addresses, []);
  const six = await examine('six.example.com');
  found(t, six.findings, 'name.resolves', 'OK');
  found(t, six.findings, 'name.ipv4', 'PROBLEM', /only IPv6/);
});

test('a private address is a problem for a public endpoint, and none for a VPC endpoint service', async (t) => {
  found(t, (await examine('inside.example.com')).findings, 'name.public', 'PROBLEM', /10\.1\.2\.3/);
  const { findings } = await examine('inside.example.com', true);
  found(t, findings, 'name.public', 'SKIPPED');
  found(t, findings, 'name.vpc-domain', 'OK', /below the public domain example\.com/);
  found(t, findings, 'name.vpc-service', 'SKIPPED');
});

test('a private DNS name must be below a public domain, and need not be known from here', async (t) => {
  const { findings } = await examine('xks.nobody.example', true);
  found(t, findings, 'name.resolves', 'WARNING');
  t.is(
    found(t, findings, 'name.vpc-domain', 'PROBLEM').connectionErrorCode,
    'XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION',
  );
  found(t, (await examine('example.com', true)).findings, 'name.qualified', 'PROBLEM', /not a subdomain/);
});

test('an address, a bare word and a reserved name are no endpoints for AWS', async (t) => {
  found(t, (await examine('8.8.8.8')).findings, 'name.qualified', 'PROBLEM', /IP address/);
  found(t, (await examine('2001:db8::1')).findings, 'name.ipv4', 'PROBLEM');
  found(t, (await examine('holdfast')).findings, 'name.qualified', 'PROBLEM', /not a fully qualified/);
  found(t, (await examine('xks.corp.internal')).findings, 'name.qualified', 'WARNING');
});

test('a name that the hosts file alone knows is warned of', async (t) => {
  const { findings, addresses } = await examineName({ host: 'localhost', port: 443 }, { timeout: 500 });
  t.true(addresses.includes('127.0.0.1'));
  found(t, findings, 'name.public', 'PROBLEM', /127\.0\.0\.1 cannot be reached over the internet/);
});

test('endpoints and addresses are read strictly', (t) => {
  t.deepEqual(parseXksEndpoint('https://xks.example.com'), { host: 'xks.example.com', port: 443 });
  t.deepEqual(parseXksEndpoint('https://xks.example.com:8443/'), { host: 'xks.example.com', port: 8443 });
  t.deepEqual(parseAddress('192.0.2.7', 443), { address: '192.0.2.7', port: 443 });
  t.deepEqual(parseAddress('[2001:db8::1]:8443', 443), { address: '2001:db8::1', port: 8443 });
  for (const text of [
    'xks.example.com',
    'ftp://xks.example.com',
    'https://a@b.example',
    'https://b.example/x?y',
  ])
    t.throws(() => parseXksEndpoint(text), { name: 'DoctorInputError' });
  for (const text of ['localhost', '192.0.2.7:0', '192.0.2.7:70000', '192.0.2.7:x', '2001:db8::1'])
    t.throws(() => parseAddress(text, 443), { name: 'DoctorInputError' });
});
