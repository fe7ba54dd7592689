import test from 'ava';
import { monotonicNow } from '../../src/clock.ts';
import {
  managementRequests,
  workerRequests,
  type TokenRequest,
  type Permitted,
} from '../../src/token/messages.ts';
import { TokenError } from '../../src/token/faults.ts';
import { encodeSealContext, sealPurposes, type SealPurpose } from '../../src/token/seal-context.ts';
import { TokenHost } from '../../src/token/host/token-host.ts';

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
    { kind: 'destroyKey', key, identity: Buffer.alloc(0) },
    { kind: 'findKey', label: 'x' },
    { kind: 'inspectKey', key },
    { kind: 'restrictKey', key, label: 'x' },
    { kind: 'listKeys', after: nothing, limit: 1 },
    { kind: 'seal', context: Buffer.from('x'), secret: Buffer.from('x') },
  ];
  for (const request of requests) t.true(isRefused(workerRequests, request), request.kind);
});

test('a host of the management process uses no key, whatever it is asked, and does everything else', (t) => {
  const uses: TokenRequest[] = [
    {
      kind: 'encrypt',
      key,
      identity: nothing,
      aadForm: 'full',
      aad: nothing,
      metadata: nothing,
      plaintext: key,
      verify: false,
    },
    {
      kind: 'decrypt',
      key,
      identity: nothing,
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
    { kind: 'destroyKey', key, identity: Buffer.alloc(0) },
    { kind: 'restrictKey', key, label: 'x' },
    { kind: 'seal', context: Buffer.from('x'), secret: key },
  ] satisfies TokenRequest[])
    t.false(isRefused(managementRequests, request), request.kind);
});

const contextOf = (purpose: SealPurpose) => encodeSealContext({ purpose, parts: ['1'], former: '' });

test('the secrets of AWS are opened for XKS workers alone, and all others for the management process alone', (t) => {
  const reveal = (context: Buffer, former = ''): TokenRequest => ({
    kind: 'unseal',
    context,
    former,
    sealed: key,
  });
  const xks = reveal(contextOf('xks-credential'), 'holdfast xks credential AKID of key set 1');
  t.false(isRefused(workerRequests, xks));
  t.true(isRefused(managementRequests, xks));
  for (const purpose of sealPurposes.filter((one) => one !== 'xks-credential')) {
    t.true(isRefused(workerRequests, reveal(contextOf(purpose))), purpose);
    t.false(
      isRefused(managementRequests, reveal(contextOf(purpose), `holdfast ${purpose} of user 1`)),
      purpose,
    );
  }
});

test('a context of no purpose, or two that say different things, open nothing and seal nothing anew', (t) => {
  const xksText = 'holdfast xks credential AKID of key set 1';
  const both: [context: Buffer, former: string][] = [
    [contextOf('xks-credential'), 'secret of AWS access key AKID of CSP account 1'],
    [contextOf('csp-access-key'), xksText],
    [Buffer.from('holdfast totp of user 1'), ''],
    [Buffer.alloc(0), xksText],
    [contextOf('xks-credential').subarray(0, -6), 'other'],
  ];
  for (const [context, former] of both)
    for (const permitted of [workerRequests, managementRequests])
      for (const kind of ['unseal', 'reseal'] as const)
        t.true(isRefused(permitted, { kind, context, former, sealed: key }), former);
});

test('the management process has secrets of AWS sealed anew, and never sees them; an XKS worker has none', (t) => {
  const reseal: TokenRequest = {
    kind: 'reseal',
    context: contextOf('xks-credential'),
    former: 'holdfast xks credential AKID of key set 1',
    sealed: key,
  };
  t.false(isRefused(managementRequests, reseal));
  t.true(isRefused(workerRequests, reseal));
});
