import { z } from 'zod';
import { maxApiKeyDays, maxApiKeys } from '../../identity/api-keys.ts';
import { freeFailures, lockMinutes, maxFailures } from '../../identity/lockout.ts';
import { firstPasswordDays, passwordLength } from '../../identity/password-policy.ts';
import { maxSessions, unfinishedMinutes } from '../../identity/sessions.ts';
import { route, type Route } from '../route.ts';

const shownRules = z
  .strictObject({
    passwords: z.strictObject({
      minLength: z.int(),
      maxLength: z.int(),
      firstPasswordDays: z.int().describe('For so long a first password can be used.'),
    }),
    lockout: z.strictObject({
      afterFailures: z.int().describe('So many wrong passwords or codes in a row lock the account.'),
      minutes: z.array(z.int()).describe('For how long: the first time, the second …; then as the last.'),
      untilUnlockedAfter: z.int().describe('After so many it is locked until an administrator unlocks it.'),
    }),
    sessions: z.strictObject({
      idleMinutes: z
        .int()
        .describe('After so many minutes without a request it ends: admin.session_idle_minutes.'),
      maxMinutes: z.int().describe('However busy, it ends after so many: admin.session_minutes.'),
      unfinishedMinutes: z.int().describe('For so long a second factor or a new password is waited for.'),
      perUser: z.int().describe('One more ends the oldest.'),
    }),
    apiKeys: z.strictObject({
      maxDays: z.int().describe('It expires after so many days at the latest.'),
      perUser: z.int().describe('Live ones.'),
    }),
  })
  .meta({ id: 'SignInRules' });

export const signInRuleRoutes: readonly Route[] = [
  route({
    operation: 'getSignInRules',
    method: 'GET',
    path: '/sign-in-rules',
    tag: 'Sessions',
    summary: 'Show the rules for passwords, sessions and API keys',
    description: 'The same for the appliance and all of its vaults.',
    access: { kind: 'own' },
    answer: shownRules,
    handle: async ({ services: { sessions } }) => ({
      body: {
        passwords: { minLength: passwordLength.min, maxLength: passwordLength.max, firstPasswordDays },
        lockout: {
          afterFailures: freeFailures + 1,
          minutes: [...lockMinutes],
          untilUnlockedAfter: maxFailures,
        },
        sessions: {
          idleMinutes: sessions.idleMinutes,
          maxMinutes: sessions.maxMinutes,
          unfinishedMinutes: Math.min(unfinishedMinutes, sessions.maxMinutes),
          perUser: maxSessions,
        },
        apiKeys: { maxDays: maxApiKeyDays, perUser: maxApiKeys },
      },
    }),
  }),
];
