import test from 'ava';
import { WorkerGroup } from '../../src/node/worker-group.ts';
import type { StartMessage, ToSupervisor, ToWorker } from '../../src/node/messages.ts';
import { managementMessage } from '../../src/node/worker-messages.ts';
import { createLog } from '../../src/log.ts';

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
    tokens: [],
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
