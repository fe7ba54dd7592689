import { z } from 'zod';
import type { Delivery, Site } from '../../identity/first-passwords.ts';
import { allPermissions } from '../../identity/permissions.ts';
import { Secret } from '../../secret.ts';
import { vaultAddresses } from '../addresses.ts';
import type { AdminServices } from '../services.ts';

/* Forms that sessions, users and vaults share. */

export const username = z
  .string()
  .regex(/^[A-Za-z0-9._@-]{1,64}$/)
  .describe('Not case-sensitive.');
export const displayName = z.string().min(1).max(100).describe('The user’s full name.');
export const email = z.string().min(3).max(254).describe('Where mail goes, such as first passwords.');
export const permission = z.enum(allPermissions).describe('A permission.');

/** A password that is shown as it comes in; longer than any can be is refused before it costs anything. */
export const password = z
  .string()
  .min(1)
  .max(1024)
  .transform((text) => new Secret(text))
  .describe('A password.');

/** How a first password reached its user. */
export const delivery = {
  firstPassword: z
    .string()
    .optional()
    .describe('The first password, shown only once, if it was not sent by mail. Valid for seven days.'),
  mailed: z.boolean().describe('Whether the first password was sent to the user by mail.'),
  mailProblem: z.string().optional().describe('Why no mail was sent.'),
};

export function showDelivery(how: Delivery | undefined) {
  if (how === undefined || how.mailed) return { mailed: how !== undefined };
  return { firstPassword: how.password.reveal(), mailed: false, mailProblem: how.mailProblem };
}

/** The context with the addresses that stand in mails. */
export function siteOf(services: AdminServices): Site {
  const { store, tokens, now, instance, passwordCost, publicUrl } = services;
  return {
    store,
    tokens,
    now,
    instance,
    ...(passwordCost === undefined ? {} : { passwordCost }),
    signInUrl: (vaultId) => (vaultId === '' ? `${publicUrl}/` : vaultAddresses(publicUrl, vaultId).signInUrl),
  };
}
