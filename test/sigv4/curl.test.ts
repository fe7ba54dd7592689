import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import type { ReceivedRequest } from '../../src/sigv4/verify.ts';
import { assertRefused, check, sample, secret } from './sample.ts';

interface Captured {
  readonly request: ReceivedRequest;
  readonly body: Buffer;
}

type Listener = (request: http.IncomingMessage | http2.Http2ServerRequest, end: () => void) => void;

/** What arrives at a server on this machine when curl signs and sends `body`. */
async function sendWithCurl(
  t: ExecutionContext,
  body: Uint8Array,
  options: readonly string[],
): Promise<Captured> {
  const captured: Captured[] = [];
  const listener: Listener = (message, end) => {
    const capture = async () => {
      const content = await buffer(message);
      const rawHeaders = message.rawHeaders.map((raw, i) =>
        i % 2 === 0 && raw === ':authority' ? 'host' : raw,
      );
      const [path = '', query = ''] = (message.url ?? '').split('?');
      captured.push({ request: { method: message.method ?? '', path, query, rawHeaders }, body: content });
      end();
    };
    void capture();
  };
  const server = options.includes('--http2-prior-knowledge')
    ? http2.createServer((request, response) => listener(request, () => response.end()))
    : http.createServer((request, response) => listener(request, () => response.end()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const credential = [
    '--aws-sigv4',
    'aws:amz:us-east-1:kms-xks-proxy',
    '--user',
    `${sample.accessKeyId}:${secret}`,
  ];
  const post = [
    '--silent',
    '--show-error',
    '--max-time',
    '20',
    '--data-binary',
    '@-',
    ...credential,
    ...options,
  ];
  const curl = spawn('curl', [...post, `http://127.0.0.1:${port}${sample.path}`]);
  curl.stdin.end(body);
  const [stderr] = await Promise.all([text(curl.stderr), once(curl, 'close')]);
  t.is(stderr, '');
  const [first] = captured;
  if (first === undefined) throw new Error('curl sent nothing');
  return first;
}

const json = ['-H', 'Content-Type: application/json'];

const cases: Record<string, { readonly body?: Uint8Array; readonly options: readonly string[] }> = {
  'a JSON body': { options: json },
  "curl's own content type": { options: [] },
  'an empty body': { body: Buffer.alloc(0), options: json },
  'a body of all bytes': {
    body: Buffer.from(Array.from({ length: 256 }, (_, i) => i)).subarray(1),
    options: json,
  },
  'a body of 100,000 bytes': { body: Buffer.alloc(100_000, 'a'), options: json },
  'a body of 2,000,000 bytes, sent after 100 Continue': { body: Buffer.alloc(2_000_000, 'a'), options: json },
  'headers of its own': {
    options: [...json, '-H', 'X-Planted: one', '-H', 'A-Planted: two', '-H', 'Zz: three'],
  },
  'a user agent and a connection header': {
    options: [...json, '-H', 'User-Agent: planted', '-H', 'Connection: close'],
  },
  'spaces and tabs around and inside a value': {
    options: [...json, '-H', 'X-Planted: \t one   two\tthree  '],
  },
  'a name in mixed case': { options: [...json, '-H', 'x-PLANTED: one'] },
  'UTF-8 in a value': { options: [...json, '-H', 'X-Planted: gr\u00fc\u00df'] },
  'a host name of its own': { options: [...json, '-H', 'Host: proxy.example.com'] },
  'HTTP/1.0': { options: [...json, '--http1.0'] },
  'HTTP/2': { options: [...json, '--http2-prior-knowledge'] },
};

for (const [name, { body = sample.body, options }] of Object.entries(cases))
  test(`a request that curl signs with ${name} is accepted, and refused with another body`, async (t) => {
    const captured = await sendWithCurl(t, body, options);
    t.deepEqual(captured.body, Buffer.from(body));
    await t.notThrowsAsync(check(captured.request, captured.body, new Date()));
    const altered = Buffer.concat([captured.body, Buffer.from(' ')]);
    await assertRefused(t, () => check(captured.request, altered, new Date()), {
      ...captured.request,
      rawHeaders: [],
    });
  });

test('a request that curl signs for another service is refused', async (t) => {
  const { request, body } = await sendWithCurl(t, sample.body, [
    ...json,
    '--aws-sigv4',
    'aws:amz:us-east-1:kms',
  ]);
  await assertRefused(
    t,
    () => check(request, body, new Date()),
    { ...request, rawHeaders: [] },
    'wrong-scope',
  );
});

test('a request that curl signs with another secret is refused', async (t) => {
  const options = [...json, '--user', `${sample.accessKeyId}:${secret}x`];
  const { request, body } = await sendWithCurl(t, sample.body, options);
  await assertRefused(
    t,
    () => check(request, body, new Date()),
    { ...request, rawHeaders: [] },
    'signature-mismatch',
  );
});
