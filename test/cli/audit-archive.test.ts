import type { KeyContext } from '../../src/keys/followers.ts';
import { awsFollower } from '../../src/cloud/kms-keys/cloud-key-follower.ts';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import Database from 'better-sqlite3';
import { allRoutes } from '../../src/admin/routes.ts';
import { createAdminApp } from '../../src/http/admin-app.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { AuditPruner } from '../../src/schedules/audit-pruner.ts';
import { TokenPools } from '../../src/vault/tokens.ts';
import { addUser } from '../admin/two-vaults.ts';
import { listenTls, type TlsServer } from '../identity/oidc-stage.ts';
import { silentLog, unusedAws } from '../../testing/aws-settings.ts';
import { TestCa } from '../../testing/certificates.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { NodeVault } from '../../testing/node-vault.ts';
import { insertVault } from '../../testing/vault.ts';
import { readArchive } from '../../web/audit/archive-file.ts';
import { bash } from '../docs/bash.ts';
import { PageTyping, scriptOf } from '../docs/typing.ts';
import { CommandServer, type Run } from './command-line.ts';

const command = path.resolve(import.meta.dirname, '../../bin/holdfast');
const page = new PageTyping(import.meta.url, 'docs/operations.md');

interface Context {
  raw: Database.Database;
  server: TlsServer;
  vaultId: string;
  otherId: string;
  /** Whose trail docs/operations.md archives. */
  pageId: string;
  /** What the API was asked, with what is done before it answers. */
  asked: string[];
  onAsked: { before?: (request: string) => void; after?: (request: string) => void };
  file: (name: string) => string;
  as: (who: string, ...words: string[]) => Promise<Run>;
  env: (who: string) => Record<string, string>;
  dispose: () => Promise<void>;
}
const test = anyTest as TestFn<Context>;
const commands = new CommandServer();

const old = '2020-01-01';
const before = '2021-01-01';

test.before(async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-archives-'));
  const file = (name: string) => path.join(directory, name);
  const store = await SqliteStore.init(file('holdfast.db'));
  const raw = new Database(file('holdfast.db'));
  const ca = await TestCa.create(directory);
  const server = await listenTls(ca);
  const vaultContext: KeyContext = {
    store,
    tokens: new TokenPools([]),
    now: () => new Date(),
    instance: 'node-a/1',
    followers: [awsFollower],
  };
  const pruner = new AuditPruner({ context: vaultContext, log: silentLog });
  const koa = createAdminApp({
    services: {
      ...vaultContext,
      ...{ aws: unusedAws(), log: silentLog, version: '1', publicUrl: server.origin, tokenFacts: [] },
      pruning: { keepAtLeastDays: 90, wake: () => pruner.wake() },
      sessions: { idleMinutes: 15, maxMinutes: 600 },
      verifyToken: async () => ({ ok: true, steps: [] }),
    },
    routes: allRoutes,
    limits: { signInsPerMinute: 1_000_000, requestsPerMinute: 1_000_000 },
    draining: () => false,
  }).callback();
  const asked: string[] = [];
  const onAsked: Context['onAsked'] = {};
  server.handler = (incoming, outgoing) => {
    const request = `${incoming.method ?? ''} ${incoming.url ?? ''}`;
    asked.push(request);
    onAsked.before?.(request);
    outgoing.once('finish', () => onAsked.after?.(request));
    void koa(incoming, outgoing);
  };
  pruner.start();
  const [vault, other] = [await insertVault(store, 'emea'), await insertVault(store, 'apac')];
  const ofPage = await insertVault(store, 'payments');
  const place = {
    admin: { port: (server.server.address() as AddressInfo).port, ca: ca.certificate } as never,
    withStore: async <T>(run: (vault: NodeVault) => Promise<T>) => run(new NodeVault(vaultContext, '')),
  };
  for (const [who, vaultId, role] of [
    ['boss', '', 'appliance-admin'],
    ['ada', vault.id, 'vault-admin'],
    ['auditor', vault.id, 'auditor'],
    ['grace', ofPage.id, 'vault-admin'],
    ['auditor.key', ofPage.id, 'auditor'],
  ] as const) {
    const { token } = await addUser(place, vaultId, who, role);
    await writeFile(file(who), token ?? '', { mode: 0o600 });
  }
  const env = (who: string) => ({
    HOLDFAST_ENDPOINT: server.origin,
    HOLDFAST_CA: ca.certificate,
    HOLDFAST_API_KEY_FILE: file(who),
    ...(who === 'boss' ? {} : { HOLDFAST_VAULT: vault.id }),
  });
  t.context = {
    ...{ raw, server, vaultId: vault.id, otherId: other.id, pageId: ofPage.id, asked, onAsked, file, env },
    as: async (who, ...words) => commands.run(words, { env: env(who) }),
    dispose: async () => {
      commands.close();
      await pruner.stop();
      await server.close();
      raw.close();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
test.after.always(async (t) => t.context.dispose());

/** So many events of a trail, a minute apart. */
function fill(
  { raw }: Pick<Context, 'raw'>,
  vault: string,
  count: number,
  day = old,
  action = 'key-set.freeze',
): void {
  raw
    .prepare(
      `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO audit_events (at, vault_id, actor_kind, actor_id, actor_name, address, request_id, action, outcome,
        target_kind, target_id, target_name, before, after)
      SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ?, i || ' minutes'), ?, 'user', 'u', 'ada', '192.0.2.1', 'r' || i, ?, 'done',
        'key-set', 't', 'zoë', '{"b":1,"a":null}', NULL FROM n`,
    )
    .run(count - 1, day, vault, action);
}

function sequences({ raw }: Context, where: string): number[] {
  return raw
    .prepare(`SELECT sequence FROM audit_events WHERE ${where} ORDER BY sequence`)
    .pluck()
    .all() as number[];
}

interface Told {
  count: number;
  sha256: string;
  from: string | null;
  pruning?: { id: string; state: string; deleted: number; kept: number };
}

function told(t: ExecutionContext, { code, stdout, stderr }: Run): Told {
  t.is(code, 0, stderr);
  return JSON.parse(stdout) as Told;
}

/** The events in an archive. */
function eventsIn(file: string): { sequence: number }[] {
  const bytes = readFileSync(file);
  const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').split('\n');
  return lines.slice(1, -2).map((line) => JSON.parse(line) as { sequence: number });
}

test.serial('an archive holds what audit list --all shows, and pruning takes exactly that', async (t) => {
  const { as, file, vaultId, otherId } = t.context;
  fill(t.context, vaultId, 450);
  fill(t.context, vaultId, 1, '2020-02-01', 'cloud-key.create');
  fill(t.context, vaultId, 3, '2026-01-01');
  fill(t.context, otherId, 20);
  fill(t.context, '', 20);
  const others = sequences(t.context, `vault_id <> '${vaultId}'`);
  const listed = JSON.parse(
    (await as('auditor', '--json', 'audit', 'list', '--all', '--oldest-first', '--to', before)).stdout,
  ) as unknown[];
  const archive = ['--json', 'audit', 'archive', '--before', before, '--file'];
  const first = told(t, await as('auditor', ...archive, file('a.jsonl')));
  t.is(first.count, 451);
  t.is((await stat(file('a.jsonl'))).mode & 0o777, 0o600);
  t.deepEqual(eventsIn(file('a.jsonl')) as unknown[], listed);
  t.like(told(t, await as('boss', '--json', 'audit', 'verify-archive', file('a.jsonl'))), {
    sha256: first.sha256,
  });

  const forbidden = await as('auditor', ...archive, file('b.jsonl.gz'), '--prune');
  t.is(forbidden.code, 77, forbidden.stderr);
  t.is(eventsIn(file('b.jsonl.gz')).length, 451, 'what was archived stays archived');
  const pruned = told(t, await as('ada', '--json', 'audit', 'prune', file('b.jsonl.gz')));
  t.like(pruned.pruning, { state: 'DONE', deleted: 450, kept: 1 });
  t.is(sequences(t.context, `vault_id = '${vaultId}' AND at < '${before}'`).length, 1);
  t.deepEqual(sequences(t.context, `vault_id <> '${vaultId}'`), others);

  const again = told(t, await as('ada', '--json', 'audit', 'prune', file('b.jsonl.gz')));
  t.like(again.pruning, { state: 'DONE', deleted: 450 });
  const [gap] = JSON.parse((await as('auditor', '--json', 'audit', 'prunings')).stdout) as Record<
    string,
    unknown
  >[];
  t.like(gap, { count: 451, deleted: 450, first: { at: '2020-01-01T00:00:00.000Z' } });
  t.like((gap?.['actor'] as object) ?? {}, { name: 'ada' });

  // The next begins where this one ended: what stays is not archived once more.
  const next = told(
    t,
    await as('ada', '--json', 'audit', 'archive', '--before', '2026-02-01', '--file', file('c.jsonl')),
  );
  t.like(next, { count: 3, from: '2021-01-01T00:00:00.000Z' });
  const none = await as('ada', 'audit', 'archive', '--before', '2022-01-01', '--file', file('d.jsonl'));
  t.is(none.code, 0);
  t.regex(none.stderr, /there are no events from 2021-01-01T00:00:00\.000Z before 2022-01-01/);
  await t.throwsAsync(stat(file('d.jsonl')), { code: 'ENOENT' });
});

test.serial('the appliance prunes its own trail and that of a deleted vault, and no other', async (t) => {
  const { as, file, raw, otherId, vaultId } = t.context;
  const archive = ['--json', 'audit', 'archive', '--before', before, '--prune', '--file'];
  const living = await as('boss', ...archive, file('e.jsonl'), '--deleted-vault', otherId);
  t.is(living.code, 66, living.stderr);
  await t.throwsAsync(stat(file('e.jsonl')), { code: 'ENOENT' });
  const own = told(t, await as('boss', ...archive, file('e.jsonl')));
  t.like(own, { count: 20, pruning: { state: 'DONE', deleted: 20, kept: 0 } });
  t.is(sequences(t.context, `vault_id = '${otherId}'`).length, 20);
  raw.prepare(`UPDATE vaults SET deleted_at = '2022' WHERE id = ?`).run(otherId);
  const dead = told(t, await as('boss', ...archive, file('f.jsonl'), '--deleted-vault', otherId));
  t.like(dead, { count: 20, pruning: { state: 'DONE', deleted: 20, kept: 0 } });
  t.is(sequences(t.context, `vault_id = '${otherId}' AND at < '${before}'`).length, 0);
  // On the vault and on the appliance, as all acts of the one on the other.
  const asks = raw.prepare(
    `SELECT vault_id FROM audit_events WHERE action = 'audit-pruning.create' AND target_id = ?`,
  );
  t.deepEqual(asks.pluck().all(dead.pruning?.id), [otherId, '']);
  const foreign = await as('ada', 'audit', 'prune', file('f.jsonl'));
  t.is(foreign.code, 64);
  t.regex(foreign.stderr, /the archive is of the vault apac/);
  t.is(
    sequences(t.context, `vault_id = '${vaultId}' AND at >= '2026-01-01' AND action = 'key-set.freeze'`)
      .length,
    3,
  );
});

test.serial('what is wrong with file, range or trail is told before anything is pruned', async (t) => {
  const { as, asked, file, vaultId } = t.context;
  const range = ['--from', '2021-06-01', '--before', '2021-08-01'];
  fill(t.context, vaultId, 250, '2021-06-01');
  const there = sequences(t.context, `vault_id = '${vaultId}' AND at >= '2021-06-01' AND at < '2021-08-01'`);
  told(t, await as('ada', '--json', 'audit', 'archive', ...range, '--file', file('g.jsonl')));
  asked.length = 0;

  const good = await readFile(file('g.jsonl'));
  const altered = Buffer.from(good);
  const at = altered.indexOf('key-set.freeze', 5_000);
  altered[at] = 0x4b;
  await writeFile(file('g2.jsonl'), altered);
  const changed = await as('ada', 'audit', 'prune', file('g2.jsonl'));
  t.is(changed.code, 65);
  t.regex(changed.stderr, /g2\.jsonl: was changed since it was written/);
  t.is((await as('ada', 'audit', 'archive', ...range, '--file', file('g.jsonl'), '--prune')).code, 73);
  t.deepEqual(await readFile(file('g.jsonl')), good);
  const young = await as(
    'ada',
    'audit',
    'archive',
    '--older-than',
    '89d',
    '--file',
    file('h.jsonl'),
    '--prune',
  );
  t.is(young.code, 64);
  t.regex(young.stderr, /keeps events for 90 days at least[^]*--older-than 91d/);
  t.is((await as('ada', 'audit', 'archive', '--file', file('h.jsonl'))).code, 64);
  t.is(
    (await as('ada', 'audit', 'archive', ...range, '--older-than', '1d', '--file', file('h.jsonl'))).code,
    64,
  );
  await t.throwsAsync(stat(file('h.jsonl')), { code: 'ENOENT' });
  t.false(asked.some((request) => request.startsWith('POST')));

  fill(t.context, vaultId, 1, '2021-06-15', 'late.act');
  const late = await as('ada', 'audit', 'prune', file('g.jsonl'));
  t.is(late.code, 73);
  t.regex(late.stderr, /nothing was pruned: there are events in this range that are not in the archive/);
  t.deepEqual(
    sequences(
      t.context,
      `vault_id = '${vaultId}' AND at >= '2021-06-01' AND at < '2021-08-01' AND action <> 'late.act'`,
    ),
    there,
  );
});

/** The command as a process that can be killed, in a shell that may bound it. */
function start(
  { env }: Context,
  script: string,
): { child: ChildProcess; ended: Promise<number | null>; stderr: () => string } {
  const child = spawn('/bin/bash', ['-c', script], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env('ada'), h: command },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, ended, stderr: () => stderr };
}

test.serial('where the disk is full nothing is pruned, and the exit code is 74', async (t) => {
  const { asked, file, vaultId } = t.context;
  fill(t.context, vaultId, 450, '2022-01-01');
  asked.length = 0;
  const out = file('i.jsonl');
  // Files of this shell end at 64 KiB: what a quota or a full disk does, without either.
  const { ended, stderr } = start(
    t.context,
    `trap "" XFSZ; ulimit -f 64; $h audit archive --from 2022-01-01 --before 2022-06-01 --prune --file ${out}`,
  );
  t.is(await ended, 74, stderr());
  t.regex(stderr(), /i\.jsonl cannot be written: the file would be larger than is allowed \(EFBIG\)/);
  await t.throwsAsync(stat(out), { code: 'ENOENT' });
  t.false(asked.some((request) => request.startsWith('POST')));
  t.is(
    sequences(t.context, `vault_id = '${vaultId}' AND at >= '2022-01-01' AND at < '2022-06-01'`).length,
    450,
  );
});

for (const [step, when, matches] of [
  ['while it copies', 'before', (request: string) => request.includes('cursor=')],
  ['before it asks for the pruning', 'before', (request: string) => request.startsWith('POST')],
  [
    'before it hears that the pruning was asked for',
    'after',
    (request: string) => request.startsWith('POST'),
  ],
] as const)
  test.serial(
    `killed ${step} nothing is lost that is not in a verified file, and it can be gone on with`,
    async (t) => {
      const { as, file, onAsked, vaultId } = t.context;
      const year =
        { 'while it copies': 2023, 'before it asks for the pruning': 2024 }[step as string] ?? 2025;
      const [from, to] = [`${year}-01-01`, `${year}-06-01`];
      fill(t.context, vaultId, 450, from);
      const within = `vault_id = '${vaultId}' AND at >= '${from}' AND at < '${to}'`;
      const all = sequences(t.context, within);
      const out = file(`${year}.jsonl`);
      const { child, ended } = start(
        t.context,
        `exec $h audit archive --from ${from} --before ${to} --prune --file ${out}`,
      );
      onAsked[when] = (request) => {
        if (matches(request) && child.exitCode === null) process.kill(-(child.pid ?? Number.NaN), 'SIGKILL');
      };
      t.is(await ended, null);
      delete onAsked[when];

      const whole = (await as('ada', 'audit', 'verify-archive', out)).code === 0;
      t.is(whole, step !== 'while it copies');
      if (!whole) {
        t.deepEqual(sequences(t.context, within), all);
        const again = await as(
          'ada',
          'audit',
          'archive',
          '--from',
          from,
          '--before',
          to,
          '--prune',
          '--file',
          out,
        );
        t.is(again.code, 73);
        t.regex(again.stderr, /exists already[^]*verify-archive/);
        await rm(out);
        told(t, await as('ada', '--json', 'audit', 'archive', '--from', from, '--before', to, '--file', out));
      }
      t.deepEqual(
        eventsIn(out).map(({ sequence }) => sequence),
        all,
      );
      const done = told(t, await as('ada', '--json', 'audit', 'prune', out));
      t.like(done.pruning, { state: 'DONE', deleted: 450 });
      t.deepEqual(sequences(t.context, within), []);
    },
  );

test.serial('files that cannot be compared with CloudTrail are named; what fits ends with 0', async (t) => {
  const { file } = t.context;
  const region = { awsRegion: 'eu-central-1', recipientAccountId: '111122223333' };
  const record = {
    eventSource: 'kms.amazonaws.com',
    eventTime: '2026-05-05T12:00:00Z',
    requestID: 'a',
    ...region,
  };
  const trail = JSON.stringify({ Records: [record] });
  const line = {
    time: '2026-05-05T12:00:00.500Z',
    operation: 'Encrypt',
    keySet: 'payments',
    kmsRequestId: 'a',
  };
  const files = {
    ...{
      'trail.json.gz': gzipSync(trail),
      'trail.json': trail,
      'cut.json.gz': gzipSync(trail).subarray(0, -9),
    },
    ...{ 'node.jsonl': JSON.stringify(line), 'node.jsonl.gz': gzipSync(`${JSON.stringify(line)}\n`) },
    ...{ 'none.jsonl': 'Listening\n', 'endless.jsonl': 'x'.repeat(2 ** 21) },
  };
  for (const [name, content] of Object.entries(files)) await writeFile(file(name), content);
  const run = async (cloudtrail: string[], log: string[]) =>
    commands.run([
      ...['--json', 'request', 'unexplained', '--cloudtrail', ...cloudtrail.map(file)],
      ...['--log', ...log.map(file)],
    ]);
  const whole = await run(['trail.json.gz', 'trail.json'], ['node.jsonl', 'node.jsonl.gz']);
  t.is(whole.code, 0, whole.stderr);
  t.like(JSON.parse(whole.stdout), { requests: 2, explained: 2, unexplained: { count: 0 } });
  const refused = [
    [['cut.json.gz'], ['node.jsonl'], 65, /cut\.json\.gz: its compression is broken, or it is cut off/],
    [['node.jsonl'], ['node.jsonl'], 65, /node\.jsonl: there are no records of CloudTrail in it/],
    [['trail.json'], ['none.jsonl'], 65, /none\.jsonl: there is no request/],
    [['trail.json'], ['endless.jsonl'], 65, /endless\.jsonl: it is no log/],
    [['trail.json'], ['missing.jsonl'], 66, /missing\.jsonl cannot be read/],
    [['..'], ['node.jsonl'], 66, /cannot be read/],
  ] as const;
  for (const [trails, logs, code, words] of refused) {
    const { stderr, ...told } = await run([...trails], [...logs]);
    t.is(told.code, code, stderr);
    t.regex(stderr, words);
  }
});

test.serial('the trail is archived, looked into and pruned as docs/operations.md says', async (t) => {
  const { env, file, pageId } = t.context;
  fill(t.context, pageId, 5, '2020-01-01', 'cloud-key.disable');
  fill(t.context, pageId, 2, '2020-02-01', 'cloud-key.create');
  const { HOLDFAST_ENDPOINT = '', HOLDFAST_CA } = env('boss');
  const place = path.dirname(file('page'));
  const [copyAway, ...others] = page.blocks;
  const typed = await bash(
    `set -euo pipefail
${scriptOf(copyAway === undefined ? [] : [copyAway], {
  put: [
    ['https://keys.example.com:9443', HOLDFAST_ENDPOINT],
    ['=VAULT', `=${pageId}`],
  ],
})}
export HOLDFAST_API_KEY_FILE=grace HOLDFAST_ENDPOINT=${HOLDFAST_ENDPOINT} HOLDFAST_VAULT=${pageId}
mkdir worm
${scriptOf(others, { put: [['/mnt/worm', 'worm']] })}
`,
    {
      cwd: place,
      env: {
        PATH: `${path.dirname(command)}:${process.env['PATH']}`,
        HOME: '/nonexistent',
        HOLDFAST_CA,
      },
    },
  );
  t.is(typed.code, 0, typed.errors);
  t.deepEqual(page.untyped(typed.errors), []);
  const lines = gunzipSync(readFileSync(file('worm/audit-2026-11.jsonl.gz')))
    .toString('utf8')
    .trimEnd();
  const { count, sha256 } = JSON.parse(lines.slice(lines.lastIndexOf('\n'))) as {
    count: number;
    sha256: string;
  };
  t.is(count, 7);
  // The console reads what the command line writes.
  const read = await readArchive(new Blob([readFileSync(file('worm/audit-2026-11.jsonl.gz'))]));
  t.like(read, { count: 7, vault: { id: pageId } });
  t.true(typed.output.includes(`${sha256}  -\n`), typed.output);
  t.is(typed.output.match(/^\{.*"action":"cloud-key\.disable".*\}$/gm)?.length, 5);
  t.is(sequences(t.context, `vault_id = '${pageId}' AND at < '${before}'`).length, 2, 'making stays');
});
