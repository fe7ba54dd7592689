import type { Secret } from '../secret.ts';
import type { VaultContext } from '../vault/context.ts';
import { MailError, sendMail } from './mail.ts';
import { firstPasswordMail, resetMail } from './mail-texts.ts';
import type { UserRow } from './sessions.ts';
import { vaultNameOf } from './vault-of.ts';

/** A context that people reach at an address. */
export interface Site extends VaultContext {
  /** Where the users of a vault sign in, or with '' those of the appliance. */
  signInUrl: (vaultId: string) => string;
}

/** How a password reached its user: by mail, or to be handed over by whoever asked for it, shown this once. */
export type Delivery = { mailed: true } | { mailed: false; password: Secret; mailProblem: string };

/** Never throws for the mail's sake: the user is made, and their password must not be lost. */
export async function deliverPassword(
  site: Site,
  user: UserRow,
  password: Secret,
  kind: 'first' | 'reset',
): Promise<Delivery> {
  const write = kind === 'first' ? firstPasswordMail : resetMail;
  try {
    await sendMail(
      site,
      user.email,
      write({
        displayName: user.display_name,
        username: user.username,
        vaultName: await vaultNameOf(site, user.vault_id),
        signInUrl: site.signInUrl(user.vault_id),
        password,
      }),
    );
    return { mailed: true };
  } catch (error) {
    const mailProblem = error instanceof MailError ? error.message : 'the mail could not be sent';
    return { mailed: false, password, mailProblem };
  }
}
