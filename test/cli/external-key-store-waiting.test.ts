import test from 'ava';
import type { Api } from '../../src/cli/client/api.ts';
import { at } from '../../src/cli/client/address.ts';
import type { ExternalKeyStore } from '../../src/cli/commands/cloud/external-key-store-records.ts';
import {
  waitForConnection,
  waitForDeletion,
} from '../../src/cli/commands/cloud/external-key-store-waiting.ts';

const fromNow = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
const problem = {
  message: 'AWS refuses the credential of the CSP account',
  remediation: 'give it another',
  at: fromNow(-1),
};
const late = { state: 'DISCONNECTED', problem, nextCheckAt: fromNow(900) };

/** An API that answers each look with the next of these. */
function api(...answers: object[]): Api {
  return { options: {}, client: { post: async () => answers.shift() } } as unknown as Api;
}

const record = at('/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}', {
  vaultId: 'v',
  keySetId: 'k',
  externalKeyStoreId: 'x',
});
const on = (store: object) => ({ record, store: store as ExternalKeyStore });

test('--wait ends where AWS is not asked again for minutes: somebody has to put it right first', async (t) => {
  await t.throwsAsync(waitForConnection(api(), on({ ...late, wanted: 'CONNECT' })), {
    message: problem.message,
  });
  await t.throwsAsync(waitForDeletion(api(), on({ ...late, wanted: 'DELETE' })), {
    message: problem.message,
  });
});

test('--wait waits while AWS is asked again in seconds, and ends once that has come to stand for long', async (t) => {
  const soon = { ...late, wanted: 'CONNECT', nextCheckAt: fromNow(5) };
  await t.throwsAsync(waitForConnection(api({ ...late, wanted: 'CONNECT' }), on(soon)), {
    message: problem.message,
  });
});

test('a problem of before the act is none of it', async (t) => {
  const old = {
    ...late,
    wanted: 'CONNECT',
    problem: { ...problem, at: fromNow(-7200) },
    nextCheckAt: fromNow(3),
  };
  const connected = {
    state: 'CONNECTED',
    wanted: null,
    problem: null,
    connectionError: null,
    nextCheckAt: null,
  };
  await t.throwsAsync(waitForConnection(api({ ...connected, state: 'FAILED' }), on(old)), {
    message: 'AWS could not connect it, and does not say why',
  });
});
