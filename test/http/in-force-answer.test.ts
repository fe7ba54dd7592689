import test from 'ava';
import { z } from 'zod';
import { Problem } from '../../src/admin/problem.ts';
import { allRoutes } from '../../src/admin/routes.ts';
import { InForce } from '../../src/fleet/in-force.ts';
import { assertInForce, countedInForce } from '../../src/http/in-force-answer.ts';
import { tellRevision } from '../../src/fleet/told-revision.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { newStore } from '../../testing/stores.ts';
import { insertVault } from '../../testing/vault.ts';

/* Success is answered only once a change is in force, and what is not is told with who is waited for. */

test('a disable, and one that finds nothing to do, wait for a node that has not confirmed', async (t) => {
  const store = await newStore();
  t.teardown(async () => store.close());
  const inForce = new InForce(store);
  // Nobody waits for five seconds here: that is what the caller's patience is.
  const counted: boolean[] = [];
  const hasty = countedInForce({ wait: async () => inForce.wait(0) }, (_, confirmed) =>
    counted.push(confirmed),
  );
  const told: Record<string, string> = {};
  const ctx = { set: ((name: string, value: string) => void (told[name] = value)) as never };
  const ask = async (operation: string, changed: readonly string[]): Promise<unknown> => {
    const route = allRoutes.find((one) => one.operation === operation);
    if (route === undefined) throw new Error(`no route ${operation}`);
    for (const name of Object.keys(told)) delete told[name];
    try {
      await assertInForce(ctx, hasty, route, new Set(changed), { rowVersion: 7 });
    } catch (error) {
      return error;
    }
    return told['Holdfast-In-Force'] ?? 'does not wait';
  };
  t.regex(
    String(await ask('disableCloudKey', ['cloud_keys'])),
    /^nodes=0, confirmed=0, ended=0, milliseconds=/,
  );

  await store.bookkeep('by hand', async (trx) =>
    trx
      .insertInto('snapshot_holders')
      .values({
        ...{ id: 'a', node_id: 'node-a', hostname: 'host-a', term: 1, epoch: -1, length: 15_000 },
        joined_at: '2027-01-01T00:00:00.000Z',
      })
      .execute(),
  );
  const unmarked = await ask('disableCloudKey', []);
  t.true(unmarked instanceof Problem && unmarked.remediation?.includes('GET /in-force (holdfast in-force)'));
  t.is(told['Holdfast-Revision'], undefined, 'nothing is listed that could be asked for');
  await insertVault(store, 'first');
  await store.bookkeep('by hand', async (trx) => trx.updateTable('vaults').set({ tokens: '[]' }).execute());
  for (const changed of [['cloud_keys'], [], ['kms_keys', 'cloud_keys']]) {
    const problem = await ask('disableCloudKey', changed);
    if (!(problem instanceof Problem)) return t.fail(String(problem));
    t.is(problem.kind, 'not-in-force');
    t.is(problem.status, 503);
    t.is(told['ETag'], '"7"', 'whoever goes on has seen what was done');
    t.regex(
      problem.message,
      /it is done, and in force on 0 of 1 node; still waiting for node node-a \(host-a\), for \d+ s/,
    );
    t.true((problem.retryAfter ?? 0) > 10 && (problem.retryAfter ?? 0) <= 16);
    const listed = await store.db
      .selectFrom('revision')
      .select(['revision', 'mark'])
      .executeTakeFirstOrThrow();
    const revision = tellRevision({ ...listed, mark: String(listed.mark) });
    t.is(told['Holdfast-Revision'], revision);
    t.true(
      problem.remediation?.includes(
        `GET /in-force?revision=${revision} (holdfast in-force --revision ${revision})`,
      ),
    );
  }
  t.true((await ask('freezeKeySets', ['key_sets'])) instanceof Problem);
  t.is(await ask('disableCloudKey', ['users']), 'does not wait', 'no worker serves by it');
  for (const operation of [
    'createCloudKey',
    'getExternalKeyStoreConsole',
    'rotateExternalKeyStoreCredential',
  ])
    t.is(
      await ask(operation, ['xks_credentials']),
      'does not wait',
      'a secret that is shown once would be lost',
    );
  for (const operation of ['enableCloudKey', 'rotateCloudKey', 'verifyToken', 'findCloudKeys', 'undrainNode'])
    t.is(await ask(operation, []), 'does not wait', operation);
  t.is(await ask('getCloudKey', []), 'does not wait');
  t.is(await ask('signOut', []), 'does not wait');

  await store.bookkeep('by hand', async (trx) =>
    trx.updateTable('snapshot_holders').set({ epoch: 1000 }).execute(),
  );
  t.deepEqual(counted, [true, false, false, false, false, false], 'what does not wait is not counted');
  t.regex(String(await ask('disableCloudKey', [])), /^nodes=1, confirmed=1, ended=0, milliseconds=/);
});

test('a change is done though the store is lost before every node has confirmed it, and is told so; whether another store has it nobody knows', async (t) => {
  const route = allRoutes.find(({ operation }) => operation === 'disableCloudKey');
  if (route === undefined) return t.fail();
  const told: string[] = [];
  const ctx = { set: ((...header: string[]) => void told.push(header.join(': '))) as never };
  const ask = async (fault: StoreError['fault']) =>
    assertInForce(
      ctx,
      {
        wait: async () => Promise.reject(new StoreError(fault, 'the connection was lost', 'see the network')),
      },
      route,
      Object.assign(new Set(['cloud_keys']), { moved: { revision: 7, mark: 'a' } }),
      { rowVersion: 3 },
    );
  const problem = await t.throwsAsync(ask('unreachable'), { instanceOf: Problem });
  t.is(problem.kind, 'not-in-force');
  t.regex(
    problem.message,
    /^it is done, and whether every node goes by it cannot be asked: the connection was lost$/,
  );
  t.is(problem.retryAfter, undefined);
  t.deepEqual(told, ['Holdfast-Revision: 7.a', 'ETag: "3"']);
  t.regex(problem.remediation ?? '', /holdfast in-force --revision 7\.a/);
  await t.throwsAsync(ask('in-doubt'), { instanceOf: StoreError });
});

test('no route that may wait answers what is told once, or makes or shows something', (t) => {
  const waiting = allRoutes.filter(({ takesAway }) => takesAway);
  t.true(waiting.length > 10);
  for (const { operation, method, creates, changes, answer } of waiting) {
    t.true(method !== 'GET' && creates === undefined, operation);
    const form =
      answer === undefined ? '' : JSON.stringify(z.toJSONSchema(answer, { unrepresentable: 'any' }));
    t.notRegex(
      form,
      /"(?:[a-zA-Z]*[sS]ecret[a-zA-Z]*|password|firstPassword|proxyConfiguration)":/,
      operation,
    );
    // Who has not seen the record changes nothing of it, or it is several.
    t.true(changes === true || /^(?:freeze|applyLostChanges)/.test(operation), operation);
  }
});
