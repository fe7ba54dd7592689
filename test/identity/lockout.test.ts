import anyTest, { type TestFn } from 'ava';
import fc from '../../testing/properties.ts';
import { SignInRefusedError } from '../../src/identity/identity-error.ts';
import { beginAttempt, clean, isLocked, takeBack } from '../../src/identity/lockout.ts';
import { unlockUser } from '../../src/identity/user-access.ts';
import { openPeople, wrong, type People } from './people.ts';

const test = anyTest as TestFn<People>;
test.beforeEach(async (t) => {
  t.context = await openPeople();
});
test.afterEach.always(async (t) => t.context.dispose());

test('after 64 wrong guesses at once the right password is refused until the time is over', async (t) => {
  const { user, signIn, fresh, clock } = t.context;
  const person = await user();
  const guesses = await Promise.allSettled(
    Array.from({ length: 64 }, async (_, index) => signIn(person, wrong, `192.0.2.${index}`)),
  );
  t.true(guesses.every(({ status }) => status === 'rejected'));
  t.is((await fresh(person)).failures, 5, 'no more were tried than one after another would have been');
  await t.throwsAsync(signIn(person), { instanceOf: SignInRefusedError });
  clock.seconds(59);
  await t.throwsAsync(signIn(person), { instanceOf: SignInRefusedError });
  clock.seconds(1);
  t.is((await signIn(person)).session.state, 'ACTIVE');
  t.is((await fresh(person)).failures, 0);
});

test('the right password among guesses at once is let in only if it is one of the first five', async (t) => {
  const { user, site, fresh } = t.context;
  const person = await user();
  const attempts = await Promise.all(Array.from({ length: 64 }, async () => beginAttempt(site, person.id)));
  t.is(attempts.filter((attempt) => attempt !== undefined).length, 5);
  t.true(isLocked(await fresh(person), site.now()));
});

test('the lock lasts 1, 2, 4 … 60 minutes, and after a hundred failures until it is taken away', async (t) => {
  const { user, site, clock, fresh, act } = t.context;
  const person = await user();
  const locks: number[] = [];
  for (let failures = 1; failures <= 99; failures++) {
    t.is((await beginAttempt(site, person.id))?.failures, failures);
    const { locked_until } = await fresh(person);
    const until = locked_until === null ? clock.at : Date.parse(locked_until);
    locks.push((until - clock.at) / 60_000);
    clock.at = until - 1;
    if (locked_until !== null) t.is(await beginAttempt(site, person.id), undefined);
    clock.at = until;
  }
  t.deepEqual(locks.slice(0, 12), [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
  t.true(locks.slice(12).every((minutes) => minutes === 60));
  t.is((await beginAttempt(site, person.id))?.failures, 100);
  clock.minutes(60 * 24 * 365 * 50);
  t.is(await beginAttempt(site, person.id), undefined, 'SP 800-63B-4, 3.2.2');
  await unlockUser(site, act(), 'command', { vaultId: person.vault_id, userId: person.id });
  t.is((await beginAttempt(site, person.id))?.failures, 1);
});

test('a disabled user cannot even try', async (t) => {
  const { user, site, fresh } = t.context;
  const person = await user('auditor', { state: 'DISABLED' });
  t.is(await beginAttempt(site, person.id), undefined);
  t.is((await fresh(person)).failures, 0);
});

type Step = { kind: 'wrong' } | { kind: 'half' } | { kind: 'whole' } | { kind: 'wait'; minutes: number };

test('lockout does what a simple model of it says, whatever comes after whatever', async (t) => {
  const { user, site, clock, fresh, store } = t.context;
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.constant({ kind: 'wrong' as const }) },
    { weight: 2, arbitrary: fc.constant({ kind: 'half' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'whole' as const }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 70 }) }),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const person = await user();
      const model = { failures: 0, lockedUntil: 0 };
      for (const { kind, ...rest } of steps) {
        if (kind === 'wait') {
          clock.minutes('minutes' in rest ? rest.minutes : 0);
          continue;
        }
        const attempt = await beginAttempt(site, person.id);
        if (model.lockedUntil > clock.at) {
          t.is(attempt, undefined);
          continue;
        }
        if (attempt === undefined) throw new Error('an attempt was refused that should not be');
        if (kind === 'wrong') {
          model.failures += 1;
          if (model.failures >= 5)
            model.lockedUntil = clock.at + Math.min(60, 2 ** (model.failures - 5)) * 60_000;
        } else if (kind === 'half') await store.bookkeep('attempt', async (trx) => takeBack(trx, attempt));
        else {
          await store.db.updateTable('users').set(clean).where('id', '=', person.id).execute();
          model.failures = 0;
          model.lockedUntil = 0;
        }
        const row = await fresh(person);
        t.is(row.failures, model.failures);
        t.is(isLocked(row, site.now()), model.lockedUntil > clock.at);
      }
    }),
    { numRuns: 60 },
  );
});

test('a right password that is only half of a sign-in leaves a lock that others have brought', async (t) => {
  const { user, site, store, fresh } = t.context;
  const person = await user();
  const attempts = [];
  for (let round = 0; round < 5; round++) attempts.push(await beginAttempt(site, person.id));
  const [first] = attempts;
  if (first === undefined) return t.fail();
  await store.bookkeep('attempt', async (trx) => takeBack(trx, first));
  t.true(isLocked(await fresh(person), site.now()));
});
