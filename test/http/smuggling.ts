import test from 'ava';
import { assertError, authenticationFailed, malformed, useFileNode } from '../xks/file-node.ts';
import { RawConnection, toHttp1 } from './raw.ts';

const file = useFileNode();

const path = '/first/kms/xks/v1/health';
/** What a smuggler hides in the body: if it were taken for a request there would be a second answer. */
const hidden = 'GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n';

const ambiguous: Record<string, string[]> = {
  'two Content-Length headers that differ': ['Content-Length: 4', `Content-Length: ${hidden.length}`],
  'two Content-Length headers that agree': ['Content-Length: 4', 'Content-Length: 4'],
  'a list of lengths': ['Content-Length: 4, 4'],
  'a length with a sign': ['Content-Length: +4'],
  'a negative length': ['Content-Length: -4'],
  'a hexadecimal length': ['Content-Length: 0x4'],
  'a length with a space inside': ['Content-Length: 4 4'],
  'a length beyond 64 bits': ['Content-Length: 99999999999999999999'],
  'an empty length': ['Content-Length: '],
  'Content-Length and Transfer-Encoding': ['Content-Length: 4', 'Transfer-Encoding: chunked'],
  'Transfer-Encoding and Content-Length': ['Transfer-Encoding: chunked', 'Content-Length: 4'],
  'an unknown coding': ['Transfer-Encoding: xchunked'],
  identity: ['Transfer-Encoding: identity'],
  'chunked that is not the last coding': ['Transfer-Encoding: chunked, identity'],
  'a space before the colon': ['Transfer-Encoding : chunked'],
  'a folded header': ['X-Folded: a', ' Transfer-Encoding: chunked', 'Content-Length : 4'],
  'a header without a name': [': chunked', 'Content-Length: 4'],
  'a NUL in a header': ['X-Nul: a\0b'],
  'a bare CR in a header': ['X-Cr: a\rTransfer-Encoding: chunked'],
  'a bare LF as the end of a line': ['X-Lf: a\nContent-Length : 4'],
};

for (const [name, headers] of Object.entries(ambiguous))
  test(`a request with ${name} is refused as malformed and the connection ends`, async (t) => {
    const connection = await RawConnection.open(file().node.port, file().node.ca.certificate);
    connection.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\n${headers.join('\r\n')}\r\n\r\n${hidden}`);
    assertError(t, await connection.response(), ...malformed);
    await connection.closed;
    t.is(connection.received, '');
  });

for (const [name, body] of Object.entries({
  'a chunk size that is no number': 'zz\r\nabc\r\n0\r\n\r\n',
  'a chunk longer than its size': '2\r\nabcdef\r\n0\r\n\r\n',
  'a chunk size beyond 64 bits': 'ffffffffffffffff1\r\na\r\n0\r\n\r\n',
  'a negative chunk size': '-1\r\na\r\n0\r\n\r\n',
  'a bare LF after the chunk size': '3\nabc\r\n0\r\n\r\n',
  'a space after the chunk size': '3 \r\nabc\r\n0\r\n\r\n',
}))
  test(`a chunked body with ${name} is refused as malformed and the connection ends`, async (t) => {
    const connection = await RawConnection.open(file().node.port, file().node.ca.certificate);
    // Authenticated as far as the head goes, so that the body is read and not thrown away.
    const { headers } = await file().client.sign(path, '{}');
    const head = Object.entries(headers).map(([field, value]) => `${field}: ${value}\r\n`);
    connection.write(
      `POST ${path} HTTP/1.1\r\n${head.join('')}Transfer-Encoding: chunked\r\n\r\n${body}${hidden}`,
    );
    assertError(t, await connection.response(), ...malformed);
    await connection.closed;
    t.is(connection.received, '');
  });

for (const [name, request] of Object.entries({
  'Transfer-Encoding on HTTP/1.0': `POST ${path} HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'no Host on HTTP/1.1': `GET /ping HTTP/1.1\r\n\r\n`,
  'no Host at an API path': `POST ${path} HTTP/1.1\r\nContent-Length: 0\r\n\r\n`,
  'an unknown method': `BREW ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  'a method in small letters': `post ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  'an unknown version': `GET /ping HTTP/3.0\r\nHost: localhost\r\n\r\n`,
  'no version': 'GET /ping\r\n\r\n',
  'a space in the path': 'GET /pi ng HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'TLS within TLS': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  zeros: '\0'.repeat(100),
}))
  test(`${name} is refused as malformed and the connection ends`, async (t) => {
    const connection = await RawConnection.open(file().node.port, file().node.ca.certificate);
    connection.write(request);
    assertError(t, await connection.response(), ...malformed);
    await connection.closed;
  });

test('what HAProxy sends of its own accord, HTTP/1.0 without a Host, is answered 204', async (t) => {
  const connection = await RawConnection.open(file().node.port, file().node.ca.certificate);
  connection.write('OPTIONS / HTTP/1.0\r\n\r\n');
  t.is((await connection.response()).status, 204);
  await connection.closed;
});

test('two Host headers are refused, and one that is none', async (t) => {
  for (const hosts of [
    'Host: localhost\r\nHost: localhost',
    'Host: local host',
    'Host: a\r\nhost: b',
    'Host: a/b',
  ]) {
    const connection = await RawConnection.open(file().node.port, file().node.ca.certificate);
    connection.write(`GET /ping HTTP/1.1\r\n${hosts}\r\n\r\n`);
    assertError(t, await connection.response(), ...malformed);
    await connection.closed;
  }
});

test('a transfer coding besides chunked is refused, since nothing would undo it', async (t) => {
  const connection = await RawConnection.open(file().node.port, file().node.ca.certificate);
  connection.write(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  );
  const words = 'The only transfer coding supported is chunked.';
  assertError(t, await connection.response(), 501, 'UnsupportedOperationException', words);
  await connection.closed;
});

test('a body with a Content-Encoding is refused, even if it is JSON', async (t) => {
  const { client, node } = file();
  const request = await client.sign(path, {
    requestMetadata: { kmsOperation: 'KmsHealthCheck', kmsRequestId: '1' },
  });
  const encoded = async (coding: string) => {
    const connection = await RawConnection.open(node.port, node.ca.certificate);
    connection.write(toHttp1(request, { more: [`Content-Encoding: ${coding}`] }));
    const answer = await connection.response();
    connection.close();
    return answer;
  };
  const words = 'The body must not be compressed (Content-Encoding).';
  for (const coding of ['gzip', 'identity, gzip', 'br'])
    assertError(t, await encoded(coding), 400, 'ValidationException', words);
  t.is((await encoded('identity')).status, 200);
});

test('a target that is a whole URI is its path, where it names the host that Host does', async (t) => {
  const { client, node } = file();
  const request = await client.sign(path, {
    requestMetadata: { kmsOperation: 'KmsHealthCheck', kmsRequestId: '1' },
  });
  const ask = async (target: string) => {
    const connection = await RawConnection.open(node.port, node.ca.certificate);
    connection.write(toHttp1({ ...request, path: target }));
    const answer = await connection.response();
    connection.close();
    return answer;
  };
  const host = request.headers['host'] ?? '';
  t.is((await ask(`https://${host}${path}`)).status, 200);
  assertError(t, await ask(`https://elsewhere.example${path}`), ...malformed);
  assertError(t, await ask(`https://user@${host}${path}`), ...malformed);
});

test('headers beyond 16 KiB are refused with 431', async (t) => {
  const connection = await RawConnection.open(file().node.port, file().node.ca.certificate);
  connection.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`);
  const words =
    'The head of the request, its target and all headers, is longer than the 16384 bytes supported.';
  assertError(t, await connection.response(), 431, malformed[1], words);
  await connection.closed;
});

test('a body that is never wanted does not become the next request', async (t) => {
  const connection = await RawConnection.open(file().node.port, file().node.ca.certificate);
  connection.write(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  );
  assertError(t, await connection.response(), ...authenticationFailed);
  connection.write('GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n');
  t.is((await connection.response()).status, 404);
  connection.close();
});

test('after all of it the node serves: an error that nobody caught would have ended this process', async (t) => {
  t.is((await file().client.health()).status, 200);
  t.notRegex(file().node.output, /TypeError|RangeError/);
});
