import { writeFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { NodeLock } from '../../src/store/sqlite/node-lock.ts';
import { loadConfig } from '../../src/config/load.ts';
import { PostgresStore } from '../../src/store/postgres/postgres.ts';
import { sharedCluster } from '../../testing/postgres.ts';
import { TestNode } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';

test('holdfast store move moves the store to where another configuration has it, but not under a node', async (t) => {
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const node = await TestNode.create({ tokens: [{ fixture }] });
  t.teardown(async () => node.dispose());
  await node.makeKeySet('first');
  await node.closeVault();
  const cluster = await sharedCluster();
  const settings = await cluster.database();
  const file = path.join(node.directory, 'on-postgres.toml');
  const table = `[store]
kind = "postgres"
address = "${settings.host}"
port = ${settings.port}
database = "${settings.database}"
user = "holdfast"
durability = "single"
`;
  await writeFile(file, `${table}\n${await readFile(node.config, 'utf8')}`);

  const { storePath } = loadConfig(node.config);
  const lock = NodeLock.take(`${storePath}-lock`, 'the store', {
    command: 'serve',
    pid: 1,
    hostname: 'host',
    config: node.config,
    since: '',
  });
  const refused = await t.throwsAsync(node.cli('store', 'move', '--to', file));
  t.regex(
    (refused as unknown as { stderr: string }).stderr,
    /in use already: holdfast serve, process 1 on host/,
  );
  lock.release();

  const { rows, to } = (await node.cliJson('store', 'move', '--to', file)) as {
    rows: Record<string, number>;
    to: string;
  };
  t.is(rows['key_sets'], 1);
  t.is(to, `${settings.database} at ${settings.host}`);
  const store = await PostgresStore.open(settings);
  t.teardown(async () => store.close());
  const [event] = await store.db
    .selectFrom('audit_events')
    .selectAll()
    .where('action', '=', 'store.move')
    .execute();
  t.is(event?.target_name, to);
  t.is(event?.actor_kind, 'command');
  const again = await t.throwsAsync(node.cli('store', 'move', '--to', file));
  t.regex(
    (again as unknown as { stderr: string }).stderr,
    /there is a store already where this one is to go/,
  );
});
