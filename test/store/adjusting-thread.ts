import { parentPort, workerData } from 'node:worker_threads';
import { adjustRestored, type Adjustment } from '../../src/store/backup/restored-store.ts';

/* Adjusts a store with the stack that its thread was given, and sends back what came of it. */

const { file, adjustment } = workerData as { file: string; adjustment: Adjustment };
const adjusted = adjustRestored(file, adjustment);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
parentPort?.postMessage(adjusted);
