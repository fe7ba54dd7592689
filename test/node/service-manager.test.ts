import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { createLog } from '../../src/log.ts';
import { ServiceManager } from '../../src/node/service-manager.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { notifySocket } from '../support/notify-socket.ts';

/* What systemd hears of a node, by systemd's own program and a real socket. */

const log = createLog('silent');

for (const abstract of [false, true])
  test(`systemd is told of the start, life, reload and end of the node, by a ${abstract ? 'abstract name' : 'file'}`, async (t) => {
    const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-notify-'));
    t.teardown(async () => rm(directory, { recursive: true }));
    const name = abstract ? `@${directory}` : path.join(directory, 'notify');
    const next = await notifySocket(t, name);
    const env: NodeJS.ProcessEnv = {
      ...{ NOTIFY_SOCKET: name, WATCHDOG_USEC: '60000', WATCHDOG_PID: String(process.pid), KEPT: 'x' },
    };
    const manager = ServiceManager.take(env, log);
    t.deepEqual(env, { KEPT: 'x' }, 'no other process hears of it');
    let well = true;
    manager?.ready(
      () => well,
      () => `well: ${well}`,
    );
    t.is(await next(), 'READY=1 | STATUS=well: true');
    t.is(await next(), 'WATCHDOG=1 | STATUS=well: true');
    t.is(await next(), 'WATCHDOG=1 | STATUS=well: true');
    well = false;
    await manager?.settled();
    manager?.reloading(() => (well = true));
    let said = await next();
    while (said.startsWith('WATCHDOG=1')) said = await next();
    t.is(said, 'RELOADING=1');
    t.is(await next(), 'READY=1');
    manager?.stopping(5_000);
    said = await next();
    while (said.startsWith('WATCHDOG=1')) said = await next();
    t.is(said, 'STOPPING=1 | EXTEND_TIMEOUT_USEC=5000000 | STATUS=draining');
    await manager?.settled();
  });

test('a node that does not serve yet, or ends, is not told as ready by SIGHUP', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-notify-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const name = path.join(directory, 'notify');
  const next = await notifySocket(t, name);
  const manager = ServiceManager.take({ NOTIFY_SOCKET: name }, log);
  let reloads = 0;
  const reload = () => manager?.reloading(() => reloads++);
  reload();
  manager?.ready(
    () => true,
    () => 'serves',
  );
  manager?.stopping(5_000);
  reload();
  // What comes next is told last.
  manager?.ready(
    () => true,
    () => 'the end',
  );
  t.is(reloads, 2);
  t.is(await next(), 'READY=1 | STATUS=serves');
  t.is(await next(), 'STOPPING=1 | EXTEND_TIMEOUT_USEC=5000000 | STATUS=draining');
  t.is(await next(), 'READY=1 | STATUS=the end');
});

test('a node that is not well gives no sign of life', async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-notify-'));
  t.teardown(async () => rm(directory, { recursive: true }));
  const name = path.join(directory, 'notify');
  const next = await notifySocket(t, name);
  const manager = ServiceManager.take({ NOTIFY_SOCKET: name, WATCHDOG_USEC: '6000' }, log);
  const asked = Promise.withResolvers<void>();
  let looks = 0;
  manager?.ready(
    () => {
      if (++looks === 5) asked.resolve();
      return false;
    },
    () => '',
  );
  await asked.promise;
  manager?.stopping(5_000);
  t.regex(await next(), /^READY=1/);
  t.regex(await next(), /^STOPPING=1/);
});

test('without systemd nothing is told, and one that does not listen holds nothing up', async (t) => {
  t.is(ServiceManager.take({}, log), undefined);
  const manager = ServiceManager.take({ NOTIFY_SOCKET: '/nowhere/notify' }, log);
  manager?.ready(
    () => true,
    () => '',
  );
  await manager?.settled();
  t.pass();
});
