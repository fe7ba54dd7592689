import test from 'ava';
import { monotonicNow } from '../../src/clock.ts';
import {
  managementRequests,
  workerRequests,
  type TokenRequest,
  type Permitted,
} from '../../src/token/messages.ts';
import { TokenError } from '../../src/token/faults.ts';
import { TokenHost } from '../../src/token/token-host.ts';

const key = Buffer.alloc(20, 1);
const nothing = Buffer.alloc(0);

/** Asks a host that has no token: what is refused is refused before the token is touched. */
function isRefused(permitted: Permitted, request: TokenRequest): boolean {
  const host = new TokenHost(
    undefined as never,
    { iv: {}, gcm: {}, keys: { omit: [], not_told: [] } } as never,
    permitted,
  );
  const [response] = host.answer([{ id: 1, deadline: monotonicNow() + 1000, request }]).responses;
  return response?.answer instanceof TokenError && response.answer.call === 'not permitted';
}

test('a host of a network-facing process neither destroys, seals nor looks up keys, whatever it is asked', (t) => {
  const requests: TokenRequest[] = [
    { kind: 'destroyKey', key },
    { kind: 'findKey', label: 'x' },
    { kind: 'inspectKey', key },
    { kind: 'listKeys', after: nothing, limit: 1 },
    { kind: 'protect', context: 'x', secret: Buffer.from('x') },
  ];
  for (const request of requests) t.true(isRefused(workerRequests, request), request.kind);
});

test('a host of the management process uses no key, whatever it is asked, and does everything else', (t) => {
  const uses: TokenRequest[] = [
    {
      kind: 'encrypt',
      key,
      aadForm: 'full',
      aad: nothing,
      metadata: nothing,
      plaintext: key,
      verify: false,
    },
    {
      kind: 'decrypt',
      key,
      aadForm: 'full',
      aad: nothing,
      metadata: nothing,
      iv: key,
      ciphertext: key,
      tag: key,
    },
  ];
  for (const request of uses) t.true(isRefused(managementRequests, request), request.kind);
  for (const request of [
    { kind: 'listKeys', after: nothing, limit: 1 },
    { kind: 'destroyKey', key },
    { kind: 'protect', context: 'x', secret: key },
  ] satisfies TokenRequest[])
    t.false(isRefused(managementRequests, request), request.kind);
});

test('the secrets of AWS are opened for XKS workers alone, and all others for the management process alone', (t) => {
  const reveal = (context: string): TokenRequest => ({ kind: 'reveal', context, sealed: key });
  const xks = reveal('holdfast xks credential AKID of key set 1');
  const other = reveal('holdfast totp of user 1');
  t.false(isRefused(workerRequests, xks));
  t.true(isRefused(workerRequests, other));
  t.true(isRefused(managementRequests, xks));
  t.false(isRefused(managementRequests, other));
});
