import anyTest, { type TestFn } from 'ava';
import { createExternalKeyStore, connectExternalKeyStore } from '../../src/vault/external-key-stores.ts';
import { refreshExternalKeyStore } from '../../src/vault/external-key-store-watch.ts';
import { endpoint, newKeySetInAws, openStage, type Stage } from './external-key-store-stage.ts';

const test = anyTest as TestFn<Stage>;
test.before(async (t) => {
  t.context = await openStage();
});
test.after.always(async (t) => t.context.dispose());

test('smoke', async (t) => {
  const { house, act, simulator } = t.context;
  const { keySet } = await newKeySetInAws(t.context);
  const made = await createExternalKeyStore(house, act(), keySet, {
    region: 'eu-central-1',
    connectivity: 'PUBLIC_ENDPOINT',
    uriEndpoint: endpoint,
  });
  console.log(made);
  const c = await connectExternalKeyStore(house, act(), { keySet, id: made.id });
  console.log(c.state, c.wanted);
  console.log(await simulator.kms.settled(c.custom_key_store_id, { now: true }));
  const r = await refreshExternalKeyStore(house, act(), { keySet, id: made.id });
  console.log(r);
  t.pass();
});
