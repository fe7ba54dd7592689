import test from 'ava';
import type { XksResponse } from '../../testing/xks-client.ts';
import {
  assertError,
  authenticationFailed,
  invalidPath,
  keyNotFound,
  useFileNode,
} from '../xks/file-node.ts';

const file = useFileNode();

const body = {
  requestMetadata: { kmsOperation: 'CreateKey', kmsRequestId: '1', awsPrincipalArn: 'AWS Internal' },
};
const send = async (path: string, method = 'POST'): Promise<XksResponse> =>
  file().client.send(await file().client.sign(path, method === 'POST' ? body : '', { method }));

test('GET / and GET /ping answer 200 for load balancers, and HEAD too', async (t) => {
  for (const path of ['/', '/ping', '/ping?from=balancer']) {
    const answer = await send(path, 'GET');
    t.is(answer.status, 200);
    t.is(answer.text, 'pong\n');
    t.is((await send(path, 'HEAD')).status, 200);
  }
});

test('OPTIONS is answered 204 where GET is 200, and tells nothing', async (t) => {
  for (const path of ['/', '/ping', '/ready', '*']) {
    const answer = await send(path, 'OPTIONS');
    t.is(answer.status, 204, path);
    t.is(answer.text, '');
    t.is(answer.headers['allow'], undefined);
  }
});

test('GET /ready answers 200 while the token can be used', async (t) => {
  const answer = await send('/ready', 'GET');
  t.is(answer.status, 200);
  t.is(answer.text, 'ready\n');
});

test('another method than POST at the URI of an API is answered 405 with Allow: POST and JSON', async (t) => {
  for (const operation of ['health', 'keys/any/metadata', 'keys/any/encrypt', 'keys/any/decrypt'])
    for (const prefix of ['/first', '', '/nowhere'])
      for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
        const answer = await send(`${prefix}/kms/xks/v1/${operation}`, method);
        const message = 'The XKS proxy API takes POST requests only.';
        assertError(t, answer, 405, 'UnsupportedOperationException', message);
        t.is(answer.headers['allow'], 'POST');
        t.is(answer.headers['content-type'], 'application/json');
      }
  const head = await send('/first/kms/xks/v1/health', 'HEAD');
  t.is(head.status, 405);
  t.is(head.text, '');
});

test('a path that is none of the API is answered 404 InvalidUriPathException', async (t) => {
  for (const path of [
    ...['/health', '/kms', '/first', '/first/', '/first/kms/xks/v1', '/first/kms/xks/v1/'],
    ...['/first/kms/xks/v2/health', '/first/kms/xks/v1/keys', '/first/kms/xks/v1/keys/any'],
    ...['/first/kms/xks/v1/keys//metadata', '/first/kms/xks/v1/keys/a/b/metadata'],
    ...['/first/kms/xks/v1/keys/any/sign', '/first/kms/xks/v1/keys/any/Encrypt'],
    ...['/first/KMS/XKS/V1/health', '/favicon.ico', '/.env', '/admin', '*'],
    ...['/first/kms/xks/v1/health/', '/first/kms/xks/v1/health//', '/first/kms/xks/v1//health'],
    ...['/first/kms/xks/v1/./health', '/first/kms/xks/v1/x/../health', '/first/kms/xks/v1/%68ealth'],
    ...['/first%2fkms/xks/v1/health', '/first/kms%2fxks/v1/health', '/first/kms/xks/v1;a=b/health'],
    ...['/first/kms/xks/v1/health%00', '/first/kms/xks/v1/health.json', '/pong', '//', '/ping/x'],
  ])
    for (const method of ['POST', 'GET']) {
      const answer = await send(path, method);
      assertError(t, answer, ...invalidPath);
      t.is(answer.headers['content-type'], 'application/json');
    }
});

test('a prefix is compared as sent: nothing is decoded, folded or taken away', async (t) => {
  for (const prefix of [
    ...['/%66irst', '/FIRST', '//first', '/first/', '/./first', '/x/../first', '/first%20', '/first%2f'],
    ...['/first/kms/xks/v1', '/first;a', '/kms/xks/v1'],
  ]) {
    const answer = await send(`${prefix}/kms/xks/v1/health`);
    t.is(answer.status, 404, prefix);
    t.is(answer.body.errorName, 'InvalidUriPathException', prefix);
  }
});

test('an external key id is compared as sent, by its whole length', async (t) => {
  const { client, key } = file();
  t.is((await client.metadata(key)).status, 200);
  for (const id of [
    ...[`${key}.`, `.${key}`, key.slice(1), key.toUpperCase(), `${key}%00`, `%2e%2e`, '..', '.', '%'],
    ...["'%20OR%201=1--", '$ne', '__proto__', 'constructor', 'a'.repeat(128)],
    key.replace(key.charAt(0), `%${key.charCodeAt(0).toString(16)}`),
  ])
    assertError(t, await client.metadata(id), ...keyNotFound);
});

test('a URI path of more than 256 characters is answered 404 InvalidUriPathException', async (t) => {
  const path = (length: number) => {
    const [start, end] = ['/first/kms/xks/v1/keys/', '/metadata'];
    return `${start}${'k'.repeat(length - start.length - end.length)}${end}`;
  };
  assertError(t, await send(path(256)), ...keyNotFound);
  assertError(t, await send(path(257)), ...invalidPath);
  assertError(t, await send(path(8000)), ...invalidPath);
});

test('a query is not part of the API: signed or not, the request fails authentication', async (t) => {
  const { client } = file();
  const request = await client.sign('/first/kms/xks/v1/health', body);
  for (const query of ['?a=b', '?X-Amz-Signature=1', '?/../', '??'])
    assertError(t, await client.send({ ...request, path: request.path + query }), ...authenticationFailed);
});

test('an external key id of 128 characters of the whole alphabet works', async (t) => {
  const { node, client } = file();
  const id = `${'Az09.-_'.repeat(18)}ab`;
  t.is(id.length, 128);
  await node.withVault(async (vault) => vault.makeKey('first', 'long', 'encrypt-decrypt', id));
  t.is((await client.encrypt(id, 'x')).status, 200);
});
