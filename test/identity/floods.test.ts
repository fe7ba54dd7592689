import anyTest, { type TestFn } from 'ava';
import { BusyError } from '../../src/fair-queue.ts';
import { recordRefusal } from '../../src/identity/refused-sign-ins.ts';
import { openPeople, password, trail, wrong, type People } from './people.ts';

const test = anyTest as TestFn<People>;
test.beforeEach(async (t) => {
  t.context = await openPeople();
});
test.afterEach.always(async (t) => t.context.dispose());

test.serial('a flood from one address is told to wait, and another address gets in', async (t) => {
  const { user, signIn } = t.context;
  const person = await user();
  const flood = Promise.allSettled(
    Array.from({ length: 60 }, async () => signIn({ ...person, username: 'nobody' }, wrong, '198.51.100.1')),
  );
  const order: string[] = [];
  void flood.then(() => order.push('flood'));
  t.is((await signIn(person, password, '192.0.2.9')).session.state, 'ACTIVE');
  order.push('guest');
  const busy = (await flood).filter(
    (result) => result.status === 'rejected' && result.reason instanceof BusyError,
  );
  t.is(busy.length, 60 - 2 - 16);
  t.is(order[0], 'guest');
});

test.serial('refusals of one account come into one row a second, with their number', async (t) => {
  const { user, site, act, store } = t.context;
  const person = await user();
  const refuse = async () =>
    recordRefusal(site, act(), { action: 'session.begin', vaultId: person.vault_id, user: person });
  const counts = async () =>
    (await trail(store, person.id))
      .filter(({ outcome }) => outcome === 'refused')
      .map(({ after }) => (JSON.parse(after ?? '{}') as { refusals: number }).refusals);
  await Promise.all(Array.from({ length: 50 }, refuse));
  t.deepEqual(await counts(), [1], 'the first at once');
  const until = Date.now() + 10_000;
  while ((await counts()).length < 2 && Date.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.deepEqual(await counts(), [1, 49]);
});

test.serial('refusals that are told in one row keep the addresses that they came from', async (t) => {
  const { user, site, act, store } = t.context;
  const person = await user();
  const refuse = async (address: string) =>
    recordRefusal(site, act(address), { action: 'session.begin', vaultId: person.vault_id, user: person });
  await refuse('198.51.100.0');
  await Promise.all(Array.from({ length: 30 }, async (_, i) => refuse(`198.51.100.${i % 25}`)));
  const addresses = async () =>
    (await trail(store, person.id))
      .filter(({ outcome }) => outcome === 'refused')
      .map(({ after }) => (JSON.parse(after ?? '{}') as { addresses: Record<string, number> }).addresses);
  const until = Date.now() + 10_000;
  while ((await addresses()).length < 2 && Date.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const [first, folded = {}] = await addresses();
  t.deepEqual(first, { '198.51.100.0': 1 });
  t.is(Object.keys(folded).length, 21);
  t.is(folded['198.51.100.1'], 2);
  t.is(folded['others'], 5);
});

test.serial('unknown names of a vault share one row, which does not repeat them', async (t) => {
  const { site, act, store, vaultId } = t.context;
  for (let round = 0; round < 5; round++)
    await recordRefusal(site, act(), { action: 'session.begin', vaultId, user: undefined });
  const rows = await store.db.selectFrom('audit_events').selectAll().execute();
  t.deepEqual(
    rows.map(({ target_id, target_name, vault_id }) => [target_id, target_name, vault_id]),
    [['', '', vaultId]],
  );
});
