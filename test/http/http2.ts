import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2, { constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { text } from 'node:stream/consumers';
import test from 'ava';
import type { SignedRequest } from '../../testing/xks-client.ts';
import { assertError, authenticationFailed, base64, malformed, useFileNode } from '../xks/file-node.ts';

const file = useFileNode();

function open(): ClientHttp2Session {
  const { node } = file();
  const session = http2.connect(`https://localhost:${node.port}`, {
    ca: readFileSync(node.ca.certificate),
    lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  });
  session.on('error', () => undefined);
  return session;
}

/** `host` goes as :authority, as HTTP/2 has it, unless it is to stay. */
function begin(session: ClientHttp2Session, request: SignedRequest, keepHost = false): ClientHttp2Stream {
  const { host = '', ...headers } = request.headers;
  const stream = session.request({
    ':method': request.method,
    ':path': request.path,
    ':authority': host,
    ...headers,
    ...(keepHost ? { host } : {}),
  });
  stream.on('error', () => undefined);
  return stream;
}

async function answerOf(stream: ClientHttp2Stream) {
  const [[headers], body] = await Promise.all([
    once(stream, 'response') as Promise<[http2.IncomingHttpHeaders]>,
    text(stream),
  ]);
  return {
    status: Number(headers[':status']),
    headers,
    text: body,
    body: JSON.parse(body) as Record<string, string>,
  };
}

async function send(session: ClientHttp2Session, request: SignedRequest) {
  const stream = begin(session, request);
  if (!stream.writableEnded) stream.end(request.body);
  return answerOf(stream);
}

const health = async () =>
  file().client.sign('/first/kms/xks/v1/health', {
    requestMetadata: { kmsOperation: 'KmsHealthCheck', kmsRequestId: 'h2' },
  });

test('HTTP/2 is agreed on by ALPN, and a request that signs its authority as host is answered', async (t) => {
  const session = open();
  await once(session, 'connect');
  t.is(session.alpnProtocol, 'h2');
  const answer = await send(session, await health());
  t.is(answer.status, 200, answer.text);
  t.is(answer.headers['strict-transport-security'], 'max-age=63072000; includeSubDomains');
  t.is(answer.headers['content-type'], 'application/json');
  session.close();
});

test('over HTTP/2 what is encrypted decrypts, many requests at once on one connection', async (t) => {
  const { client, key, access } = file();
  const session = open();
  const metadata = { kmsOperation: 'x', kmsRequestId: '1', awsPrincipalArn: 'a', kmsKeyArn: 'k' };
  const post = async (operation: string, fields: object) =>
    send(
      session,
      await client.sign(`${access.uriPath}/keys/${key}/${operation}`, {
        requestMetadata: metadata,
        encryptionAlgorithm: 'AES_GCM',
        ...fields,
      }),
    );
  await Promise.all(
    Array.from({ length: 20 }, async (_, at) => {
      const plaintext = base64(Buffer.alloc(4300, at));
      const encrypted = await post('encrypt', { plaintext });
      t.is(encrypted.status, 200, encrypted.text);
      t.is((await post('decrypt', encrypted.body)).body['plaintext'], plaintext);
    }),
  );
  session.close();
});

test('over HTTP/2 another authority than the signed one fails authentication', async (t) => {
  const session = open();
  const request = await health();
  const elsewhere = { ...request, headers: { ...request.headers, host: 'elsewhere.example' } };
  assertError(t, await send(session, elsewhere), ...authenticationFailed);
  session.close();
});

test('over HTTP/2 a Host beside the authority is fine where it says the same, and malformed where not', async (t) => {
  const session = open();
  const request = await health();
  const same = begin(session, request, true);
  same.end(request.body);
  t.is((await answerOf(same)).status, 200);
  const { host = '', ...headers } = request.headers;
  const other = session.request({
    ...{ ':method': 'POST', ':path': request.path, ':authority': 'elsewhere.example' },
    ...headers,
    host,
  });
  other.end(request.body);
  assertError(t, await answerOf(other), ...malformed);
  session.close();
});

test('over HTTP/2 a GET at the URI of an API is answered 405 and an unknown path 404, with JSON', async (t) => {
  const session = open();
  const headers = { host: 'localhost' };
  const [get, lost] = await Promise.all([
    send(session, { method: 'GET', path: '/kms/xks/v1/health', headers, body: Buffer.alloc(0) }),
    send(session, { method: 'POST', path: '/lost', headers, body: Buffer.from('{}') }),
  ]);
  assertError(t, get, 405, 'UnsupportedOperationException', 'The XKS proxy API takes POST requests only.');
  t.is(get.headers['allow'], 'POST');
  assertError(t, lost, 404, 'InvalidUriPathException', 'The URI path is not one of this XKS proxy.');
  session.close();
});

test('over HTTP/2 a body beyond 128 KiB is refused and other streams go on', async (t) => {
  const session = open();
  const { client } = file();
  const large = await client.sign('/first/kms/xks/v1/health', Buffer.alloc(200_000, 32));
  const [refused, fine] = await Promise.all([send(session, large), send(session, await health())]);
  assertError(
    t,
    refused,
    501,
    'UnsupportedOperationException',
    'The request body is longer than the 131072 bytes supported.',
  );
  t.is(fine.status, 200);
  session.close();
});

test('HTTP/2 clients that give up, in any way and in great number, harm nobody', async (t) => {
  const other = open();
  const request = await health();
  for (let round = 0; round < 20; round++) {
    const session = open();
    await once(session, 'connect');
    const streams = Array.from({ length: 10 }, () => begin(session, request));
    for (const [at, stream] of streams.entries()) {
      if (at % 3 === 0) stream.end(request.body);
      else stream.write(request.body.subarray(0, 10));
      if (at % 2 === 0) stream.close(constants.NGHTTP2_CANCEL);
    }
    session.destroy();
    // Each time: a connection on which nothing is asked for is closed, sooner than a slow machine is done here.
    t.is((await send(other, request)).status, 200);
  }
  // An error that nobody caught would have ended this process, which is the node's too.
  t.notRegex(file().node.output, /TypeError|RangeError/);
  other.close();
});

test('over HTTP/2 too long headers are refused', async (t) => {
  const session = open();
  const request = await health();
  // 16 KiB from when the client has taken note of our settings; nghttp2's own 64 KiB before.
  t.is((await send(session, request)).status, 200);
  const stream = begin(session, {
    ...request,
    headers: { ...request.headers, 'x-long': 'a'.repeat(20_000) },
  });
  stream.end(request.body);
  const outcome = await Promise.race([
    answerOf(stream).then(({ status }) => status),
    once(stream, 'close').then(() => 'closed'),
  ]).catch(() => 'closed');
  t.not(outcome, 200);
  session.destroy();
});
