import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { TestCa } from '../../testing/certificates.ts';
import { clientOf, useFileNode } from '../xks/file-node.ts';
import { RawConnection } from './raw.ts';

const subject = 'cks.kms.eu-west-1.amazonaws.com';
const file = useFileNode({ mutualTls: { subjects: ['cks.kms.us-east-1.amazonaws.com', subject] } });
const ping = 'GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n';

interface Pair {
  certificate: string;
  key: string;
}

async function ask(pair: Pair | undefined, alpn: string, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<string> {
  const { node } = file();
  try {
    const connection = await RawConnection.open(node.port, node.ca.certificate, {
      ALPNProtocols: [alpn],
      maxVersion,
      ...(pair === undefined ? {} : { cert: readFileSync(pair.certificate), key: readFileSync(pair.key) }),
    });
    connection.write(alpn === 'h2' ? 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' : ping);
    await Promise.race([connection.closed, once(connection.socket, 'data')]);
    const { received } = connection;
    connection.close();
    return received;
  } catch {
    return '';
  }
}

/** Refused on every protocol and version, before a byte of HTTP. */
async function assertRefused(t: ExecutionContext, pair: Pair | undefined): Promise<void> {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    for (const alpn of ['http/1.1', 'h2']) t.is(await ask(pair, alpn, version), '');
  const { node } = file();
  const connection = await RawConnection.open(node.port, node.ca.certificate, {
    ...(pair === undefined ? {} : { cert: readFileSync(pair.certificate), key: readFileSync(pair.key) }),
  }).catch(() => undefined);
  if (connection === undefined) return;
  connection.write(ping);
  await t.throwsAsync(connection.response(), { message: /^the connection ended; received: $/ });
}

async function assertAccepted(t: ExecutionContext, pair: Pair): Promise<void> {
  const { node, access } = file();
  const client = clientOf(node, access, pair);
  t.is((await client.health()).status, 200);
  client.close();
}

test('a client certificate with a configured subject name of the configured CA is accepted', async (t) => {
  await assertAccepted(t, await file().node.clientCa.issue(subject, { client: true }));
});

test('a client certificate with a configured DNS name is accepted', async (t) => {
  const { clientCa } = file().node;
  await assertAccepted(t, await clientCa.issue('AWS KMS', { client: true, dnsNames: ['other', subject] }));
});

test('a client certificate with another subject name is refused before a byte of HTTP', async (t) => {
  const { clientCa } = file().node;
  for (const name of [
    ...[
      'cks.kms.eu-west-2.amazonaws.com',
      `x.${subject}`,
      `${subject}.evil.example`,
      '*.kms.eu-west-1.amazonaws.com',
    ],
  ])
    await assertRefused(t, await clientCa.issue(name, { client: true }));
});

test('a client certificate with a wildcard DNS name that would cover the subject is refused', async (t) => {
  const { clientCa } = file().node;
  const dnsNames = ['*.kms.eu-west-1.amazonaws.com', '*.amazonaws.com'];
  await assertRefused(t, await clientCa.issue('AWS KMS', { client: true, dnsNames }));
});

test('a client certificate of another CA is refused before a byte of HTTP', async (t) => {
  const directory = path.join(file().node.directory, 'other');
  await mkdir(directory);
  const other = await TestCa.create(directory, 'client-ca');
  await assertRefused(t, await other.issue(subject, { client: true }));
});

test("a certificate of the server's own CA is refused as a client certificate", async (t) => {
  await assertRefused(t, await file().node.ca.issue(subject, { client: true }));
});

test('a client without a certificate is refused before a byte of HTTP', async (t) => {
  await assertRefused(t, undefined);
});

test("a server's certificate of the client CA is refused as a client certificate", async (t) => {
  await assertRefused(t, await file().node.clientCa.issue(subject));
});
