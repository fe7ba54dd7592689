import { Simulator, type SimulatorOptions } from '../simulator/simulator.ts';
import type { SimulatedTimes } from '../simulator/simulator-options.ts';

/*
 * The AWS of all tests of Holdfast: eventually consistent, with request quotas, and losing answers. What breaks of it is
 * ours to mend. Lint lets nothing else in test/ start one, but for the tests of the simulator itself.
 */

export type AwsTimes = { -readonly [name in keyof SimulatedTimes]: SimulatedTimes[name] };

export interface TestAwsOptions extends Omit<SimulatorOptions, 'random'> {
  /** How long AWS takes for what; the object that is given is the one in force, and may be changed. */
  time?: AwsTimes;
  /** Why this AWS has to be a kind one; a sentence, in the test itself. */
  kind?: string;
}

export interface TestAws {
  simulator: Simulator;
  /** How long AWS takes for what; may be changed. */
  time: AwsTimes;
  /** Until the test ends AWS is consistent, takes everything and loses nothing, for this reason. */
  kindly: (t: { teardown: (undo: () => void) => void }, why: string) => void;
}

/**
 * So long a change may not show, milliseconds by the clock of the test, and as many requests as AWS takes in a second it
 * takes in so many.
 */
const unkind = { consistencyMs: 3_000, quotaSecondMs: 100, lastUsedDelayMs: 4 * 60 * 60_000 } as const;

/** Of the requests of clients that try again by themselves so many are lost on their way there, and as many on their way back. */
const lost = 0.06;

const services = ['kms', 'iam', 'sts'] as const;

/** An AWS as it is on a bad day, unless there is a reason for a kind one. */
export async function startAws({ kind, ...options }: TestAwsOptions = {}): Promise<TestAws> {
  const time: AwsTimes = options.time ?? {};
  const simulator = await Simulator.start({
    ...options,
    time,
    random: seeded(0x5eed),
    ...(options.spreadClock === undefined ? {} : { spreadClock: onward(options.spreadClock) }),
  });
  const before = { ...unkind, ...time };
  let undo: (() => void)[] = [];
  const beUnkind = () => {
    const { consistencyMs, quotaSecondMs, lastUsedDelayMs } = before;
    Object.assign(time, { consistencyMs, quotaSecondMs, lastUsedDelayMs });
    undo = services.flatMap((service) =>
      (['reset', 'answer-lost'] as const).map((how) =>
        simulator.fault({ service, action: '*', kind: how, chance: lost, firstTry: true }),
      ),
    );
  };
  const beKind = () => {
    simulator.settle();
    delete time.consistencyMs;
    delete time.quotaSecondMs;
    delete time.lastUsedDelayMs;
    for (const each of undo) each();
    undo = [];
  };
  if (kind === undefined) beUnkind();
  return {
    simulator,
    time,
    kindly: (t) => {
      if (kind !== undefined) return;
      beKind();
      t.teardown(() => {
        beKind();
        beUnkind();
      });
    },
  };
}

/** A clock that tests put back stands still until it goes on: what has spread stays so. */
function onward(clock: () => Date): () => Date {
  let last = clock().getTime();
  let now = last;
  return () => {
    const read = clock().getTime();
    now += Math.max(read - last, 0);
    last = read;
    return new Date(now);
  };
}

/** Mulberry32: with each start the same, so that what a test finds it finds again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
