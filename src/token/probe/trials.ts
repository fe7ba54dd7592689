import { monotonicNow } from '../../clock.ts';
import type { TestKey } from '../host/canary.ts';
import type { Cryptoki } from '../host/cryptoki.ts';
import type { Gcm } from '../host/gcm.ts';
import type { KeyObjects } from '../host/keys/key-objects.ts';
import type { Spread } from './questions.ts';

/** How long something is measured, milliseconds. */
const maxMeasured = 2_000;

/** A key of the token to try it with, found again after whatever a trial has spoilt. */
export function trialOf(cryptoki: Cryptoki, gcm: Gcm, keys: KeyObjects, id: Buffer): TestKey {
  const aad = Buffer.from('holdfast probe');
  const works = () => {
    const handle = keys.find(id);
    gcm.decrypt(handle, aad, gcm.encrypt(handle, aad, aad));
  };
  return {
    get key() {
      return keys.find(id);
    },
    renew() {
      try {
        works();
      } catch {
        cryptoki.reopenSession();
        keys.forgetAll();
        works();
      }
    },
  };
}

/** The most for which `takes` is true, from `least` on; where it is true of one number it is of all that are less. */
export function max(min: number, max: number, takes: (bytes: number) => boolean): number {
  if (takes(max)) return max;
  let [low, high] = [min, max];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (takes(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** What `run` gives is done after each time, and is not measured. */
export function spread(max: number, run: () => void | (() => void)): Spread {
  const times: number[] = [];
  const until = monotonicNow() + maxMeasured;
  while (times.length < max && (times.length < 2 || monotonicNow() < until)) {
    const began = monotonicNow();
    const after = run();
    times.push(monotonicNow() - began);
    after?.();
  }
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0;
  return { count: times.length, p50: at(0.5), p99: at(0.99) };
}
