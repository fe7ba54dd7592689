import { spawn } from 'node:child_process';
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { ConnectionOptions } from 'node:tls';
import test from 'ava';
import { useWholeNode } from '../xks/file-node.ts';
import { RawConnection } from './raw.ts';

const file = useWholeNode();

const open = async (options: ConnectionOptions = {}) =>
  RawConnection.open(file().node.port, file().node.ca.certificate, options);
/** So that the client offers what the server must refuse. */
const anything = '@SECLEVEL=0';

async function negotiated(options: ConnectionOptions): Promise<string> {
  try {
    const connection = await open(options);
    const { name } = connection.socket.getCipher();
    const protocol = connection.socket.getProtocol();
    connection.close();
    return `${protocol} ${name}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'refused';
  }
}

test.serial('TLS 1.0 and 1.1 are refused', async (t) => {
  for (const version of ['TLSv1', 'TLSv1.1'] as const)
    t.regex(
      await negotiated({ minVersion: version, maxVersion: version, ciphers: `ALL:${anything}` }),
      /^(ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION|ECONNRESET)$/,
    );
});

test.serial('TLS 1.3 negotiates the two suites of the spec and no other', async (t) => {
  const only = async (ciphers: string) => negotiated({ minVersion: 'TLSv1.3', ciphers });
  t.is(await only('TLS_AES_256_GCM_SHA384'), 'TLSv1.3 TLS_AES_256_GCM_SHA384');
  t.is(await only('TLS_CHACHA20_POLY1305_SHA256'), 'TLSv1.3 TLS_CHACHA20_POLY1305_SHA256');
  t.regex(await only('TLS_AES_128_GCM_SHA256'), /HANDSHAKE_FAILURE/);
  t.is(
    await only('TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256'),
    'TLSv1.3 TLS_CHACHA20_POLY1305_SHA256',
  );
});

test.serial('TLS 1.2 negotiates ECDHE with AES-256-GCM and no other suite', async (t) => {
  const only = async (ciphers: string) => negotiated({ maxVersion: 'TLSv1.2', ciphers });
  t.is(await only('ECDHE-ECDSA-AES256-GCM-SHA384'), 'TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384');
  for (const suite of [
    ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-ECDSA-AES256-SHA384'],
    ...['ECDHE-ECDSA-AES256-SHA', 'AES256-GCM-SHA384', 'DHE-RSA-AES256-GCM-SHA384', 'AES128-SHA'],
    'ALL:!ECDHE-ECDSA-AES256-GCM-SHA384:!ECDHE-RSA-AES256-GCM-SHA384',
  ])
    t.regex(await only(`${suite}:${anything}`), /HANDSHAKE_FAILURE/, suite);
});

test.serial(
  'keys are agreed on with X25519, P-256 or P-384, and not with what costs many times as much',
  async (t) => {
    const only = async (ecdhCurve: string) => negotiated({ minVersion: 'TLSv1.3', ecdhCurve });
    for (const group of ['X25519', 'P-256', 'P-384', 'X25519MLKEM768'])
      t.regex(await only(group), /^TLSv1\.3 /, group);
    for (const group of ['P-521', 'ffdhe2048', 'ffdhe3072', 'X448', 'brainpoolP384r1tls13'])
      t.regex(await only(group), /HANDSHAKE_FAILURE/, group);
  },
);

test.serial('a client cannot make the server renegotiate', async (t) => {
  const { port } = file().node;
  const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2']);
  client.stdin.write('R\n');
  const output = (await Promise.all([text(client.stdout), text(client.stderr)])).join('');
  t.regex(output, /RENEGOTIATING[^]*no renegotiation/);
});

const serialOf = async () => {
  const connection = await open();
  const { serialNumber } = connection.socket.getPeerCertificate();
  connection.close();
  return serialNumber;
};
const ping = 'GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n';
const loaded = () => file().node.log.filter(({ msg }) => msg === 'TLS certificate loaded').length;

const nextLoad = async (taken: number) => file().node.waitForLog(() => loaded() > taken);

/** Nobody listens yet. */
function onlyRefused(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ECONNREFUSED' && error.code !== 'ECONNRESET') throw error;
}

/** Both files put in place of the old, as a renewal does it. */
async function replace(from: { certificate: string; key: string }): Promise<void> {
  const { tls } = file().node;
  for (const part of ['certificate', 'key'] as const) {
    await copyFile(from[part], `${tls[part]}.new`);
    await rename(`${tls[part]}.new`, tls[part]);
  }
}

test.serial('replaced TLS files are taken up for new connections, and open ones live on', async (t) => {
  const { node } = file();
  const before = await serialOf();
  const living = await open();
  living.write(ping);
  t.is((await living.response()).status, 200);
  const taken = loaded();
  await replace(await node.ca.issue('localhost', { rsa: true }));
  await nextLoad(taken);
  t.not(await serialOf(), before);
  t.is(await negotiated({ maxVersion: 'TLSv1.2' }), 'TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384');
  living.write(ping);
  t.is((await living.response()).status, 200);
  t.is(living.socket.getPeerCertificate().serialNumber, before);
  living.close();
});

/** The next half pair has a key of the same kind, and one of another: OpenSSL itself refuses only the former. */
for (const [kind, rsa, reason] of [
  ['the same kind', true, 'the key is of another certificate'],
  ['another kind', false, 'the key is of another certificate'],
] as const)
  test.serial(
    `half a replaced pair of ${kind} is refused and logged, and the old pair serves on`,
    async (t) => {
      const { node } = file();
      const before = await serialOf();
      const next = await node.ca.issue('localhost', { rsa });
      await writeFile(node.tls.certificate, await readFile(next.certificate));
      await node.waitForLog(({ problem }) => String(problem).endsWith(`cannot be used together (${reason})`));
      t.is(await serialOf(), before);
      const taken = loaded();
      await writeFile(node.tls.key, await readFile(next.key));
      await nextLoad(taken);
      t.not(await serialOf(), before);
    },
  );

test.serial(
  'a worker that dies comes back with the last good files, whatever is in their place',
  async (t) => {
    const { node, client } = file();
    const before = await serialOf();
    const [certificate, key] = await Promise.all([readFile(node.tls.certificate), readFile(node.tls.key)]);
    await writeFile(node.tls.certificate, 'no certificate');
    await rm(node.tls.key);
    const [worker = 0] = node.processes().workers;
    process.kill(worker, 'SIGKILL');
    await node.waitForLog(({ msg }) => msg === 'XKS worker gone, starting another');
    let after: string | undefined;
    while (after === undefined) after = await serialOf().catch(onlyRefused);
    t.is(after, before);
    await writeFile(node.tls.key, key, { mode: 0o600 });
    const taken = loaded();
    await writeFile(node.tls.certificate, certificate);
    await nextLoad(taken);
    t.is((await client.health()).status, 200);
  },
);

test.serial('SIGHUP reads the TLS files again', async (t) => {
  const { node } = file();
  const taken = loaded();
  node.signal('SIGHUP');
  await nextLoad(taken);
  t.is((await file().client.health()).status, 200);
});
