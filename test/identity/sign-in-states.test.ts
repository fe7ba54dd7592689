import test from 'ava';
import fc from '../../testing/properties.ts';
import { Secret as TotpSecret, TOTP } from 'otpauth';
import { resolveCaller } from '../../src/identity/callers.ts';
import { hashPassword } from '../../src/identity/passwords.ts';
import { confirmTotp, enrolTotp } from '../../src/identity/second-factor.ts';
import type { OpenedSession } from '../../src/identity/sessions.ts';
import { changePassword, giveSecondFactor } from '../../src/identity/sign-in.ts';
import { Secret } from '../../src/secret.ts';
import { limits, openPeople, password, passwordCost } from './people.ts';

type Step =
  | { kind: 'sign-in' }
  | { kind: 'code'; right: boolean }
  | { kind: 'password'; right: boolean }
  | { kind: 'old-token' }
  | { kind: 'reset' }
  | { kind: 'wait'; minutes: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Step>({ kind: 'sign-in' }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('code' as const), right: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('password' as const), right: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'old-token' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'reset' }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), minutes: fc.constantFrom(1, 9, 20) }),
  },
);

/** The rules in few words; the code has them in SQL and in several files. */
interface Model {
  mustChange: boolean;
  failures: number;
  lockedUntil: number;
  session:
    { state: 'SECOND_FACTOR' | 'PASSWORD_CHANGE' | 'ACTIVE'; ends: number; idleEnds: number } | undefined;
}

test('a session is never in a state that it has not earned, whatever comes after whatever', async (t) => {
  const people = await openPeople({ token: true });
  const { site, clock, act, store } = people;
  const phrases = await Promise.all(
    ['seven herons over the weir', 'eleven otters in a canoe'].map(async (text) => {
      const secret = new Secret(text);
      return { secret, hash: await hashPassword(secret, 'test', passwordCost) };
    }),
  );
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        const person = await people.user();
        const began = await people.session(person);
        const own = { userId: person.id, sessionId: began.session.id };
        const { otpauthUri } = await enrolTotp(site, act(), own, password);
        const secret = TotpSecret.fromBase32(new URL(otpauthUri.reveal()).searchParams.get('secret') ?? '');
        const code = (steps: number) =>
          TOTP.generate({ secret, timestamp: clock.at + steps * 30_000, algorithm: 'SHA1', digits: 6 });
        await confirmTotp(site, act(), own, code(0));
        let now = 0;
        let [mine, next] = phrases;
        if (mine === undefined || next === undefined) throw new Error('there are two');
        await store.db
          .updateTable('users')
          .set({
            password_hash: mine.hash,
            must_change_password: 1,
            password_changed_at: site.now().toISOString(),
          })
          .where('id', '=', person.id)
          .execute();
        const model: Model = { mustChange: true, failures: 0, lockedUntil: 0, session: undefined };
        let opened: OpenedSession | undefined;
        let former: string | undefined;
        const locked = () => model.lockedUntil > clock.at;
        const fail = () => {
          model.failures += 1;
          if (model.failures >= 5)
            model.lockedUntil = clock.at + Math.min(60, 2 ** (model.failures - 5)) * 60_000;
        };
        const begin = (state: NonNullable<Model['session']>['state']) => {
          const minutes = state === 'ACTIVE' ? limits.maxMinutes : 10;
          model.session = {
            state,
            ends: clock.at + minutes * 60_000,
            idleEnds: clock.at + limits.idleMinutes * 60_000,
          };
        };
        for (const one of steps) {
          // Each code is of a step of its own.
          clock.seconds(60);
          now = clock.at;
          const { session } = model;
          if (session !== undefined && (session.ends <= now || session.idleEnds <= now))
            model.session = undefined;
          const id = { userId: person.id, sessionId: opened?.session.id ?? '' };
          const result = async (work: Promise<OpenedSession>) => {
            former = opened?.token.reveal();
            try {
              opened = await work;
              return true;
            } catch {
              return false;
            }
          };
          if (one.kind === 'wait') clock.minutes(one.minutes);
          else if (one.kind === 'reset') {
            await store.db
              .updateTable('users')
              .set({ must_change_password: 1, password_changed_at: site.now().toISOString() })
              .where('id', '=', person.id)
              .execute();
            model.mustChange = true;
          } else if (one.kind === 'sign-in') {
            const may = !locked();
            t.is(await result(people.signIn(person, mine.secret)), may);
            if (may) begin('SECOND_FACTOR');
          } else if (one.kind === 'code') {
            if (model.session?.state !== 'SECOND_FACTOR' || opened === undefined) continue;
            const right = code(0);
            const may = !locked() && one.right;
            const given = one.right ? right : right === '000000' ? '111111' : '000000';
            t.is(await result(giveSecondFactor(site, limits, act(), id, given)), may);
            if (may) {
              model.failures = 0;
              model.lockedUntil = 0;
              begin(model.mustChange ? 'PASSWORD_CHANGE' : 'ACTIVE');
            } else if (!locked()) fail();
          } else if (one.kind === 'password') {
            if (model.session === undefined || opened === undefined) continue;
            const may = model.session.state !== 'SECOND_FACTOR' && !locked() && one.right;
            const current = one.right ? mine.secret : new Secret('not the password at all');
            t.is(
              await result(changePassword(site, limits, act(), id, { current, wanted: next.secret })),
              may,
            );
            if (may) {
              [mine, next] = [next, mine];
              model.mustChange = false;
              if (model.session.state === 'ACTIVE')
                model.session.idleEnds = clock.at + limits.idleMinutes * 60_000;
              else begin('ACTIVE');
            } else if (model.session.state !== 'SECOND_FACTOR' && !locked()) fail();
          } else if (former !== undefined && former !== opened?.token.reveal() && opened !== undefined) {
            const seen = await resolveCaller(site, limits, { bearer: former, method: 'GET', address: '' });
            // A token from before a rise is nothing; only another whole session may still be there.
            t.not(seen?.credentialId, opened.session.id);
          }
          const bearer = opened?.token.reveal();
          const caller =
            bearer === undefined
              ? undefined
              : await resolveCaller(site, limits, { bearer, method: 'GET', address: '' });
          const { session: left } = model;
          const isLive = left !== undefined && left.ends > clock.at && left.idleEnds > clock.at;
          t.is(caller?.state, isLive ? left.state : undefined, JSON.stringify(steps));
          if (isLive) left.idleEnds = clock.at + limits.idleMinutes * 60_000;
        }
      }),
      { numRuns: 12, endOnFailure: true },
    );
  } finally {
    await people.dispose();
  }
});
