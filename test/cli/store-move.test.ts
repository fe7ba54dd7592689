import { writeFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { NodeLock } from '../../src/store/sqlite/node-lock.ts';
import { loadConfig } from '../../src/config/load.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { deletionsHeldUntil } from '../../src/schedules/deletion-hold.ts';
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
  for (const words of [['store', 'move', '--to', file], ['serve'], ['init']]) {
    const again = await t.throwsAsync(node.cli(...words));
    const { stderr } = again as unknown as { stderr: string };
    t.true(stderr.includes(`was moved to ${to} at `), stderr);
  }
  const unasked = await t.throwsAsync(node.cli('store', 'reopen'));
  t.regex((unasked as unknown as { stderr: string }).stderr, /Is it lost[^]*add --yes if so/);
  const { reopened } = (await node.cliJson('store', 'reopen', '--yes')) as { reopened: object };
  t.like(reopened, { movedTo: to, hasEnded: true, keySetsFrozen: 1 });
  await node.cli('serve', '--check');
  const old = await SqliteStore.open(storePath);
  t.truthy(await deletionsHeldUntil({ store: old, now: () => new Date() }));
  await old.close();
  t.like(await node.cliJson('store', 'reopen'), { reopened: null });
});
