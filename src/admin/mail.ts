import { z } from 'zod';
import { recordAlone } from '../evidence/trail.ts';
import { MailError, sendMail } from '../identity/mail.ts';
import {
  deleteMailSettings,
  putMailSettings,
  readMailSettings,
  type StoredMailSettings,
} from '../identity/mail-settings.ts';
import { checkReach } from '../identity/reach.ts';
import { testMail } from '../identity/mail-texts.ts';
import { parseEmail } from '../identity/user-forms.ts';
import { VaultError } from '../vault/vault-error.ts';
import { time } from './keys/key-forms.ts';
import { email, password } from './people/people-forms.ts';
import { Problem } from './problem.ts';
import { callerOf, route, type Route } from './route.ts';

const tag = 'Mail';
const read = { kind: 'permission', appliance: 'appliance.read' } as const;
const write = { kind: 'permission', appliance: 'appliance.write' } as const;

const fields = {
  host: z.string().min(1).max(253).describe('DNS name or IP address of the mail server.'),
  port: z.int().min(1).max(65_535).describe('Usually 587 for `starttls`, 465 for `tls`.'),
  security: z
    .enum(['tls', 'starttls', 'none'])
    .describe('TLS from the start, STARTTLS, or none, which is allowed only to this machine itself.'),
  username: z.string().min(1).max(254).nullable().describe('Null for a server without authentication.'),
  from: email.describe('Sender of the messages.'),
  caCertificates: z
    .string()
    .max(100_000)
    .nullable()
    .describe('CAs that the server’s certificate must chain to, in PEM form; null for those of the system.'),
};

const shownMail = z
  .strictObject({
    ...fields,
    hasPassword: z.boolean().describe('Whether there is a password; it is never shown.'),
    updatedAt: time,
  })
  .meta({ id: 'MailSettings' });

export const mailRoutes: readonly Route[] = [
  route({
    operation: 'getMail',
    method: 'GET',
    path: '/mail',
    tag,
    summary: 'Show the mail settings',
    access: read,
    answer: shownMail,
    problems: ['not-found'],
    handle: async ({ services }) => {
      const stored = await readMailSettings(services);
      if (stored === undefined) throw new VaultError('not-found', 'no mail server is set up');
      return shown(stored);
    },
  }),
  route({
    operation: 'putMail',
    method: 'PUT',
    path: '/mail',
    tag,
    summary: 'Set up mail',
    description:
      'Send `If-Match: *` the first time. If the password is omitted, the stored one is kept, provided that ' +
      'host, port, security, username and CA certificates stay the same.',
    access: write,
    body: z.strictObject({
      ...fields,
      username: fields.username.default(null),
      password: password.optional(),
      caCertificates: fields.caCertificates.default(null),
    }),
    answer: shownMail,
    changes: true,
    problems: ['token-unavailable'],
    handle: async (call) => {
      const { services, act, body, expected } = call;
      // First passwords of everyone go this way.
      checkReach(callerOf(call), 'appliance-admin');
      return shown(await putMailSettings(services, act, body, expected));
    },
  }),
  route({
    operation: 'deleteMail',
    method: 'DELETE',
    path: '/mail',
    tag,
    summary: 'Turn mail off',
    access: write,
    changes: true,
    problems: ['not-found'],
    handle: async (call) => {
      const { services, act, expected } = call;
      checkReach(callerOf(call), 'appliance-admin');
      await deleteMailSettings(services, act, expected);
      return { status: 204 };
    },
  }),
  route({
    operation: 'testMail',
    method: 'POST',
    path: '/mail/test',
    tag,
    summary: 'Send a test mail',
    access: write,
    body: z.strictObject({ to: email }),
    problems: ['conflict'],
    handle: async ({ services, act, body }) => {
      const to = parseEmail(body.to);
      const problem = await tryMail(async () => sendMail(services, to, testMail(services.publicUrl)));
      await recordAlone(services.store, act, {
        action: 'mail.test',
        vaultId: '',
        outcome: problem === undefined ? 'done' : 'refused',
        target: { kind: 'mail', id: 'mail', name: 'mail' },
        after: { to, ...(problem === undefined ? {} : { problem: problem.message }) },
      });
      if (problem !== undefined)
        throw new Problem('conflict', told(problem), {
          remediation: 'look at the mail settings, then test again',
          cause: problem,
        });
      return { status: 204 };
    },
  }),
];

/** For an appliance administrator, who alone sets the server up, in its own words too. */
function told({ message, said }: MailError): string {
  return said === undefined ? message : `${message}; it said: ${said}`;
}

async function tryMail(send: () => Promise<void>): Promise<MailError | undefined> {
  try {
    await send();
    return undefined;
  } catch (error) {
    if (error instanceof MailError) return error;
    throw error;
  }
}

function shown({ settings, sealed, rowVersion, updatedAt }: StoredMailSettings) {
  return { body: { ...settings, hasPassword: sealed !== undefined, updatedAt }, rowVersion };
}
