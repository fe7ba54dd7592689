import test, { type ExecutionContext } from 'ava';
import { Client } from 'pg';
import { sharedCluster } from '../../testing/postgres.ts';
import { insertVault } from '../../testing/vault.ts';
import { monotonicNow } from '../../src/clock.ts';
import { Visit } from '../../src/serving/visit.ts';
import { openStore } from '../../src/store/opening/open.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { FollowingNode, insertKeys, kinds, until, type Kind } from '../support/following-node.ts';

/* One request's way through what is remembered, while the database hangs. */

const late = /did not answer while the request could wait for it/;

/** Told so by its own deadline. Where the process has stood still, the server's time limit may be heard before it: then once more. */
async function isLate(t: ExecutionContext, ask: () => Promise<unknown>): Promise<void> {
  let told: StoreError | undefined;
  for (let left = 5; left > 0 && !late.test(told?.message ?? ''); left--)
    told = await t.throwsAsync(ask, { instanceOf: StoreError });
  t.regex(told?.message ?? '', late);
}

/** A session by which a table can be kept from everybody, as if the server hung, and given back. */
async function session(t: ExecutionContext, database: string): Promise<Client> {
  const cluster = await sharedCluster();
  const client = new Client({
    ...{ host: cluster.directory, port: cluster.port, database, user: 'postgres', password: '' },
  });
  await client.connect();
  t.teardown(async () => client.end());
  return client;
}

test('a request waits for a database that hangs no longer than it may take itself', async (t) => {
  const { place } = await (kinds['PostgreSQL'] as Kind).make(t);
  if (place.kind !== 'postgres') return t.fail();
  const store = await openStore(place);
  await insertKeys(store, (await insertVault(store, 'first')).id, 'key');
  await store.close();
  const node = await FollowingNode.start(t, place, 'n');
  const { directory, holder } = node;
  if (holder === undefined) return t.fail();
  await until(() => holder.isFresh);
  const visit = () => new Visit(directory, holder);
  const soon = () => monotonicNow() + 20;
  const locking = await session(t, place.database);
  const hang = async (tables: string) => {
    await locking.query('BEGIN');
    await locking.query(`LOCK TABLE ${tables} IN ACCESS EXCLUSIVE MODE`);
  };
  const goOn = async () => locking.query('ROLLBACK');
  const keySet = { id: 's' };
  t.truthy(await directory.cloudKey(keySet, 'key'));

  // Under a lease nothing is asked before a request is refused, or of what is not remembered.
  await hang('cloud_keys, revision');
  const refused = visit();
  await refused.begin(soon());
  t.is(
    (await refused.find(async () => directory.cloudKey(keySet, 'key', refused.deadline)))?.state,
    'AVAILABLE',
  );
  await isLate(t, async () => refused.find(async () => undefined));
  // Two wait for the same look-up, each for as long as it may.
  const [hasty, patient] = [visit(), visit()];
  await hasty.begin(soon());
  await patient.begin(monotonicNow() + 60_000);
  const look = async (one: Visit) =>
    one.find(async () => directory.cloudKey(keySet, 'unknown', one.deadline));
  const looked = look(patient).then(
    () => '',
    (error: unknown) => (error as Error).message,
  );
  await isLate(t, async () => look(hasty));
  await goOn();
  // What it is told otherwise is the server's own time limit, where this took so long.
  t.notRegex(await looked, late);

  // Without one the store is asked first.
  await holder.stop();
  await hang('revision');
  await isLate(t, async () => visit().begin(soon()));
  const arriving = visit();
  await isLate(t, async () => arriving.arrive(true, soon()));
  await goOn();
  await visit().begin(monotonicNow() + 60_000);
});
