import { createHash } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import Table from 'cli-table3';
import type { Context } from 'koa';
import { pino } from 'pino';
import { eventLine, showEvent } from '../src/evidence/event.ts';
import { monotonicNow } from '../src/clock.ts';
import { RequestLog, type RequestRecord } from '../src/http/request-log.ts';
import { SqliteStore } from '../src/store/sqlite/sqlite.ts';
import { AuditPruner } from '../src/schedules/audit-pruner.ts';
import { createPruning } from '../src/schedules/audit-prunings.ts';
import { systemAct } from '../src/vault/system-act.ts';
import { TokenPools } from '../src/vault/tokens.ts';
import { silentLog } from '../testing/aws-settings.ts';
import { memoryDirectory } from '../testing/memory-directory.ts';
import { fillStore } from './large-store.ts';

/* BENCH_ONLY=sizes: what each thing that a node keeps takes on the disk, and what pruning gives back. */

const events = 100_000;
const keys = 20_000;

export async function benchSizes(): Promise<void> {
  const table = new Table({ head: ['what', 'how much'], style: { head: [], border: [] } });
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-sizes-'));
  const file = path.join(directory, 'holdfast.db');
  const store = await SqliteStore.init(file);
  const raw = new Database(file);
  const size = () => {
    raw.pragma('wal_checkpoint(TRUNCATE)');
    const pages = (name: string) => raw.pragma(name, { simple: true }) as number;
    return (pages('page_count') - pages('freelist_count')) * pages('page_size');
  };
  try {
    const empty = size();
    const [vault = ''] = await fillStore(store, {
      vaults: 1,
      keySets: 0,
      keysOfKeySet: 0,
      auditEvents: events,
    });
    const withEvents = size();
    table.push(['audit event, with its indexes', `${Math.round((withEvents - empty) / events)} bytes`]);
    await fillStore(store, { vaults: 1, keySets: 40, keysOfKeySet: keys / 40, auditEvents: 0 });
    const withKeys = size();
    table.push([
      'CloudKey with one version and one use',
      `${Math.round((withKeys - withEvents) / keys)} bytes`,
    ]);
    raw.exec(`INSERT INTO key_versions (cloud_key_id, version, object_id, state, origin, made_by, created_at, proof)
      SELECT cloud_key_id, 2, randomblob(20), state, origin, made_by, created_at, randomblob(64) FROM key_versions`);
    table.push(['further version', `${Math.round((size() - withKeys) / keys)} bytes`]);
    const archive = await store.db
      .selectFrom('audit_events')
      .selectAll()
      .where('vault_id', '=', vault)
      .execute();
    const text = archive.map((row) => eventLine(showEvent(row))).join('');
    table.push(['event in an archive', `${Math.round(text.length / events)} bytes`]);
    table.push(['event in a compressed archive', `${Math.round(gzipSync(text).length / events)} bytes`]);
    table.push(...requestLines());
    table.push(...(await pruned(store, vault, text)));
    const before = (await stat(file)).size;
    const began = performance.now();
    raw.exec('VACUUM');
    const took = Math.round(performance.now() - began);
    raw.pragma('wal_checkpoint(TRUNCATE)');
    const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
    table.push([
      `VACUUM of a file of ${mib(before)} MiB`,
      `${took} ms, to ${mib((await stat(file)).size)} MiB`,
    ]);
  } finally {
    raw.close();
    await store.close();
    await rm(directory, { recursive: true, force: true });
  }
  console.log(table.toString());
}

/** Pruning all events of a vault, years after. */
async function pruned(store: SqliteStore, vault: string, text: string): Promise<string[][]> {
  const now = () => new Date('2040-01-01');
  const vaultContext = { store, tokens: new TokenPools([]), now, instance: 'bench/1' };
  const sha256 = createHash('sha256').update(text).digest('hex');
  const input = { from: null, before: '2039-01-01T00:00:00.000Z', count: events, sha256 };
  await createPruning(vaultContext, systemAct(vaultContext, 'bench'), vault, input, 90);
  store.writes.reset();
  const began = performance.now();
  await new AuditPruner({ context: vaultContext, log: silentLog }).runOnce();
  const took = Math.round(performance.now() - began);
  const { took: max, cpu } = store.writes.max;
  return [
    [`pruning ${events} events`, `${took} ms in ${store.writes.count} transactions`],
    ['longest of them', `${max.toFixed(1)} ms, ${cpu.toFixed(1)} of the processor`],
  ];
}

/** The line of an Encrypt as AWS asks for it, and what it takes to write or to leave out. */
function requestLines(): string[][] {
  let bytes = 0;
  const log = pino(
    { base: { pid: 12345, process: 'xks-worker' } },
    { write: (line: string) => (bytes += line.length) },
  );
  const ctx = { status: 200, req: { socket: { remoteAddress: '203.0.113.17' } } } as unknown as Context;
  const record = {
    ...{ began: monotonicNow(), operation: 'Encrypt', externalKeyId: '0b6d9b2e-3a55-4f5f-8f57-3f4a1c1f6a10' },
    ...{
      keySet: { id: 's', name: 'payments-eu', token: 'primary' },
      accessKeyId: 'AKIA5EXAMPLE5EXAMPLE2',
      error: undefined,
    },
    facts: {
      ...{ keyVersion: 3, state: 'AVAILABLE', times: { host: 4711, queue: 0.1234, token: 0.2345 } },
      metadata: {
        awsPrincipalArn: 'arn:aws:sts::111122223333:assumed-role/payroll-production/i-0123456789abcdef0',
        kmsKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
        ...{ kmsOperation: 'GenerateDataKey', kmsRequestId: '0b6d9b2e-3a55-4f5f-8f57-3f4a1c1f6a10' },
        ...{ kmsViaService: 'ebs', awsSourceVpc: null, awsSourceVpce: null },
      },
    },
  } as unknown as RequestRecord;
  const rows: string[][] = [];
  const rounds = 100_000;
  for (const kind of ['all', 'sampled', 'failures'] as const) {
    const settings = { level: 'info' as const, requests: kind, sample_one_in: 100, slow_request_ms: 600_000 };
    const requests = new RequestLog({ log, settings });
    bytes = 0;
    const began = process.threadCpuUsage();
    for (let n = 0; n < rounds; n++) requests.record(ctx, record);
    const { user, system } = process.threadCpuUsage(began);
    const each = `${Math.round(bytes / rounds)} bytes, ${((user + system) / rounds).toFixed(2)} µs`;
    rows.push([`a request in the log, requests = "${kind}"`, each]);
    requests.close();
  }
  return rows;
}
