import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import fc from '../../testing/properties.ts';
import { disableCloudKey, enableCloudKey, scheduleDeletion } from '../../src/keys/cloud-keys.ts';
import { nextRotation, rotationAfter } from '../../src/keys/rotation-time.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import { openVault, type TestVault } from '../../testing/vault.ts';
import { day, hour, minute, second, Stage } from '../vault/stage.ts';

/*
 * Whatever the clock does, steps forward and back, leap days, changes to and from daylight-saving time, or nobody there
 * for a year: nothing that is due is skipped, and nothing is done twice.
 */

const test = anyTest as TestFn<TestVault>;

test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

const zones = ['UTC', 'Europe/Berlin', 'America/New_York'] as const;

/** Moments at which clocks do odd things: the hour of a change, the leap day, the turn of the year. */
const begins = fc.constantFrom(
  '2027-03-28T00:59:59.999Z',
  '2027-10-31T00:30:00.000Z',
  '2027-03-14T06:59:59.000Z',
  '2027-11-07T05:30:00.000Z',
  '2028-02-28T23:59:59.999Z',
  '2028-02-29T12:00:00.000Z',
  '2027-12-31T23:59:59.999Z',
);

/** What the clock does between two looks. */
const steps = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 30 * second }) },
  { weight: 6, arbitrary: fc.integer({ min: hour, max: 3 * day }) },
  { weight: 3, arbitrary: fc.integer({ min: 20 * day, max: 400 * day }) },
  { weight: 2, arbitrary: fc.integer({ min: -2 * hour, max: -1 }) },
  { weight: 1, arbitrary: fc.integer({ min: -400 * day, max: -day }) },
  { weight: 1, arbitrary: fc.constantFrom(day - 1, day, day + 1, 7 * day, 365 * day, 366 * day) },
);

interface Story {
  begin: string;
  days: number;
  expiresAfter: number;
  deletionDays: number;
  steps: number[];
}

const stories: fc.Arbitrary<Story> = fc.record({
  begin: begins,
  days: fc.constantFrom(1, 2, 30, 365),
  expiresAfter: fc.integer({ min: 1, max: 500 * day }),
  deletionDays: fc.integer({ min: 7, max: 30 }),
  steps: fc.array(steps, { minLength: 3, maxLength: 10 }),
});

/** Clocks of nodes may differ by so much: a due time that is further off by less is left as it is. */
const skew = 60 * second;

async function play(t: ExecutionContext<TestVault>, stage: Stage, story: Story): Promise<void> {
  const keySet = await stage.keySet({ rotationDays: story.days });
  const expiry = stage.now + story.expiresAfter;
  const rotated = await stage.key(keySet, { name: 'rotated' });
  const expired = await stage.key(keySet, {
    name: 'expired',
    rotation: { kind: 'NEVER' },
    expiresAt: new Date(expiry),
  });
  const deleted = await stage.key(keySet, { name: 'deleted' });
  const act = systemAct(stage.vaultContext, 'test');
  await scheduleDeletion(
    stage.vaultContext,
    act,
    { vaultId: stage.vault.id, sight: 'all', id: deleted.id },
    story.deletionDays,
  );
  const deletion = stage.now + story.deletionDays * day;

  const schedules = stage.schedules();
  let [rotations, wasExpired, wasDeleted] = [0, false, false];
  for (const step of story.steps) {
    stage.now += step;
    const due = Date.parse((await stage.read(rotated.id)).next_rotation_at ?? '');
    const run = await schedules.runOnce();
    t.deepEqual(run.failed, []);

    // Due is due, at the first look, and once for however many periods.
    const isDue = due <= stage.now;
    if (isDue) rotations++;
    t.is(run.keysRotated, isDue ? 1 : 0);
    const after = await stage.read(rotated.id);
    t.is(after.current_version, 1 + rotations);
    const next = Date.parse(after.next_rotation_at ?? '');
    t.true(next > stage.now, 'the next one is to come');
    t.true(next <= stage.now + story.days * day + skew, 'and never further off than the schedule says');
    // Periods are of 24 hours in UTC: the time of day stays, through every change of daylight-saving time.
    if (isDue) t.is((next - due) % (story.days * day), 0);

    wasExpired ||= expiry <= stage.now;
    t.is((await stage.read(expired.id)).state, wasExpired ? 'EXPIRED' : 'AVAILABLE');
    wasDeleted ||= deletion <= stage.now;
    t.is((await stage.read(deleted.id)).state, wasDeleted ? 'DELETED' : 'PENDING_DELETION');
  }
  t.is((await stage.acts(rotated.id))['cloud-key.rotate'] ?? 0, rotations);
  t.is((await stage.acts(expired.id))['cloud-key.expire'] ?? 0, Number(wasExpired));
  t.is((await stage.acts(deleted.id))['cloud-key.delete'] ?? 0, Number(wasDeleted));
  t.is((await stage.acts(deleted.id))['cloud-key.destroy-version'] ?? 0, Number(wasDeleted));
}

for (const zone of zones)
  test.serial(
    `nothing is skipped or doubled, whatever the clock does, on a machine in ${zone}`,
    async (t) => {
      const before = process.env['TZ'];
      process.env['TZ'] = zone;
      t.teardown(async () => {
        if (before === undefined) delete process.env['TZ'];
        else process.env['TZ'] = before;
      });
      t.is(
        new Date('2027-07-01T00:00:00Z').getTimezoneOffset() === 0,
        zone === 'UTC',
        'the zone is in force',
      );
      await fc.assert(
        fc.asyncProperty(stories, async (story) => {
          const closing: (() => Promise<void>)[] = [];
          const stage = await Stage.open(
            { teardown: (run) => closing.push(run) },
            t.context.tokens,
            story.begin,
          );
          try {
            await play(t, stage, story);
          } finally {
            for (const close of closing) await close();
          }
        }),
        { numRuns: 12 },
      );
    },
  );

test.serial(
  'a key on a daily schedule is rotated at the same UTC time through leap days and clock changes',
  async (t) => {
    for (const begin of [
      '2028-02-27T01:30:00.000Z',
      '2027-03-26T01:30:00.000Z',
      '2027-11-05T05:30:00.000Z',
    ]) {
      const stage = await Stage.open(t, t.context.tokens, begin);
      const key = await stage.key(await stage.keySet({ rotationDays: 1 }), { name: 'daily' });
      const schedules = stage.schedules();
      const start = stage.now;
      let rotations = 0;
      // A look every half hour, for four days.
      for (stage.now = start; stage.now <= start + 4 * day; stage.now += 30 * minute)
        rotations += (await schedules.runOnce()).keysRotated;
      t.is(rotations, 4, begin);
      t.is((await stage.read(key.id)).next_rotation_at, new Date(start + 5 * day).toISOString());
    }
  },
);

test.serial(
  'an outage over several due times of several keys is made up for by one rotation of each',
  async (t) => {
    const stage = await Stage.open(t, t.context.tokens, '2028-02-20T00:00:00.000Z');
    const keySet = await stage.keySet({ rotationDays: 3 });
    const keys = [];
    for (const days of [1, 7, 10]) {
      const rotation = { kind: 'DAYS', days } as const;
      keys.push(await stage.key(keySet, { name: `every-${days}`, rotation }));
    }
    keys.push(await stage.key(keySet, { name: 'inherits' }));
    const [off] = keys;
    stage.now += 5 * day;
    const act = () => systemAct(stage.vaultContext, 'test');
    await disableCloudKey(stage.vaultContext, act(), {
      vaultId: stage.vault.id,
      sight: 'all',
      id: off?.id ?? '',
    });
    stage.now += 20 * day;
    t.is((await stage.schedules().runOnce()).keysRotated, 3);
    await enableCloudKey(stage.vaultContext, act(), {
      vaultId: stage.vault.id,
      sight: 'all',
      id: off?.id ?? '',
    });
    t.is((await stage.schedules().runOnce()).keysRotated, 1);
    for (const { id } of keys) t.is((await stage.read(id)).current_version, 2);
    t.is((await stage.schedules().runOnce()).keysRotated, 0);
  },
);

const moments = fc.date({ min: new Date('2020-01-01'), max: new Date('2090-01-01'), noInvalidDate: true });
const schedules = fc.integer({ min: 1, max: 3650 });

test('the next due time is to come, within one period, and in step with the last', (t) => {
  fc.assert(
    fc.property(moments, moments, schedules, (due, now, days) => {
      const next = rotationAfter(due, days, now);
      if (next === null) return t.fail();
      t.true(next > now && next.getTime() <= now.getTime() + days * day);
      if (due <= now) t.is((next.getTime() - due.getTime()) % (days * day), 0);
      return undefined;
    }),
  );
  t.is(rotationAfter(new Date(), null, new Date()), null);
});

test('a schedule that is changed is due so many days after the last rotation, neither in the past nor beyond a period', (t) => {
  fc.assert(
    fc.property(moments, moments, schedules, (rotatedAt, now, days) => {
      const next = nextRotation(rotatedAt, days, now);
      if (next === null) return t.fail();
      t.true(next >= now && next.getTime() <= now.getTime() + days * day);
      const exact = rotatedAt.getTime() + days * day;
      if (rotatedAt <= now && exact >= now.getTime()) t.is(next.getTime(), exact);
      return undefined;
    }),
  );
});
