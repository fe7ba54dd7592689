import { z } from 'zod';
import { confirmTotp, enrolTotp, newRecoveryCodes, removeOwnTotp } from '../../identity/second-factor.ts';
import type { Secret } from '../../secret.ts';
import { password } from './people-forms.ts';
import { route, type Route } from '../route.ts';
import { ownOf } from './sessions.ts';

const tag = 'Second factor';
const access = { kind: 'own', sessionsOnly: true } as const;
const code = z
  .string()
  .min(6)
  .max(40)
  .describe('Six digits, or a recovery code where a sign-in would accept one.');

const shownCodes = z
  .strictObject({
    recoveryCodes: z
      .array(z.string())
      .length(10)
      .describe('Shown only once. Each works once, in place of a code from the app.'),
  })
  .meta({ id: 'RecoveryCodes' });

export const secondFactorRoutes: readonly Route[] = [
  route({
    operation: 'enrolTotp',
    method: 'POST',
    path: '/user/totp',
    tag,
    summary: 'Start setting up a second factor',
    description: 'It takes effect with confirmTotp. Starting again generates a new secret.',
    access,
    body: z.strictObject({ password }),
    answer: z
      .strictObject({
        secret: z.string().describe('Base32, to be typed into the app. Shown only once.'),
        otpauthUri: z.string().describe('The same as a URI, for a QR code.'),
      })
      .meta({ id: 'TotpEnrolment' }),
    problems: ['token-unavailable'],
    handle: async (call) => {
      const { services, act, body } = call;
      const { secret, otpauthUri } = await enrolTotp(services, act, ownOf(call), body.password);
      return { body: { secret: secret.reveal(), otpauthUri: otpauthUri.reveal() } };
    },
  }),
  route({
    operation: 'confirmTotp',
    method: 'POST',
    path: '/user/totp/confirmation',
    tag,
    summary: 'Turn the second factor on',
    description: 'Takes a code that proves that the app has the secret. All other sessions of the user end.',
    access,
    body: z.strictObject({ code }),
    answer: shownCodes,
    problems: ['token-unavailable'],
    handle: async (call) =>
      showCodes(await confirmTotp(call.services, call.act, ownOf(call), call.body.code)),
  }),
  route({
    operation: 'removeTotp',
    method: 'DELETE',
    path: '/user/totp',
    tag,
    summary: 'Remove your own second factor',
    access,
    body: z.strictObject({ password, code }),
    problems: ['token-unavailable'],
    handle: async (call) => {
      await removeOwnTotp(call.services, call.act, ownOf(call), call.body);
      return { status: 204 };
    },
  }),
  route({
    operation: 'newRecoveryCodes',
    method: 'POST',
    path: '/user/totp/recovery-codes',
    tag,
    summary: 'Generate new recovery codes',
    description: 'The old ones no longer work.',
    access,
    body: z.strictObject({ password, code }),
    answer: shownCodes,
    problems: ['token-unavailable'],
    handle: async (call) =>
      showCodes(await newRecoveryCodes(call.services, call.act, ownOf(call), call.body)),
  }),
];

function showCodes(codes: readonly Secret[]) {
  return { body: { recoveryCodes: codes.map((one) => one.reveal()) } };
}
