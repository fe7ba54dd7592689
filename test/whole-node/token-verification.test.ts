import { readFile, writeFile } from 'node:fs/promises';
import anyTest, { type TestFn } from 'ava';
import type { TokenReport } from '../../src/admin/services.ts';
import { ownKeys } from '../../src/token/own-keys.ts';
import { AdminClient } from '../support/admin-client.ts';
import { waitUntil } from '../support/steady-load.ts';
import { inToken } from '../../testing/in-token.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';

const test = anyTest as TestFn<{ fixture: TokenFixture; node: TestNode; admin: AdminClient }>;

test.before(async (t) => {
  const fixture = await createSoftHsmToken();
  const node = await TestNode.start({ tokens: [{ fixture }], admin: true });
  const admin = await new AdminClient(node.admin).firstSignIn(node.admin, 'seven herons over the weir');
  t.context = { fixture, node, admin };
});
test.after.always(async (t) => {
  await t.context.node.dispose();
  await t.context.fixture.dispose();
});

test.serial(
  'an operator verifies a token over the API: well, then with a wrong PIN in place, which is tried once',
  async (t) => {
    const { fixture, admin } = t.context;
    const tokens = (await admin.get('/tokens')).body as { items: { name: string; health: string }[] };
    const [token] = tokens.items;
    t.is(token?.health, 'ACTIVE');
    const verify = async () => {
      const answer = await admin.request('POST', `/tokens/${token?.name}/verify`);
      t.is(answer.status, 200, answer.text);
      return answer.body as TokenReport;
    };

    const well = await verify();
    t.true(well.ok, JSON.stringify(well));
    t.is(well.steps.length, 7);
    t.is(well.info?.label, fixture.label);

    const right = await readFile(fixture.pinFile, 'utf8');
    await writeFile(fixture.pinFile, 'wrong-pin');
    const wrong = await verify();
    t.like(wrong.steps.at(-1), {
      name: 'login',
      ok: false,
      detail: 'the token refused the PIN (CKR_PIN_INCORRECT)',
    });
    t.regex((await verify()).steps.at(-1)?.detail ?? '', /has refused this PIN/);
    const { items } = (await admin.get('/tokens')).body as typeof tokens;
    t.is(items[0]?.health, 'ACTIVE', 'those that serve go on');

    await writeFile(fixture.pinFile, right);
    t.false((await verify()).ok, 'until the operator says that the PIN is right');
    const { items: trail } = (await admin.get('/audit-events?action=token.verify')).body as {
      items: object[];
    };
    t.is(trail.length, 4);
  },
);

test.serial(
  'a health key that is gone is made again by the management process, and its proof kept',
  async (t) => {
    const { fixture, node, admin } = t.context;
    const { id, label } = ownKeys.health;
    const proof = async () =>
      node.withStore(async ({ vaultContext }) => {
        const rows = await vaultContext.store.db.selectFrom('own_key_proofs').selectAll().execute();
        return rows.find((row) => row.label === label)?.proof.toString('hex');
      });
    const before = await proof();
    t.truthy(before);
    const { workers, hosts } = node.processes();
    await inToken(fixture, [{ do: 'destroy', id: id.toString('hex') }]);
    const { keys } = await node.waitForLog(({ msg }) => msg.endsWith('was gone and has been made anew'));
    t.deepEqual(keys, [label]);
    await waitUntil(async () => (await proof()) !== before);
    t.like(node.processes(), { workers, hosts }, 'nobody was ended for it');

    // The PIN that a test before this one had refused is tried again.
    node.signal('SIGHUP');
    await waitUntil(async () => {
      const { body } = await admin.request('POST', '/tokens/token/verify');
      return (body as TokenReport).ok;
    });

    // What starts from now on finds the key that is on record.
    await node.closeVault();
    await node.stop();
    const { length } = node.log;
    await node.serve();
    t.deepEqual(
      node.log.slice(length).filter(({ msg }) => msg.includes('own')),
      [],
    );
  },
);
