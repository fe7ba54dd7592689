import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http2 from 'node:http2';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { freePort } from '../../testing/free-port.ts';
import { Haproxy } from '../../testing/haproxy.ts';
import { InProcessNode } from '../../testing/in-process-node.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';
import { encryptBody, XksClient } from '../../testing/xks-client.ts';

test('HAProxy that ends TLS and begins it again, as our example has it, keeps signatures and addresses', async (t) => {
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const node = await InProcessNode.start({
    tokens: [{ fixture }],
    xks: { proxy_protocol_from: ['127.0.0.2'] },
  });
  t.teardown(async () => node.dispose());
  const access = await node.makeKeySet('first', { prefix: 'first' });
  const key = await node.makeKey('first', 'key');
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-re-encryption-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const ca = node.ca.certificate;
  const haproxy = await Haproxy.start({
    ...{ directory, ca, port: await freePort(), nodes: [node.port], source: '127.0.0.2', tls: node.tls },
  });
  t.teardown(async () => haproxy.stop());
  const client = new XksClient(haproxy.port, access, { ca, source: '127.0.0.3' });
  t.teardown(() => client.close());

  // As much as the spec asks for, and a header whose value a proxy might fold or trim; one connection, several requests.
  const [plaintext, aad] = [Buffer.alloc(4300, 7), Buffer.alloc(8192, 1)];
  const headers = { 'x-amz-test': 'a  b, c;  d="e"' };
  const encrypted = await client.post(`keys/${key}/encrypt`, encryptBody(plaintext, { aad, cdiv: true }), {
    headers,
  });
  t.is(encrypted.status, 200, encrypted.text);
  const decrypted = await client.decrypt(key, encrypted.body, { aad });
  t.is(decrypted.body?.plaintext, plaintext.toString('base64'), decrypted.text);

  const session = http2.connect(`https://127.0.0.1:${haproxy.port}`, {
    ...{ ca: readFileSync(ca), servername: 'localhost', localAddress: '127.0.0.4' },
  });
  t.teardown(() => session.destroy());
  for (let request = 0; request < 2; request++) {
    const signed = await client.sign(`${access.uriPath}/keys/${key}/encrypt`, encryptBody('x'), { headers });
    const { host = '', ...others } = signed.headers;
    const stream = session.request({
      ...{ ':method': signed.method, ':path': signed.path, ':authority': host },
      ...others,
    });
    stream.end(signed.body);
    const [told] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    t.is(Number(told[':status']), 200, await text(stream));
  }
  t.deepEqual(
    node.log.filter(({ operation }) => operation !== undefined).map(({ remote }) => remote),
    ['127.0.0.3', '127.0.0.3', '127.0.0.4', '127.0.0.4'],
  );

  const changed = await client.sign(`${access.uriPath}/keys/${key}/encrypt`, encryptBody('x'), { headers });
  changed.headers['x-amz-test'] = 'another';
  t.is((await client.send(changed)).status, 401, 'the header is signed');
});
