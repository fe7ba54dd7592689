import anyTest, { type TestFn } from 'ava';
import fc from '../../testing/properties.ts';
import { whoIs } from '../../src/cloud/aws/identity-check.ts';
import { rotateAccessKey } from '../../src/cloud/accounts/access-key-rotation.ts';
import { awsAccountOf } from '../../src/cloud/accounts/context.ts';
import { createCspAccount, getCspAccount } from '../../src/cloud/accounts/accounts.ts';
import { TestAwsAccount } from '../support/aws-users.ts';
import { openAwsVault, type AwsVault } from '../../testing/aws-vault.ts';
import { fresh } from '../../testing/vault.ts';
import { killedAtWrite } from '../../testing/kms-key-stage.ts';

/* Whatever IAM loses, refuses or shows late, and wherever the process is killed: in the end there is one access key. */

interface Context extends AwsVault {
  account: TestAwsAccount;
}

const test = anyTest as TestFn<Context>;

test.before(async (t) => {
  const vault = await openAwsVault({ settings: { maxAttempts: 1 } });
  t.context = { ...vault, account: new TestAwsAccount(vault.simulator) };
});
test.after.always(async (t) => t.context?.dispose());

const trouble = fc.record({
  call: fc.constantFrom(
    { service: 'sts', action: 'GetCallerIdentity' } as const,
    { service: 'iam', action: 'ListAccessKeys' } as const,
    { service: 'iam', action: 'CreateAccessKey' } as const,
    { service: 'iam', action: 'UpdateAccessKey' } as const,
    { service: 'iam', action: 'DeleteAccessKey' } as const,
  ),
  kind: fc.constantFrom('reset', 'answer-lost', '500', 'throttle'),
  after: fc.nat(1),
} as const);

test('any sequence of lost answers, stale lists and kills ends in one access key, which signs in', async (t) => {
  const { vaultContext, act, vault, group, account, simulator, store, time } = t.context;
  const runs = fc.record({
    troubles: fc.array(trouble, { maxLength: 4 }),
    kills: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 2 }),
    staleTries: fc.nat(3),
  });
  await fc.assert(
    fc.asyncProperty(runs, async ({ troubles, kills, staleTries }) => {
      const user = await account.user();
      const { id } = await createCspAccount(vaultContext, act(), vault.id, 'all', {
        name: fresh('account'),
        adminGroupId: group,
        type: 'access-key',
        defaultRegion: 'eu-central-1',
        accessKeyId: user.accessKeyId,
        secretAccessKey: user.secretAccessKey,
      });
      // It has been there for long.
      await store.db
        .updateTable('csp_access_keys')
        .set({ created_at: new Date(Date.now() - 86_400_000).toISOString() })
        .where('csp_account_id', '=', id)
        .execute();
      const undo = troubles.map(({ call, kind, after }) =>
        simulator.fault({ ...call, kind, after, times: 1 }),
      );
      time.consistencyMs = 3_600_000;
      const read = async () => getCspAccount(vaultContext, vault.id, 'all', id);
      const isRotated = async () => {
        const { access_key_rotation: step, access_key_id: now } = await read();
        return step === null && now !== user.accessKeyId;
      };
      for (let tries = 0; tries < 25 && !(await isRotated()); tries++) {
        if (tries >= staleTries) simulator.settle();
        const killAt = kills[tries];
        const mine = killAt === undefined ? vaultContext : killedAtWrite(vaultContext, killAt);
        await rotateAccessKey(
          mine,
          act(),
          { vaultId: vault.id, sight: 'all', id },
          {
            pauses: [1, 1],
            usedToldAfter: 0,
            inactiveFor: 0,
          },
        ).catch(() => undefined);
      }
      for (const each of undo) each();
      simulator.settle();
      const row = await read();
      const what = JSON.stringify({
        step: row.access_key_rotation,
        problem: row.access_key_rotation_problem,
      });
      t.is(row.access_key_rotation, null, what);
      t.deepEqual(await account.accessKeyIds(user.name), [row.access_key_id ?? ''], what);
      t.not(row.access_key_id, user.accessKeyId, what);
      t.is((await whoIs(await awsAccountOf(vaultContext, row))).arn, user.arn, what);
    }),
    { numRuns: 10 },
  );
});
