import { parentPort, workerData } from 'node:worker_threads';
import { Wire, type WireState } from './wire.ts';

/** The thread of one wire: takes its states, and 'close'. */

const target = new Int32Array(workerData as SharedArrayBuffer);
const wire = await Wire.open(() => Atomics.load(target, 0));
parentPort?.on('message', (state: WireState | 'close') => {
  if (state === 'close') void wire.close().then(() => parentPort?.close());
  else wire.state = state;
});
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(wire.port);
