import { setTimeout as delay } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import { Problem } from '../../src/admin/problem.ts';
import { RefusedRequests } from '../../src/admin/refused-requests.ts';
import type { Route } from '../../src/admin/route.ts';
import type { Caller } from '../../src/identity/caller.ts';
import { openPeople, type People } from '../identity/people.ts';

const test = anyTest as TestFn<People>;
test.beforeEach(async (t) => {
  t.context = await openPeople();
});
test.afterEach.always(async (t) => t.context.dispose());

test('refusals beyond the rows of one caller stand in one row with their number', async (t) => {
  const { site, act, store, vaultId } = t.context;
  const refused = new RefusedRequests(site, { rowsOfOne: 3, length: 1000 });
  const caller = { credentialId: 'session-1', vaultId, sight: 'all' } as unknown as Caller;
  const problem = new Problem('forbidden', 'not allowed');
  for (let i = 0; i < 10; i++) {
    const operation = i < 5 ? 'deleteUser' : 'createUser';
    const route = { operation, path: '/vaults/{vaultId}/users/{userId}' } as Route;
    await refused.record({ caller, route, params: { userId: `user-${i}` }, act: act() }, problem);
  }
  const rows = async () =>
    store.db.selectFrom('audit_events').select(['target_id', 'after']).orderBy('sequence').execute();
  const until = Date.now() + 10_000;
  while ((await rows()).length < 4 && Date.now() < until) await delay(20);
  t.deepEqual(
    (await rows()).map(({ target_id }) => target_id),
    ['user-0', 'user-1', 'user-2', ''],
  );
  t.deepEqual(JSON.parse((await rows())[3]?.after ?? '{}'), {
    refusals: 7,
    operations: { deleteUser: 2, createUser: 5 },
  });
});
