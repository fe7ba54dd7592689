import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { AwsError, type AwsFault } from '../../src/cloud/aws/aws-error.ts';
import { AwsClients } from '../../src/cloud/aws/clients.ts';
import type { AwsContext } from '../../src/cloud/controller/context.ts';
import {
  advance,
  advanceIn,
  look,
  record,
  type How,
  type Outcome,
} from '../../src/cloud/controller/controller.ts';
import { readProblem } from '../../src/cloud/controller/problem.ts';
import {
  Waiting,
  type Columns,
  type Failure,
  type Resource,
  type Step,
  type Turn,
} from '../../src/cloud/controller/resource.ts';
import { BusyError, inTurn, isBusy, LostTurnError, whenIdle } from '../../src/cloud/controller/turn.ts';
import { takeLease } from '../../src/fleet/leases.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { TokenPools } from '../../src/vault/tokens.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { silentLog, testAwsSettings } from '../../testing/aws-settings.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { insertGroup, insertVault } from '../../testing/vault.ts';
import { lintPlanted } from '../support/planted-lint.ts';

/*
 * The one loop over what is wanted in AWS, with a resource of the test's own: a lamp that is wanted on, in a cloud of its
 * own. Its record is that of a CSP account, read otherwise. Store, turns and leases are the real ones.
 */

type Row = Columns<'csp_accounts'>;
type Seen = 'on' | 'off';
type Lamp = Resource<'csp_accounts', Row, Seen>;

interface Stage {
  store: SqliteStore;
  context: AwsContext;
  clock: { ahead: number };
  vaultId: string;
  group: string;
  dispose: () => Promise<void>;
}
const test = anyTest as TestFn<Stage>;

test.before(async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-controller-'));
  const store = await SqliteStore.init(path.join(directory, 'holdfast.db'));
  const vault = await insertVault(store, 'vault');
  const clock = { ahead: 0 };
  const aws = new AwsClients(testAwsSettings(), silentLog);
  t.context = {
    ...{ store, clock, vaultId: vault.id, group: await insertGroup(store, vault.id, 'group') },
    context: {
      ...{ store, aws, tokens: new TokenPools([]), instance: 'node-a/1' },
      now: () => new Date(start + clock.ahead),
    },
    dispose: async () => {
      aws.close();
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});
test.after.always(async (t) => t.context?.dispose());

const start = Date.parse('2026-05-01T00:00:00Z');
type T = ExecutionContext<Stage>;

/** Wanted on. */
async function newLamp({ context: { store, vaultId, group } }: T): Promise<string> {
  const id = randomUUID();
  const at = new Date(start).toISOString();
  await store.db
    .insertInto('csp_accounts')
    .values({
      ...{ id, vault_id: vaultId, admin_group_id: group, name: id, description: 'new', type: 'manual' },
      ...{ aws_account_id: '', default_region: '', access_key_rotation: 'CREATING' },
      ...{ created_at: at, updated_at: at },
    })
    .execute();
  return id;
}

async function read({ context }: T, id: string): Promise<Row> {
  return context.store.db
    .selectFrom('csp_accounts')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
}

/** By somebody, past the loop. */
async function edit({ context }: T, id: string, change: Partial<Row>): Promise<void> {
  await context.store.db
    .updateTable('csp_accounts')
    .set((eb) => ({ ...change, row_version: eb('row_version', '+', 1) }))
    .where('id', '=', id)
    .execute();
}

async function verbs({ context }: T, id: string): Promise<string[]> {
  const events = await context.store.db
    .selectFrom('audit_events')
    .select('action')
    .where('target_id', '=', id)
    .orderBy('sequence')
    .execute();
  return events.map(({ action }) => action.replace('lamp.', ''));
}

function entry(verb: string, { id, vault_id: vaultId }: Row) {
  return { action: `lamp.${verb}`, vaultId, target: { kind: 'lamp', id, name: id } };
}

interface Cloud {
  isOn: boolean;
  /** Requests that change something. */
  requests: number;
  looks: number;
}

function newCloud(): Cloud {
  return { isOn: false, requests: 0, looks: 0 };
}

function lamp(cloud: Cloud, parts: Partial<Lamp> = {}): Lamp {
  return {
    ...{ kind: 'lamp', table: 'csp_accounts', whenBusy: 'refuse', holds: 'from-the-start' },
    lookOperation: () => 'LookAtLamp',
    words: { busy: { message: 'it is being switched', remediation: 'wait' }, remediation: 'see to it' },
    read: async (db, id) => db.selectFrom('csp_accounts').selectAll().where('id', '=', id).executeTakeFirst(),
    observe: async () => {
      cloud.looks++;
      return { kind: 'seen', seen: cloud.isOn ? 'on' : 'off' };
    },
    mirror: (row, seen) =>
      seen.kind === 'seen' && row.description !== seen.seen
        ? (now) => ({ change: { description: seen.seen }, entries: [entry('seen', now)] })
        : undefined,
    next: (_, row, seen) => {
      if (row.access_key_rotation === null || seen.kind !== 'seen') return undefined;
      return seen.seen === 'on' ? isOn : switchOn(cloud);
    },
    pauseOf: (row) => ({
      problem: readProblem(row.access_key_rotation_problem),
      attempts: row.access_key_rotation_failures,
      until: row.access_key_rotation_retry_at,
    }),
    paused: (_, { problem, attempts, until }) => ({
      access_key_rotation_problem: problem === null ? null : JSON.stringify(problem),
      access_key_rotation_failures: attempts,
      access_key_rotation_retry_at: until,
    }),
    ...parts,
  };
}

/** It is on: wanted no more. Sends nothing. */
const isOn: Step<'csp_accounts', Row> = {
  ...{ operation: '', changes: false },
  call: async () => (now) => ({ change: { access_key_rotation: null }, entries: [entry('is-on', now)] }),
};

function switchOn(cloud: Cloud, parts: Partial<Step<'csp_accounts', Row>> = {}): Step<'csp_accounts', Row> {
  return {
    ...{ operation: 'SwitchOn', changes: true },
    call: async () => {
      cloud.requests++;
      cloud.isOn = true;
      return (now) => ({ change: { description: 'on' }, entries: [entry('switched', now)], again: true });
    },
    ...parts,
  };
}

function failing(error: Error) {
  return switchOn(newCloud(), {
    call: async () => {
      throw error;
    },
  });
}

function awsError(fault: AwsFault, { certain = true, code = `${fault}-code` } = {}): AwsError {
  return new AwsError(fault, code, 'SwitchOn', { message: fault, remediation: 'none', certain });
}

function how(t: T, by: How['by'] = 'watch'): How {
  return { act: systemAct(t.context.context, 'test'), by };
}

async function run(
  t: T,
  id: string,
  resource: Lamp,
  by: How['by'] = 'watch',
  context = t.context.context,
): Promise<Outcome<Row> | undefined> {
  return advance(context, resource, id, { ...how(t, by), act: systemAct(context, 'test') });
}

async function leases({ context }: T, id: string) {
  return context.store.db.selectFrom('leases').selectAll().where('name', '=', `lamp ${id}`).execute();
}

const other = ({ context: { context } }: T, instance = 'node-b/1'): AwsContext => ({ ...context, instance });

test('it is looked at, brought nearer by one request at a time, and each is on record', async (t) => {
  const id = await newLamp(t);
  const cloud = newCloud();
  const outcome = await run(t, id, lamp(cloud));
  t.is(outcome?.stopped, undefined);
  t.deepEqual(outcome?.row, await read(t, id));
  t.like(outcome?.row, { access_key_rotation: null, description: 'on' });
  t.deepEqual(cloud, { isOn: true, requests: 1, looks: 2 });
  t.deepEqual(await verbs(t, id), ['seen', 'switched', 'is-on']);
  t.deepEqual(await leases(t, id), [], 'the turn is given back');
  t.deepEqual((await run(t, id, lamp(cloud)))?.row, outcome?.row, 'nothing is wanted: nothing is written');
});

test('what stopped it is on record with a pause that grows, and a success leaves nothing of it', async (t) => {
  const id = await newLamp(t);
  const cloud = newCloud();
  const throttled = lamp(cloud, { next: () => failing(awsError('throttled')) });
  for (const times of [1, 2, 3]) {
    const { stopped, row } = (await run(t, id, throttled)) ?? {};
    t.like(stopped, {
      fault: 'throttled',
      problem: { times, code: 'throttled-code', operation: 'SwitchOn' },
    });
    t.true(stopped?.error instanceof AwsError);
    t.like(readProblem(row?.access_key_rotation_problem ?? null), { times, remediation: 'none' });
    t.is(row?.access_key_rotation_failures, times);
    t.true(Date.parse(row?.access_key_rotation_retry_at ?? '') > start);
  }
  // Of another kind it is the first.
  const denied = lamp(cloud, { next: () => failing(awsError('denied')) });
  t.is((await run(t, id, denied))?.stopped?.problem?.times, 1);
  t.like((await run(t, id, lamp(cloud)))?.row, {
    access_key_rotation_problem: null,
    access_key_rotation_failures: 0,
    access_key_rotation_retry_at: null,
  });
});

test('what somebody asks for while a request fails is tried at once, and what goes with the failure is written', async (t) => {
  const id = await newLamp(t);
  await run(t, id, lamp(newCloud(), { next: () => failing(awsError('throttled')) }));
  const failed = (failure: Failure) => (now: Row) => ({
    change: { default_region: failure.problem.code },
    entries: [entry('failed', now)],
  });
  const asked = lamp(newCloud(), {
    next: () =>
      switchOn(newCloud(), {
        failed,
        call: async () => {
          await edit(t, id, { access_key_rotation_retry_at: null, access_key_rotation_problem: null });
          throw awsError('denied');
        },
      }),
  });
  t.is((await run(t, id, asked))?.stopped?.fault, 'denied');
  t.like(await read(t, id), {
    access_key_rotation_retry_at: null,
    access_key_rotation_problem: null,
    default_region: 'denied-code',
  });
  t.true((await verbs(t, id)).includes('failed'));
});

test('whether it is another failure than before is told to what goes with it', async (t) => {
  const seen: [string, boolean][] = [];
  const id = await newLamp(t);
  for (const error of [
    awsError('denied'),
    awsError('denied', { certain: false }),
    awsError('throttled'),
    awsError('conflict', { code: 'CustomKeyStoreInvalidStateException' }),
    new VaultError('conflict', 'we do not'),
  ])
    await run(
      t,
      id,
      lamp(newCloud(), {
        next: () => failing(error),
        failed: ({ problem: { code }, isNew }) => {
          seen.push([code, isNew]);
          return undefined;
        },
      }),
    );
  t.deepEqual(seen, [
    ['denied-code', true],
    ['denied-code', false],
    ['throttled-code', true],
    ['CustomKeyStoreInvalidStateException', true],
    ['conflict', true],
  ]);
});

test('a mistake of ours is on record without its words, and told to the log', async (t) => {
  const id = await newLamp(t);
  const mistake = new TypeError('undefined is not a lamp');
  const broken = [
    lamp(newCloud(), { observe: async () => Promise.reject(mistake) }),
    lamp(newCloud(), { next: () => Promise.reject(mistake) }),
    lamp(newCloud(), { next: () => failing(mistake) }),
  ];
  for (const [index, resource] of broken.entries()) {
    const { stopped, row } = (await run(t, id, resource)) ?? {};
    t.like(stopped, { fault: 'internal', error: mistake });
    const problem = readProblem(row?.access_key_rotation_problem ?? null);
    t.like(problem, { code: 'Internal', times: index + 1, operation: ['LookAtLamp', '', 'SwitchOn'][index] });
    t.false(JSON.stringify(problem).includes('undefined is not'));
  }
});

test('a mistake of ours in what is to be written is on record too, and makes a pause', async (t) => {
  const mistake = new TypeError('undefined is not a lamp');
  const mistaken = () => {
    throw mistake;
  };
  const broken: Partial<Lamp>[] = [
    { mirror: mistaken },
    { mirror: () => mistaken },
    { next: () => switchOn(newCloud(), { before: mistaken }) },
    { next: () => switchOn(newCloud(), { call: async () => mistaken }) },
    { next: () => ({ ...failing(awsError('denied')), failed: mistaken }) },
  ];
  for (const parts of broken) {
    const id = await newLamp(t);
    for (const times of [1, 2]) {
      const { stopped, row } = (await run(t, id, lamp(newCloud(), parts))) ?? {};
      t.like(stopped, { fault: 'internal', error: mistake, problem: { code: 'Internal', times } });
      t.deepEqual(row, await read(t, id));
      t.like(readProblem(row?.access_key_rotation_problem ?? null), { code: 'Internal', times });
      t.true(Date.parse(row?.access_key_rotation_retry_at ?? '') > start);
      t.deepEqual(await leases(t, id), [], 'the turn is given back');
    }
  }
  // Nothing more is to be had where that is what cannot be written.
  const id = await newLamp(t);
  const unpaused = lamp(newCloud(), { mirror: mistaken, paused: mistaken });
  t.like((await run(t, id, unpaused))?.stopped, { fault: 'internal', error: mistake, problem: null });
});

test('a resource that gives the same step for ever is stopped and told as a mistake', async (t) => {
  const id = await newLamp(t);
  const cloud = newCloud();
  const outcome = await run(t, id, lamp(cloud, { next: () => switchOn(cloud) }));
  t.like(outcome?.stopped, { fault: 'internal', problem: { code: 'Internal' } });
  t.true(outcome?.stopped?.error instanceof Error);
  t.is(cloud.requests, 12);
  t.like(readProblem((await read(t, id)).access_key_rotation_problem), { fault: 'internal' });
});

test('who was stopped in the middle of a request records nothing once another has taken over', async (t) => {
  for (const holds of ['from-the-start', 'for-changes'] as const) {
    const id = await newLamp(t);
    const cloud = newCloud();
    const [sent, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = lamp(cloud, {
      holds,
      next: () =>
        switchOn(cloud, {
          call: async () => {
            cloud.requests++;
            cloud.isOn = true;
            sent.resolve();
            await goesOn.promise;
            return (now) => ({ change: { description: 'late' }, entries: [entry('late', now)] });
          },
        }),
    });
    const first = run(t, id, slow);
    await sent.promise;
    t.is(await run(t, id, lamp(cloud, { holds }), 'watch', other(t)), undefined, 'it is held');
    await t.context.store.db
      .updateTable('leases')
      .set({ until: new Date(start - 1).toISOString() })
      .where('name', '=', `lamp ${id}`)
      .execute();
    const second = await run(t, id, lamp(cloud, { holds }), 'watch', other(t));
    t.like(second?.row, { access_key_rotation: null, description: 'on' });
    const before = [await read(t, id), await verbs(t, id)];
    goesOn.resolve();
    const { stopped } = (await first) ?? {};
    t.true(stopped?.error instanceof LostTurnError);
    t.like(stopped, { fault: 'conflict', problem: null });
    t.deepEqual([await read(t, id), await verbs(t, id)], before);
    t.is(cloud.requests, 1);
  }
});

test('neither does one whose request failed, nor one that another has taken over and is still at', async (t) => {
  const id = await newLamp(t);
  const [sent, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow = lamp(newCloud(), {
    next: () =>
      switchOn(newCloud(), {
        failed: () => (now) => ({ entries: [entry('failed', now)] }),
        call: async () => {
          sent.resolve();
          await goesOn.promise;
          throw awsError('denied');
        },
      }),
  });
  const first = run(t, id, slow);
  await sent.promise;
  // A later start of the same node takes over at once: the one before is gone, as a rule.
  const taken = await takeLease(other(t, 'node-a/2'), `lamp ${id}`, 60_000);
  t.is(taken?.term, 2);
  goesOn.resolve();
  t.true((await first)?.stopped?.error instanceof LostTurnError);
  t.like(await read(t, id), { access_key_rotation_problem: null });
  t.false((await verbs(t, id)).includes('failed'));
  t.like(
    (await leases(t, id))[0],
    { holder: 'node-a/2', term: 2 },
    'nor does it give back what is not its own',
  );
});

test('what is mostly looked at takes its turn with the first change alone', async (t) => {
  const id = await newLamp(t);
  const cloud = newCloud();
  const held: number[] = [];
  const resource = lamp(cloud, {
    holds: 'for-changes',
    observe: async () => {
      held.push((await leases(t, id)).length);
      return { kind: 'seen', seen: cloud.isOn ? 'on' : 'off' };
    },
  });
  await look(t.context.context, resource, id, how(t));
  t.deepEqual(held, [0]);
  t.is((await read(t, id)).description, 'off');
  await run(t, id, resource);
  t.deepEqual(held, [0, 0, 1]);
  t.deepEqual(await leases(t, id), []);
});

test('what was read before somebody changed it, without a turn, is read again before anything is sent', async (t) => {
  const id = await newLamp(t);
  const cloud = newCloud();
  let looks = 0;
  const resource = lamp(cloud, {
    holds: 'for-changes',
    mirror: () => undefined,
    observe: async () => {
      if (++looks === 1) await edit(t, id, { access_key_rotation: null });
      return { kind: 'seen', seen: 'off' };
    },
  });
  const outcome = await run(t, id, resource);
  t.is(outcome?.stopped, undefined);
  t.deepEqual([cloud.requests, looks], [0, 2]);
});

test('a look that fails, without a turn, of what another has done meanwhile is no failure of it', async (t) => {
  const id = await newLamp(t);
  const cloud = newCloud();
  const other = { ...t.context.context, instance: 'node-b/1' };
  let looks = 0;
  const resource = lamp(cloud, {
    holds: 'for-changes',
    observe: async () => {
      if (++looks > 1) return { kind: 'seen', seen: cloud.isOn ? 'on' : 'off' };
      await advance(other, lamp(cloud, { holds: 'for-changes' }), id, how(t));
      throw awsError('settling');
    },
  });
  t.is((await run(t, id, resource))?.stopped, undefined);
  t.like(await read(t, id), { access_key_rotation: null, access_key_rotation_problem: null });
  t.deepEqual([cloud.requests, looks], [1, 2]);
});

test('who asks while it is being worked on is refused, or waits for its turn', async (t) => {
  for (const whenBusy of ['refuse', 'queue'] as const) {
    const id = await newLamp(t);
    const cloud = newCloud();
    const goesOn = Promise.withResolvers<void>();
    const slow = lamp(cloud, {
      whenBusy,
      observe: async () => {
        await goesOn.promise;
        return { kind: 'seen', seen: cloud.isOn ? 'on' : 'off' };
      },
    });
    const first = run(t, id, slow);
    t.true(isBusy(t.context.context, 'lamp', id));
    const second = run(t, id, lamp(cloud, { whenBusy }));
    if (whenBusy === 'refuse') {
      t.is(await second, undefined);
      await t.throwsAsync(
        inTurn(t.context.context, slow, id, async () => undefined),
        { instanceOf: BusyError, message: 'it is being switched' },
      );
    }
    goesOn.resolve();
    t.like((await first)?.row, { access_key_rotation: null });
    if (whenBusy === 'queue') t.like(await second, { row: { description: 'on' } });
    t.false(isBusy(t.context.context, 'lamp', id));
    await whenIdle(t.context.store, 10_000);
    t.is(cloud.requests, 1);
  }
});

test('what is only waited for is no failure, and is looked at again at once where somebody waits', async (t) => {
  const id = await newLamp(t);
  const cloud = newCloud();
  let looks = 0;
  const late = lamp(cloud, {
    next: (_, row) => {
      if (row.access_key_rotation === null) return undefined;
      return ++looks < 3 ? new Waiting(null, 'settling') : isOn;
    },
  });
  const waits = await run(t, id, late);
  t.deepEqual(waits?.stopped, { fault: undefined, problem: null });
  t.like(waits?.row, { access_key_rotation_problem: null, access_key_rotation_failures: 1 });
  const pause = Date.parse(waits?.row?.access_key_rotation_retry_at ?? '') - start;
  t.true(pause > 0 && pause <= 4_000, `${pause} ms`);
  const outcome = await advance(t.context.context, late, id, { ...how(t, 'operator'), pauses: [1, 1] });
  t.is(outcome?.stopped, undefined);
  t.is(looks, 3);
  t.like(outcome?.row, { access_key_rotation: null, access_key_rotation_retry_at: null });
});

test('a request whose answer was lost is not repeated at once: what it made is found by a look', async (t) => {
  for (const [comes, requests] of [
    [true, 1],
    [false, 1],
  ] as const) {
    const id = await newLamp(t);
    const cloud = newCloud();
    const lossy = lamp(cloud, {
      next: (turn, row, seen, at) => {
        if (row.access_key_rotation === null || seen.kind !== 'seen') return undefined;
        t.is(at.by, turn.by);
        if (seen.seen === 'on') return isOn;
        return switchOn(cloud, {
          looksAfterLoss: true,
          call: async () => {
            cloud.requests++;
            cloud.isOn = comes;
            throw awsError('unreachable', { certain: false });
          },
        });
      },
    });
    const outcome = await run(t, id, lossy, 'operator');
    t.is(cloud.requests, requests);
    t.is(outcome?.stopped?.fault, comes ? undefined : 'unreachable');
    t.is((await read(t, id)).access_key_rotation, comes ? null : 'CREATING');
    t.deepEqual(await leases(t, id), []);
  }
});

test('what is about to be sent is on record before, under the authority of who asked', async (t) => {
  const id = await newLamp(t);
  const cloud = newCloud();
  let isRecorded = false;
  const told = lamp(cloud, {
    next: (_, row, seen) =>
      row.access_key_rotation === null || seen.kind !== 'seen'
        ? undefined
        : switchOn(cloud, {
            before: (now) => ({ change: { default_region: 'sent' }, entries: [entry('sent', now)] }),
            call: async () => {
              isRecorded = (await read(t, id)).default_region === 'sent';
              cloud.isOn = true;
              return () => ({ change: { access_key_rotation: null } });
            },
          }),
  });
  const refusal = new VaultError('forbidden', 'no longer');
  const act = {
    ...systemAct(t.context.context, 'test'),
    authority: { confirm: async () => Promise.reject(refusal) },
  };
  const refused = await advance(t.context.context, told, id, { act, by: 'operator' });
  t.deepEqual([refused?.stopped?.error, refused?.stopped?.problem], [refusal, null]);
  t.like(await read(t, id), { default_region: '', access_key_rotation_problem: null });
  t.false(cloud.isOn);
  t.is((await run(t, id, told))?.stopped, undefined);
  t.true(isRecorded);
});

test('where somebody wants otherwise by then it is begun anew, and a refusal of ours is a failure', async (t) => {
  const id = await newLamp(t);
  const cloud = newCloud();
  let steps = 0;
  const anew = lamp(cloud, {
    next: () => (++steps > 2 ? undefined : switchOn(cloud, { before: () => undefined })),
  });
  t.is((await run(t, id, anew))?.stopped, undefined);
  t.deepEqual([steps, cloud.requests], [3, 0]);
  const refusal = new VaultError('conflict', 'there are ten already');
  const full = lamp(cloud, {
    next: () =>
      switchOn(cloud, {
        before: () => ({ change: { default_region: 'sent' }, also: async () => Promise.reject(refusal) }),
      }),
  });
  t.like((await run(t, id, full))?.stopped, {
    error: refusal,
    problem: { message: 'there are ten already', remediation: 'see to it' },
  });
  t.like(await read(t, id), { default_region: '' });
  t.is(cloud.requests, 0);
});

test('XKS workers hear of what they serve by, and of nothing else', async (t) => {
  const id = await newLamp(t);
  const revision = () => t.context.store.revision();
  const before = revision();
  await run(t, id, lamp(newCloud()));
  t.is(revision(), before);
  await edit(t, id, { access_key_rotation: 'CREATING' });
  const served = lamp(newCloud(), {
    next: () =>
      switchOn(newCloud(), { call: async () => ({ served: () => ({ also: async () => undefined }) }) }),
  });
  await run(t, id, served);
  t.true(revision() > before);
});

test('what an act wants is written in its turn, and gone on with in the same', async (t) => {
  const id = await newLamp(t);
  await edit(t, id, { access_key_rotation: null });
  const cloud = newCloud();
  const { context } = t.context;
  const resource = lamp(cloud);
  const outcome = await inTurn(context, resource, id, async (ownership) => {
    const wanted = await record(ownership, resource, id, systemAct(context, 'test'), (now) => ({
      change: { access_key_rotation: 'CREATING' as const },
      entries: [entry('wanted', now)],
    }));
    t.is(wanted?.access_key_rotation, 'CREATING');
    return advanceIn(ownership, resource, id, how(t, 'operator'));
  });
  t.like(outcome.row, { access_key_rotation: null, description: 'on' });
  t.deepEqual(await leases(t, id), []);
  const removal = await inTurn(context, resource, id, async (ownership) =>
    record(ownership, resource, id, systemAct(context, 'test'), () => ({
      also: async (trx) => void (await trx.deleteFrom('csp_accounts').where('id', '=', id).execute()),
    })),
  );
  t.is(removal, undefined);
  t.is((await run(t, id, resource))?.row, undefined, 'what is gone is no failure');
});

test('a note in the middle of a request, and a step that is asked to keep the pause', async (t) => {
  const id = await newLamp(t);
  await run(t, id, lamp(newCloud(), { next: () => failing(awsError('denied')) }));
  const noting = lamp(newCloud(), {
    next: (_, row) =>
      row.access_key_rotation === null
        ? undefined
        : switchOn(newCloud(), {
            call: async (note) => {
              await note({ access_key_rotation_known: 'halfway' });
              t.is((await read(t, id)).access_key_rotation_known, 'halfway');
              return () => ({ change: { access_key_rotation: null }, keepsPause: true });
            },
          }),
  });
  await run(t, id, noting);
  t.like(readProblem((await read(t, id)).access_key_rotation_problem), { code: 'denied-code' });
});

test('a problem is read in one form, whatever of it was written', (t) => {
  t.deepEqual(readProblem('{"code":"LEFT_IN_IAM","message":"a","remediation":"b"}'), {
    ...{ code: 'LEFT_IN_IAM', message: 'a', remediation: 'b' },
    ...{ operation: '', fault: 'conflict', at: '', times: 1 },
  });
  t.is(readProblem(null), null);
  t.throws(() => readProblem('{"message":1}'));
});

test('what is wanted in AWS is recorded nowhere else: lint refuses it', async (t) => {
  const at = "import { bumpRecord, noteOn, saveRecord } from '../../vault/edit-record.ts';\n";
  const refused = [
    `${at}await bumpRecord(trx, 'kms_keys', row, { step: 'DONE' });`,
    `${at}noteOn(trx, 'external_key_stores').set({ problem: null });`,
    `${at}await saveRecord(trx, table, row, {});`,
    `${at}const write = saveRecord; await write(trx, 'csp_accounts', row, {});`,
    "import { noteOn as note } from '../../vault/edit-record.ts';\nnote(trx, 'csp_accounts');",
  ];
  const files = Object.fromEntries(refused.map((text, index) => [`src/cloud/a${index}.ts`, text]));
  const taken = { 'src/cloud/b.ts': `${at}await bumpRecord(trx, 'users', row, {});` };
  const told = await lintPlanted(
    { plugin: 'scripts/lint-records.js', rule: 'records/wanted' },
    { ...files, ...taken },
  );
  t.deepEqual([...told.keys()].toSorted(), Object.keys(files));
  for (const message of told.values()) t.regex(message, /is recorded by the controller/);
});

test('what calls AWS has nothing that writes, and what plans a write nothing that calls AWS', (t) => {
  const never = async (turn: Turn, step: Step<'csp_accounts', Row>) => {
    // @ts-expect-error -- a turn writes nothing
    await turn.context.store.write(systemAct(turn.context, 'test'), async () => undefined);
    // @ts-expect-error -- nor past its acts
    await turn.context.store.bookkeep(async () => undefined);
    // @ts-expect-error -- nor past the store
    await turn.context.store.db.updateTable('csp_accounts').set({ name: '' }).execute();
    // @ts-expect-error -- a plan waits for nothing
    step.before = async () => ({ change: {} });
  };
  // Compiled, and refused there, is all that it is for.
  t.is(typeof never, 'function');
});
