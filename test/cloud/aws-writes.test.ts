import { readdir, readFile } from 'node:fs/promises';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import type { FaultRule } from '../../simulator/simulator.ts';
import {
  accessKeyPlays,
  keyPlays,
  keyStorePlays,
  rolePlays,
  type Play,
  type Plays,
} from './aws-write-plays.ts';
import {
  newConnected,
  newKeySetInAws,
  openStage,
  type Stage,
} from '../../testing/external-key-store-stage.ts';

/*
 * Every request of ours that changes something in AWS, in every trouble that AWS has with it: in the end AWS has what was
 * asked for, once, and we have not said so before. Clocks are moved, nobody waits.
 */

const test = anyTest as TestFn<Stage>;

test.before(async (t) => {
  t.context = await openStage({ kind: 'which of the requests fails, and how, is what is tested' });
});
test.after.always(async (t) => t.context.dispose());

/** So long what takes AWS some seconds takes here, milliseconds. */
const someSeconds = 20_000;

interface Trouble {
  /** Until somebody undoes it. */
  begin: (stage: Stage, service: Play['service'], operation: string) => (() => void)[];
  /** It is over after {@link someSeconds}. */
  passes?: boolean;
  /** It makes requests of this operation fail; so unless it is said. */
  strikesIt?: boolean;
  /** Of access keys and key stores it is played, call by call, in csp-rotation and external-key-store-faults. */
  keysOnly?: boolean;
}

const strikes =
  (rule: Pick<FaultRule, 'kind' | 'times'>) =>
  ({ simulator }: Stage, service: Play['service'], action: string) => [
    simulator.fault({ ...rule, service, action }),
  ];

const shownLate = ({ time, simulator }: Stage) => {
  time.consistencyMs = someSeconds;
  return [
    () => {
      delete time.consistencyMs;
      simulator.settle();
    },
  ];
};

const unknownKey = {
  kms: { code: 'UnrecognizedClientException', status: 400 },
  iam: { code: 'InvalidClientTokenId', status: 403 },
  sts: { code: 'InvalidClientTokenId', status: 403 },
};

const troubles: Record<string, Trouble> = {
  'is lost on its way': { begin: strikes({ kind: 'reset', times: 1 }) },
  'fails at AWS': { begin: strikes({ kind: '500', times: 1 }), keysOnly: true },
  'is done, and the answer lost': { begin: strikes({ kind: 'answer-lost', times: 1 }) },
  'is throttled': { begin: strikes({ kind: 'throttle', times: 1 }) },
  'is done, and shows late': { begin: shownLate, strikesIt: false },
  'is done, its answer lost, and shows late': {
    begin: (...given) => [...shownLate(given[0]), ...strikes({ kind: 'answer-lost', times: 1 })(...given)],
  },
  'is not allowed everywhere yet': { begin: strikes({ kind: 'denied' }), passes: true },
  'is signed with an access key that AWS does not know everywhere yet': {
    begin: ({ simulator }) =>
      (['kms', 'iam', 'sts'] as const).map((service) =>
        simulator.fault({ service, action: '*', kind: 'error', error: unknownKey[service] }),
      ),
    passes: true,
    // Whichever request comes first.
    strikesIt: false,
  },
};

/** Until our records say that it is done; meanwhile whoever was refused asks again. Answers how long that took, and what the records said to fail. */
async function untilTold(
  { clock, vaultContext }: Stage,
  { ask, goOn, told, failed }: Play,
  isOver: () => void,
): Promise<{ took: number; failures: Set<string | undefined> }> {
  const began = clock.ahead;
  const failures = new Set<string | undefined>();
  let refusal: unknown;
  const attempt = async (run: () => Promise<unknown>) => {
    await run().catch((error: unknown) => {
      refusal = error;
    });
  };
  await attempt(ask);
  for (let tries = 0; tries < 60; tries++) {
    const { isDone, next } = await told();
    const took = clock.ahead - began;
    if (isDone) return { took, failures };
    failures.add(await failed?.());
    const pause = next === null ? 5_000 : Date.parse(next) - vaultContext.now().getTime();
    // What takes minutes takes a minute at a time, or each of its looks would be played.
    clock.ahead += Math.max(pause, tries < 20 ? 0 : 60_000);
    if (took >= someSeconds) isOver();
    await attempt(next === null ? ask : goOn);
  }
  throw new Error(`it is not done in ${(clock.ahead - began) / 1000} seconds`, { cause: refusal });
}

async function playAll(
  t: ExecutionContext<Stage>,
  { begin, passes = false, strikesIt = true }: Trouble,
  plays: Plays,
): Promise<void> {
  const stage = t.context;
  const { simulator } = stage;
  for (const [operation, beginPlay] of plays) {
    const play = await beginPlay();
    simulator.settle();
    let undo = begin(stage, play.service, operation);
    const armed = [...simulator.faults()];
    const lift = () => {
      for (const each of undo) each();
      undo = [];
    };
    try {
      const { took, failures } = await untilTold(stage, play, () => {
        if (passes) lift();
      });
      t.true(took <= 12 * 60_000, `${operation} took ${took} ms`);
      if (strikesIt && play.failed !== undefined)
        t.true(failures.has(operation), `${operation} failed unseen`);
    } catch (error) {
      t.fail(
        `${operation}: ${String(error)}: ${String((error as Error).cause)}: ${JSON.stringify(await play.told())}`,
      );
      return;
    } finally {
      lift();
    }
    const [actual, expected] = await play.inAws();
    t.deepEqual(actual, expected, operation);
    t.deepEqual((await play.drift?.()) ?? [], [], operation);
    if (armed.length > 0)
      t.true(
        armed.some(({ struck }) => struck > 0),
        `${operation} was not struck`,
      );
  }
}

for (const [name, trouble] of Object.entries(troubles)) {
  test.serial(`a change of a KMS key that ${name}`, async (t) => {
    t.context.clock.ahead = 0;
    await playAll(t, trouble, await keyPlays(t.context, await newConnected(t.context)));
  });
  if (trouble.keysOnly === true) continue;
  test.serial(`a change of a key store that ${name}`, async (t) => {
    await playAll(t, trouble, keyStorePlays(t.context, await newKeySetInAws(t.context)));
  });
  test.serial(`a change of an access key, or a role's session, that ${name}`, async (t) => {
    // IAM's clock is the real one.
    t.context.clock.ahead = 0;
    await playAll(t, trouble, accessKeyPlays(t.context));
    await playAll(t, trouble, rolePlays(t.context));
  });
}

test.serial('each command of AWS’s that changes something is played above', async (t) => {
  const folder = new URL('../../src/cloud/aws/', import.meta.url);
  const sources = await Promise.all(
    (await readdir(folder)).map(async (file) => readFile(new URL(file, folder), 'utf8')),
  );
  const used = new Set(
    sources.flatMap((source) => [...source.matchAll(/\b([A-Z]\w+)Command\b/g)].map(([, name = '']) => name)),
  );
  const changing = [...used].filter((name) => !/^(?:Describe|Get|List|Simulate)[A-Z]/.test(name));
  const stage = t.context;
  const set = await newConnected(stage);
  const played = [
    ...accessKeyPlays(stage),
    ...rolePlays(stage),
    ...keyStorePlays(stage, set),
    ...(await keyPlays(stage, set)),
  ].map(([operation]) => operation);
  t.true(used.has('CreateKey') && used.has('DescribeKey'), 'the sources are read');
  t.deepEqual(changing.toSorted(), [...new Set(played)].toSorted());
});
