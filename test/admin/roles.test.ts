import { randomUUID } from 'node:crypto';
import anyTest, { type TestFn } from 'ava';
import { problemsOf } from '../../src/admin/openapi/problems.ts';
import { problemKinds } from '../../src/admin/problem.ts';
import { allRoutes } from '../../src/admin/routes.ts';
import type { Route } from '../../src/admin/route.ts';
import { expected, standings, type Standing } from './expected-access.ts';
import { rightBodies } from './right-bodies.ts';
import { made, startTwoVaults, type TwoVaults } from './two-vaults.ts';
import type { AdminClient } from '../support/admin-client.ts';

const test = anyTest as TestFn<TwoVaults & { clients: Record<Standing, AdminClient> }>;

test.before(async (t) => {
  const both = await startTwoVaults();
  const { appliance, applianceAuditor, blue, red } = both;
  const key = async (client: AdminClient, scope: string[]) =>
    client.as(
      (
        await made(client, '/user/api-keys', {
          name: `key-${randomUUID()}`,
          scope,
          expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
        })
      ).secret,
    );
  t.context = {
    ...both,
    clients: {
      nobody: appliance.as(undefined),
      'appliance-admin': appliance,
      'appliance-auditor': applianceAuditor,
      'vault-admin': blue.admin,
      'cloud-admin': blue.cloudAdmin,
      'other-group': blue.otherCloudAdmin,
      auditor: blue.auditor,
      'reading-key': await key(blue.admin, ['vault.read']),
      'other-vault': red.admin,
    },
  };
});
test.after.always(async (t) => t.context.dispose());

test('the table names every route of the API and no other', (t) => {
  t.deepEqual(Object.keys(expected).toSorted(), allRoutes.map(({ operation }) => operation).toSorted());
});

/** What OpenAPI lists and nobody of the table is answered, by what it takes to be answered so. */
const besideRoles: Readonly<Record<string, string>> = {
  'signIn 401': 'a wrong password',
  'signInToVault 401': 'a wrong password',
  'signInToVault 404': 'no such vault',
  'getVaultSignInOptions 404': 'an id that is none',
  'startOidcSignIn 404': 'no provider',
  'startOidcSignInToVault 404': 'no provider, or no such vault',
  'finishOidcSignIn 401': 'a sign-in that the provider refused',
  'getCaller 403': 'a session that still owes something',
  'getSignInRules 403': 'a session that still owes something',
  'getInForce 403': 'a session that still owes something',
  'getInForce 404': 'a revision that the store does not have',
  'getVault 403': 'a session that still owes something',
  'deleteOidcProvider 404': 'no provider',
  'getToken 404': 'no such token',
  'getNode 404': 'no such node',
  'getVitals 404': 'no such node',
  'drainNode 404': 'no such node',
  'undrainNode 404': 'no such node',
  'removeNode 404': 'no such node',
  'applyLostChanges 404': 'no such lost change',
  'leaveLostChanges 404': 'no such lost change',
  'verifyToken 404': 'no such token',
  'getMail 404': 'mail that is not set up',
  'deleteMail 404': 'mail that is not set up',
};

test('OpenAPI lists the refusals of the table with each operation, and no others', (t) => {
  const listed = allRoutes.flatMap((one) =>
    problemsOf(one).map((kind) => `${one.operation} ${problemKinds[kind][0]}`),
  );
  const refusals = new Set(listed.filter((one) => /40[134]$/.test(one)));
  const inTable = new Set(
    Object.entries(expected).flatMap(([operation, row]) =>
      Object.values(row)
        .filter((one) => one !== 'ok')
        .map((status) => `${operation} ${status}`),
    ),
  );
  t.deepEqual([...inTable.difference(refusals)], [], 'answered, and not listed');
  t.deepEqual(
    [...refusals.difference(inTable)].toSorted(),
    Object.keys(besideRoles).toSorted(),
    'listed, and answered to nobody of the table',
  );
});

// One after another: each client keeps its connections, and a node has a bound on them.
for (const route of allRoutes)
  test.serial(`${route.operation}: each role gets what the table says`, async (t) => {
    const row = expected[route.operation];
    if (row === undefined) return t.fail('not in the table');
    for (const standing of standings) {
      const answer = await probe(t.context, t.context.clients[standing], route, standing);
      t.is(
        verdict(answer.status),
        row[standing],
        `${standing}: ${answer.status} ${answer.text.slice(0, 300)}`,
      );
    }
  });

/**
 * Asks for blue's things in a way that changes nothing: with a query parameter that no route has, which is looked at once
 * it is settled who asks; or, where a record is looked for, with an If-Match that no record has.
 */
async function probe({ blue }: TwoVaults, client: AdminClient, route: Route, standing: Standing) {
  const values: Record<string, string> = {
    vaultId: blue.id,
    // One of the vault is none of the appliance.
    userId: blue.ids.auditorUser,
    groupId: blue.ids.group,
    cspAccountId: blue.ids.cspAccount,
    keySetId: blue.ids.keySet,
    externalKeyStoreId: blue.ids.externalKeyStore,
    accessKeyId: blue.ids.credential,
    cloudKeyId: blue.ids.cloudKey,
    kmsKeyId: blue.ids.kmsKey,
    token: 'token',
  };
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? randomUUID());
  const row = expected[route.operation];
  const looked = standings.some((other) => other !== 'other-vault' && row?.[other] === 404);
  if (!looked) return client.request(route.method, `${path}?nothing=${standing}`);
  const body = rightBodies[route.operation];
  return client.request(route.method, path, {
    ...(body === undefined ? {} : { body }),
    ...(route.changes === true ? { ifMatch: '"999999999"' } : {}),
  });
}

/** `ok`: they got past the door, whatever the request itself was worth. */
function verdict(status: number): 'ok' | 401 | 403 | 404 {
  return status === 401 || status === 403 || status === 404 ? status : 'ok';
}
