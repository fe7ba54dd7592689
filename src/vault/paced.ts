import { setTimeout as delay } from 'node:timers/promises';
import { monotonicNow } from '../clock.ts';

/** The shortest pause between two steps, milliseconds. */
const shortestPause = 1;

/**
 * Work of which there may be much at once, in small steps until one says that there is nothing left: after each it pauses
 * for as long as the step took, so that it never has more than half of the store and of this process, however much there
 * is. Nobody waits for it: what expires has expired for every request that looks at the clock. `mayGoOn` ends it before.
 */
export async function paced(
  step: () => Promise<boolean>,
  mayGoOn: () => Promise<boolean> = async () => Promise.resolve(true),
): Promise<void> {
  while (await mayGoOn()) {
    const began = monotonicNow();
    if (!(await step())) return;
    await delay(Math.max(shortestPause, monotonicNow() - began));
  }
}
