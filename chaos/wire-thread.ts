import { parentPort, workerData } from 'node:worker_threads';
import { Wire, type WireState } from './wire.ts';

/** The thread of one wire: takes its states, each of which it answers once it is in it, and 'close'. */

const ports = new Int32Array(workerData as SharedArrayBuffer);
const wire = await Wire.open(
  () => Atomics.load(ports, 0),
  () => Atomics.load(ports, 1),
);
parentPort?.on('message', (state: WireState | 'close') => {
  if (state === 'close') return void wire.close().then(() => parentPort?.close());
  wire.state = state;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(state);
});
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(wire.port);
