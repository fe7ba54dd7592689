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
  .describe('Letter case makes no difference between two users.');
export const displayName = z.string().min(1).max(100).describe('What the user is called.');
export const email = z.string().min(3).max(254).describe('Where mail goes, such as first passwords.');
export const permission = z.enum(allPermissions).describe('One thing that somebody may do.');

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
    .describe('The first password, shown this once, where it did not go by mail. Good for seven days.'),
  mailed: z.boolean().describe('Whether the first password went to the user by mail.'),
  mailProblem: z.string().optional().describe('Why there was no mail.'),
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
