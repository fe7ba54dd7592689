import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { DescribeKeyCommand, ListKeysCommand } from '@aws-sdk/client-kms';
import Table from 'cli-table3';
import { awsAccountOf } from '../src/cloud/accounts/context.ts';
import { AwsSchedules } from '../src/cloud/schedule.ts';
import { tryLater } from '../src/cloud/kms-keys/attempts.ts';
import { problemOf } from '../src/cloud/kms-keys/records.ts';
import { silentLog } from '../testing/aws-settings.ts';
import {
  newConnected,
  openStage,
  region,
  type KeySetInAws,
  type Stage,
} from '../testing/external-key-store-stage.ts';
import { newCloudKey } from '../testing/kms-key-stage.ts';

/*
 * Hundreds of CloudKeys made by a script, in an AWS that is as slow, as forgetful and as sparing as it ever is: what is
 * made shows after 20 s, 5 requests a second of each operation are taken, and a fifth of the answers to CreateKey and
 * CreateAlias is lost. Each must be there once, and none wait for longer than a minute after AWS would have taken it.
 *
 * "AWS would have taken it": had each CreateKey been sent once, in the order of asking and at the pace that we use (4 a second,
 * of the 5 that AWS allows to all who use the account), and each CreateAlias once, as soon as the KMS key is certain to
 * show and at the same pace, and had no answer been lost. 500 keys are made in 125 s then, and have their aliases after 145.
 * BENCH_KMS_KEYS (500), BENCH_AWS_CONSISTENCY_SECONDS (20), BENCH_AWS_LOST (0.2); BENCH_AWS_WORST (0): of so many, those that
 * waited longest, all that was noted on them is printed.
 */

const count = Number(process.env['BENCH_KMS_KEYS'] ?? 500);
const consistency = Number(process.env['BENCH_AWS_CONSISTENCY_SECONDS'] ?? 20);
const lost = Number(process.env['BENCH_AWS_LOST'] ?? 0.2);
const worst = Number(process.env['BENCH_AWS_WORST'] ?? 0);
/** Of CreateKey, and of CreateAlias, as a node sends them. */
const sentPerSecond = 4;
/** It ends by itself after so many seconds. */
const max = 20 * 60;

/** Prints a table. Throws where one is not DONE in the end, or not there exactly once. */
export async function benchKmsKeys(): Promise<void> {
  // As a node has them of itself.
  const stage = await openStage({
    kind: 'what AWS is to suffer from is told below',
    settings: { kmsChangesPerSecond: sentPerSecond, maxAttempts: 4 },
  });
  try {
    const set = await newConnected(stage);
    Object.assign(stage.time, { consistencyMs: consistency * 1000, quotaSecondMs: 1000 });
    for (const action of ['CreateKey', 'CreateAlias'])
      stage.simulator.fault({ service: 'kms', action, kind: 'answer-lost', chance: lost });
    const schedules = new AwsSchedules({ context: stage.vaultContext, log: silentLog });
    schedules.start();
    const begun = Date.now();
    const cloudKeys = new Map<string, string>();
    const askedAt = new Map<string, number>();
    const making = (async () => {
      for (let made = 0; made < count; made++) {
        const { id, external_key_id } = await newCloudKey(stage, set);
        cloudKeys.set(external_key_id, id);
        askedAt.set(id, (Date.now() - begun) / 1000);
        tryLater(stage.vaultContext, id);
      }
    })();
    const { doneAt, notes } = await untilDone(stage, begun);
    await making;
    await schedules.stop();
    delete stage.time.quotaSecondMs;
    stage.simulator.settle();
    const madeAt = await madeInAws(stage, set, cloudKeys, begun);
    tell({ askedAt, madeAt, doneAt, notes }, stage.simulator.kms.throttled());
  } finally {
    await stage.dispose();
  }
}

/** When each was seen to be DONE, by CloudKey, seconds; and what was noted on it until then. */
async function untilDone({ vaultContext }: Stage, begun: number) {
  const doneAt = new Map<string, number>();
  const notes = new Map<string, string[]>();
  const end = performance.now() + max * 1000;
  while (doneAt.size < count) {
    if (performance.now() > end) throw new Error(`only ${doneAt.size} of ${count} are DONE`);
    await pause(500);
    const rows = await vaultContext.store.db
      .selectFrom('kms_keys')
      .select(['cloud_key_id as id', 'step', 'problem'])
      .execute();
    const at = (Date.now() - begun) / 1000;
    for (const { id, step, problem } of rows) {
      if (step === 'DONE' && !doneAt.has(id)) doneAt.set(id, at);
      note(notes, { id, step, problem, at });
    }
  }
  return { doneAt, notes };
}

/** What it waits for, where that has changed. */
function note(
  notes: Map<string, string[]>,
  { id, step, problem, at }: { id: string; step: string; problem: string | null; at: number },
): void {
  const last = problemOf({ problem });
  const times = last?.times === undefined ? '' : ` × ${last.times}`;
  const why = last === null ? 'its turn' : `${last.operation} ${last.fault} ${last.code}${times}`;
  const text = step === 'DONE' ? step : `${step}: ${why}`;
  const known = notes.get(id) ?? [];
  notes.set(id, known);
  if (known.at(-1)?.endsWith(` s ${text}`) !== true) known.push(`${at.toFixed(1).padStart(6)} s ${text}`);
}

/** When AWS made the KMS key of each, by CloudKey, seconds. Throws where one is not there, or more than once. */
async function madeInAws(
  { vaultContext }: Stage,
  { cspAccountId }: KeySetInAws,
  cloudKeys: ReadonlyMap<string, string>,
  begun: number,
): Promise<Map<string, number>> {
  const account = await vaultContext.store.db
    .selectFrom('csp_accounts')
    .selectAll()
    .where('id', '=', cspAccountId)
    .executeTakeFirstOrThrow();
  const kms = await (await awsAccountOf(vaultContext, account, region)).kms(region);
  const madeAt = new Map<string, number>();
  let marker: string | undefined;
  do {
    const { Keys = [], NextMarker } = await kms.send(new ListKeysCommand({ Limit: 1000, Marker: marker }));
    for (const { KeyId } of Keys) {
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
      const id = cloudKeys.get(KeyMetadata?.XksKeyConfiguration?.Id ?? '');
      if (id === undefined || madeAt.has(id))
        throw new Error('a KMS key that is nobody’s, or the second of a CloudKey');
      madeAt.set(id, ((KeyMetadata?.CreationDate?.getTime() ?? 0) - begun) / 1000);
    }
    marker = NextMarker;
  } while (marker !== undefined);
  if (madeAt.size !== cloudKeys.size)
    throw new Error(`${madeAt.size} KMS keys for ${cloudKeys.size} CloudKeys`);
  return madeAt;
}

/** When KMS, at so many a second, would have taken what came at these times, in their order. */
function takeable(times: ReadonlyMap<string, number>, rate: number): Map<string, number> {
  let next = 0;
  const inOrder = [...times].toSorted(([, a], [, b]) => a - b);
  return new Map(inOrder.map(([id, at]) => [id, (next = Math.max(at, next + 1 / rate))]));
}

/** Times by CloudKey, in seconds from the beginning. */
interface Times {
  askedAt: ReadonlyMap<string, number>;
  madeAt: ReadonlyMap<string, number>;
  doneAt: ReadonlyMap<string, number>;
  notes: ReadonlyMap<string, readonly string[]>;
}

function tell({ askedAt, madeAt, doneAt, notes }: Times, throttled: object): void {
  const mightBeMade = takeable(askedAt, sentPerSecond);
  const shown = (made: ReadonlyMap<string, number>) =>
    new Map([...made].map(([id, at]) => [id, at + consistency]));
  const mightBeDone = takeable(shown(mightBeMade), sentPerSecond);
  const mightHaveAlias = takeable(shown(madeAt), sentPerSecond);
  const since = (times: ReadonlyMap<string, number>, from: ReadonlyMap<string, number>) =>
    [...times].map(([id, at]) => at - (from.get(id) ?? 0));
  const rows: Record<string, number[]> = {
    'KMS key made in AWS': [...madeAt.values()],
    '  beyond what AWS would have taken': since(madeAt, mightBeMade),
    DONE: [...doneAt.values()],
    '  after its KMS key was made': since(doneAt, madeAt),
    '  after AWS would have taken its alias': since(doneAt, mightHaveAlias),
    '  beyond what AWS would have taken, in all': since(doneAt, mightBeDone),
  };
  const table = new Table({
    head: [`${askedAt.size} CloudKeys`, 'p50 s', 'p90 s', 'p99 s', 'worst s'],
    style: { head: [], border: [] },
  });
  for (const [name, values] of Object.entries(rows)) {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (share: number) => (sorted[Math.ceil((sorted.length - 1) * share)] ?? 0).toFixed(0);
    table.push([name, at(0.5), at(0.9), at(0.99), at(1)]);
  }
  console.log(table.toString());
  console.log('throttled by AWS:', throttled);
  const beyond = (id: string) => (doneAt.get(id) ?? 0) - (mightBeDone.get(id) ?? 0);
  const longestFirst = [...doneAt.keys()].toSorted((a, b) => beyond(b) - beyond(a));
  for (const id of longestFirst.slice(0, worst)) {
    const [asked, made] = [askedAt, madeAt].map((times) => times.get(id)?.toFixed(1));
    console.log(`asked for after ${asked} s, made after ${made} s, ${beyond(id).toFixed(1)} s beyond:`);
    for (const line of notes.get(id) ?? []) console.log(line);
  }
}
