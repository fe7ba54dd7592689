import test from 'ava';
import type { Api } from '../../src/cli/api.ts';
import { waitForKmsKey } from '../../src/cli/kms-key-waiting.ts';

const at = '2026-11-29T00:00:00.000Z';
const problem = {
  message: 'AWS does not take the key policy',
  wayOut: 'see the users',
  fault: 'invalid',
  at,
};

/** An API that answers these one after another. */
function api(...answers: object[]): Api {
  return {
    client: { get: async () => (answers.length > 1 ? answers.shift() : answers[0]) },
  } as unknown as Api;
}

test('--wait waits while the next try is seconds away, whatever stood against the last', async (t) => {
  const soon = { step: 'KEY', problem, nextAttemptAt: '2026-11-29T00:00:06.000Z' };
  const done = { step: 'DONE', problem: null, nextAttemptAt: null };
  t.like(await waitForKmsKey(api(soon, done), '/x'), { step: 'DONE' });
});

test('--wait ends where somebody has to put it right first', async (t) => {
  const late = { step: 'KEY', problem, nextAttemptAt: '2026-11-29T00:15:00.000Z' };
  await t.throwsAsync(waitForKmsKey(api(late), '/x'), { message: problem.message });
  await t.throwsAsync(waitForKmsKey(api({ ...late, nextAttemptAt: null }), '/x'), {
    message: problem.message,
  });
});
