import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { OwnCode } from '../../src/node/own-code.ts';
import { isLostToPins } from '../../src/node/host-sharing.ts';
import { MemberTimes, nodeFacts, noteMembers } from '../../src/node/node-facts.ts';
import type { NodeTls } from '../../src/node/tls/node-tls.ts';
import { WorkerGroup } from '../../src/node/worker-group.ts';
import type { QuotaLedger } from '../../src/serving/quota-ledger.ts';
import type { StartMessage, ToSupervisor, ToWorker } from '../../src/node/messages.ts';
import { managementMessage } from '../../src/node/worker-messages.ts';
import { createLog } from '../../src/log.ts';
import type { LoadedConfig, LoadedMember } from '../../src/config/load.ts';
import { LoginGate, type HostSettings } from '../../src/token/keeper/host-keeper.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { KeptLog } from '../vault/stage.ts';

test('an answer to a worker that was replaced meanwhile is not given to the one in its place', async (t) => {
  const heard: string[] = [];
  let first: ((message: ToWorker) => void) | undefined;
  const second = Promise.withResolvers<void>();
  const marked = Promise.withResolvers<void>();
  const onMessage = (message: ToSupervisor, reply: (message: ToWorker) => void) => {
    if (message.kind === 'verify-token') {
      heard.push(message.token);
      if (message.token === 'marked') marked.resolve();
    } else if (first === undefined) {
      first = reply;
      group.tell({ kind: 'drain' });
    } else second.resolve();
  };
  const group = new WorkerGroup({
    kind: 'management process',
    index: 0,
    script: new URL('./replaced-worker.ts', import.meta.url),
    may: { read: [import.meta.dirname], write: [] },
    members: [],
    start: () => ({ kind: 'start' }) as StartMessage,
    // However busy the machine.
    maxSilence: 600_000,
    log: createLog('silent'),
    onListening: () => undefined,
    onChange: () => undefined,
    onPinRefused: () => undefined,
    onStartupFailed: (why) => t.fail(why),
    says: managementMessage,
    onMessage,
  });
  t.teardown(async () => group.stop(10_000));
  group.start();
  await second.promise;
  first?.({ kind: 'node-facts', id: 1, facts: {} } as ToWorker);
  // Answered after whatever was told before.
  group.tell({ kind: 'ticket-keys', ticketKeys: [] });
  await marked.promise;
  t.deepEqual(heard, ['marked']);
});

test('hosts of an HSM that has refused its PIN are not waited for: they try nothing until there is another', async (t) => {
  const gate = new LoginGate('reload', true);
  const listens = Promise.withResolvers<void>();
  const group = new WorkerGroup({
    kind: 'management process',
    index: 0,
    script: new URL('./replaced-worker.ts', import.meta.url),
    may: { read: [import.meta.dirname], write: [] },
    members: [
      {
        member: { token: 'token', name: 'b', title: 'token:b' } as LoadedMember,
        hosts: 2,
        settings: {
          order: {},
          pin: async () => Promise.reject(new Error('no PIN')),
        } as unknown as HostSettings,
        gate,
      },
    ],
    start: () => ({ kind: 'start' }) as StartMessage,
    // However busy the machine.
    maxSilence: 600_000,
    log: new KeptLog().log,
    onListening: () => listens.resolve(),
    onChange: () => undefined,
    onPinRefused: () => undefined,
    onStartupFailed: (why) => t.fail(why),
    says: managementMessage,
  });
  t.teardown(async () => group.stop(10_000));
  group.start();
  await listens.promise;
  t.true(group.settled);
  gate.reset();
  t.false(group.settled, 'another PIN is about to be tried');
});

test('what an HSM of a group said when it failed is told of it and of no other, with since when it is away', async (t) => {
  const gates = new Map([
    ['token:a', new LoginGate('reload', true)],
    ['token:b', new LoginGate()],
  ]);
  const members = ['a', 'b'].map(
    (name) => ({ token: 'token', name, title: `token:${name}` }) as LoadedMember,
  );
  const failed = Promise.withResolvers<void>();
  const group: WorkerGroup = new WorkerGroup({
    kind: 'management process',
    index: 0,
    script: new URL('./replaced-worker.ts', import.meta.url),
    may: { read: [import.meta.dirname], write: [] },
    members: members.map((member) => ({
      member,
      hosts: 1,
      settings: {
        order: {},
        pin: async () => Promise.reject(new Error('no PIN')),
      } as unknown as HostSettings,
      gate: gates.get(member.title) ?? new LoginGate(),
    })),
    start: () => ({ kind: 'start' }) as StartMessage,
    // However busy the machine.
    maxSilence: 600_000,
    log: new KeptLog().log,
    onListening: () => undefined,
    onChange: () => {
      if (group.problem('token') !== undefined) failed.resolve();
    },
    onPinRefused: () => undefined,
    onStartupFailed: (why) => t.fail(why),
    says: managementMessage,
  });
  t.teardown(async () => group.stop(10_000));
  group.start();
  await failed.promise;
  const config = { tokens: [{ name: 'token', members }] } as unknown as LoadedConfig;
  const times = new MemberTimes();
  const began = times.since('token:b');
  noteMembers(config, [group], times);
  const noted = times.since('token:b');
  t.not(noted, began);
  noteMembers(config, [group], times);
  t.is(times.since('token:b'), noted, 'since it came to be so');
  const tls = { certificates: [] } as unknown as NodeTls;
  const quotas = { refusedSince: 0, near: () => [] } as unknown as QuotaLedger;
  const [told] = nodeFacts(config, { gates, times }, [group], tls, quotas).tokens;
  const away = { serial: undefined, hosts: 1, up: 0, since: noted.toISOString() };
  const failure = { problem: 'no PIN', remediation: 'check token.pin' };
  t.like(told?.members[0], { name: 'a', pinRefused: true, failure: undefined });
  const each = [{ worker: null, pid: null, prepared: false, provenAt: null }];
  t.deepEqual(told?.members[1], { name: 'b', ...away, pinRefused: false, failure, info: undefined, each });
});

test('a token is lost to refused PINs only where every HSM refuses and no host is logged in from before', (t) => {
  const [refused, fine] = [{ refused: true }, { refused: false }];
  const without = { hosts: () => ({ wanted: 2, ready: 0, prepared: 0, members: [] }) };
  const withOne = { hosts: () => ({ wanted: 2, ready: 1, prepared: 0, members: [] }) };
  t.true(isLostToPins('token', [without, without], [refused, refused]));
  t.false(isLostToPins('token', [without, without], [refused, fine]));
  t.false(isLostToPins('token', [without, withOne], [refused, refused]));
});

for (const [deed, replace] of [
  ['was replaced', async (file: string) => writeFile(file, 'console.log("of another release");')],
  ['is gone', async (file: string) => rm(file)],
] as const)
  test(`no worker is started of code that ${deed} since its supervisor was started`, async (t) => {
    const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-code-'));
    t.teardown(async () => rm(directory, { recursive: true, force: true }));
    const file = path.join(directory, 'worker.ts');
    await writeFile(file, 'console.log("of this release");');
    const kept = new KeptLog();
    const code = new OwnCode(directory);
    t.false(code.isReplaced);
    let started = 0;
    const group: WorkerGroup = new WorkerGroup({
      kind: 'management process',
      index: 0,
      script: new URL('./replaced-worker.ts', import.meta.url),
      code,
      may: { read: [import.meta.dirname], write: [] },
      members: [],
      start: () => {
        started++;
        return { kind: 'start' } as StartMessage;
      },
      // However busy the machine.
      maxSilence: 600_000,
      log: kept.log,
      onListening: () => undefined,
      onChange: () => undefined,
      onPinRefused: () => undefined,
      onStartupFailed: (why) => t.fail(why),
      says: managementMessage,
      onMessage: ({ kind }) => {
        // It ends, once what it is of is another.
        if (kind === 'node-facts') void replace(file).then(() => group.tell({ kind: 'drain' }));
      },
    });
    t.teardown(async () => group.stop(10_000));
    group.start();
    const { message } = await kept.until((line) => line.message.startsWith('no management process'));
    t.regex(message, /replaced or removed since. Restart the node$/);
    t.is(started, 1);
  });

test('a worker whose code was replaced while it was loading never serves', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-code-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'worker.ts');
  await writeFile(file, 'console.log("of this release");');
  const kept = new KeptLog();
  const group: WorkerGroup = new WorkerGroup({
    kind: 'management process',
    index: 0,
    script: new URL('./replaced-worker.ts', import.meta.url),
    code: new OwnCode(directory),
    may: { read: [import.meta.dirname], write: [] },
    members: [],
    start: () => {
      writeFileSync(file, 'console.log("of another release");');
      return { kind: 'start' } as StartMessage;
    },
    // However busy the machine.
    maxSilence: 600_000,
    log: kept.log,
    onListening: () => t.fail('it is taken for one that serves'),
    onChange: () => undefined,
    onPinRefused: () => undefined,
    onStartupFailed: (why) => t.fail(why),
    says: managementMessage,
    onMessage: () => t.fail('it is listened to'),
  });
  t.teardown(async () => group.stop(10_000));
  group.start();
  const { message } = await kept.until((line) => line.message.startsWith('no management process'));
  t.regex(message, /replaced or removed since. Restart the node$/);
});

test('code that is touched, or put there again as it was, is the same code', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-code-'));
  t.teardown(async () => rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'rooms', 'worker.ts');
  await mkdir(path.dirname(file));
  await writeFile(file, 'console.log("of this release");');
  const code = new OwnCode(directory);
  await utimes(file, 1, 1);
  t.false(code.isReplaced);
  await writeFile(file, 'console.log("of that release");');
  await utimes(file, 2, 2);
  t.true(code.isReplaced);
  await rm(file);
  t.true(code.isReplaced);
  await writeFile(file, 'console.log("of this release");');
  t.false(code.isReplaced);
});
