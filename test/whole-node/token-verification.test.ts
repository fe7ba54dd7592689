import { readFile, writeFile } from 'node:fs/promises';
import test from 'ava';
import type { TokenReport } from '../../src/admin/services.ts';
import { AdminClient } from '../support/admin-client.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';

test('an operator verifies a token over the API: well, then with a wrong PIN in place, which is tried once', async (t) => {
  const fixture = await createSoftHsmToken();
  const node = await TestNode.start({ tokens: [{ fixture }], admin: true });
  t.teardown(async () => {
    await node.dispose();
    await fixture.dispose();
  });
  const nobody = new AdminClient(node.admin);
  const admin = await nobody.firstSignIn(node.admin, 'seven herons over the weir');
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
  const { items: trail } = (await admin.get('/audit-events?action=token.verify')).body as { items: object[] };
  t.is(trail.length, 4);
});
