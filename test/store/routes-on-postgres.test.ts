import { randomUUID } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import type { Route } from '../../src/admin/route.ts';
import { allRoutes } from '../../src/admin/routes.ts';
import { freshDatabase } from '../../testing/postgres.ts';
import { caseOf } from '../admin/act-cases.ts';
import { ask, elsewhere, openWorld, signInByAllSteps, type ActingWorld } from '../admin/acting-world.ts';
import { optionsOf, shapeOf, values } from '../admin/list-queries.ts';

/*
 * Every route of the management API once with its store in PostgreSQL, so that what only PostgreSQL refuses in the SQL of one that is
 * rarely used shows here first. What each promises is the matter of the tests that run on SQLite (test/admin/).
 */

const test = anyTest as TestFn<ActingWorld>;

test.before(async (t) => {
  const { host, port, database, user, durability, ...files } = await freshDatabase('tls');
  const { passwordFile = '', caFile = '' } = files;
  t.context = await openWorld({
    store: {
      ...{ kind: 'postgres', address: host, port, database, user, durability },
      ...{ password_file: passwordFile, ca: caFile },
    },
  });
});
test.after.always(async (t) => t.context.close());

/** Filters by a record of ours. */
const byId: ReadonlySet<string> = new Set([
  ...['id', 'cloudKeyId', 'keySetId', 'adminGroupId', 'cspAccountId', 'userId'],
]);

/** Without a query, with each filter alone, and in each order. What AWS is asked for needs its Region. */
function queriesOf({ operation, query }: Route): string[] {
  if (operation.endsWith('Candidates') || operation === 'listUnlinkedKmsKeys')
    return ['?region=eu-central-1'];
  const shape = shapeOf(query);
  const filters = Object.keys(shape).flatMap((name) => {
    const [option] = optionsOf(shape[name]);
    const value = byId.has(name) ? randomUUID() : (option ?? values[name]?.value);
    // A vault that was never deleted is not found.
    return value === undefined || name === 'sort' || name === 'deletedVault' ? [] : [{ [name]: value }];
  });
  const orders = optionsOf(shape['sort']).map((sort) => ({ sort }));
  return ['', ...[...filters, ...orders].map((one) => `?${String(new URLSearchParams(one))}`)];
}

for (const route of allRoutes) {
  const { operation, method } = route;
  if (operation in elsewhere || operation.includes('OidcSignIn') || operation === 'oidcCallback') continue;
  test.serial(`${operation} does on PostgreSQL what it is there for`, async (t) => {
    const on = await caseOf(t.context, route);
    for (const query of method === 'GET' ? queriesOf(route) : [on.query]) {
      const { status, text } = await ask(route, { ...on, ...(query === undefined ? {} : { query }) });
      t.true(status < 300, `${query}: ${status} ${text}`);
    }
    await on.undo?.();
  });
}

test.serial('a sign-in goes from a first password to a second factor on PostgreSQL', async (t) =>
  signInByAllSteps(t, t.context),
);
