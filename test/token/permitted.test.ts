import test from 'ava';
import { monotonicNow } from '../../src/token/frames.ts';
import { workerRequests, type TokenRequest } from '../../src/token/messages.ts';
import { TokenError } from '../../src/token/faults.ts';
import { TokenHost } from '../../src/token/token-host.ts';

test('a host of a network-facing process neither destroys, seals nor looks up keys, whatever it is asked', (t) => {
  // Refused before the token is touched: it needs none.
  const host = new TokenHost(
    undefined as never,
    { iv: {}, gcm: {}, keys: { omit: [], not_told: [] } } as never,
    workerRequests,
  );
  const key = Buffer.alloc(20, 1);
  const requests: TokenRequest[] = [
    { kind: 'destroyKey', key },
    { kind: 'findKey', label: 'x' },
    { kind: 'inspectKey', key },
    { kind: 'protect', context: 'x', secret: Buffer.from('x') },
  ];
  for (const request of requests) {
    const [response] = host.answer([{ id: 1, deadline: monotonicNow() + 1000, request }]).responses;
    const answer = response?.answer;
    t.is(answer instanceof TokenError ? answer.call : undefined, 'not permitted', request.kind);
  }
});
