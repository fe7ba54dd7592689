import test from 'ava';
import { at, one } from '../../src/cli/client/address.ts';
import type { Api } from '../../src/cli/client/api.ts';
import { waitForKmsKey } from '../../src/cli/commands/cloud/kms-key-waiting.ts';

const record = one(
  at('/vaults/{vaultId}/cloud-keys/{cloudKeyId}/kms-keys', { vaultId: 'v', cloudKeyId: 'c' }),
  'x',
);
const failedAt = '2026-11-29T00:00:00.000Z';
const problem = {
  message: 'AWS rejected the key policy',
  remediation: 'see the users',
  fault: 'invalid',
  at: failedAt,
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
  t.like(await waitForKmsKey(api(soon, done), record), { step: 'DONE' });
});

test('--wait ends where somebody has to put it right first', async (t) => {
  const late = { step: 'KEY', problem, nextAttemptAt: '2026-11-29T00:15:00.000Z' };
  await t.throwsAsync(waitForKmsKey(api(late), record), { message: problem.message });
  await t.throwsAsync(waitForKmsKey(api({ ...late, nextAttemptAt: null }), record), {
    message: problem.message,
  });
});

test('--wait says nothing is there that was given up meanwhile', async (t) => {
  const turn = { step: 'KEY', problem: null, nextAttemptAt: null };
  const gone = { step: 'GONE', problem: null, nextAttemptAt: null, outcome: 'NEVER_MADE' };
  const error = await t.throwsAsync(waitForKmsKey(api(turn, gone), record));
  t.like(error, { failure: 'conflict', message: 'the KMS key record was removed while waiting for it' });
});

test('--wait goes on through all that a key waits for in AWS: its turn, a lost answer, what does not show yet', async (t) => {
  const nextAttemptAt = '2026-11-29T00:00:04.000Z';
  const of = (step: string, fault?: string) =>
    fault === undefined
      ? { step, problem: null, nextAttemptAt: null }
      : { step, problem: { ...problem, fault }, nextAttemptAt };
  const answers = [of('KEY'), of('KEY', 'unreachable'), of('ALIAS', 'settling'), of('ALIAS'), of('DONE')];
  t.like(await waitForKmsKey(api(...answers), record), { step: 'DONE' });
});
