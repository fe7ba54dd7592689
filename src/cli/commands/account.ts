import type { Command } from 'commander';
import { at } from '../client/address.ts';
import { isProblem } from '../client/api-client.ts';
import { apiOptions, withApi } from '../client/api.ts';
import { CliError } from '../output/cli-error.ts';
import { named } from '../records/named.ts';
import { profileName } from '../client/connection.ts';
import { example } from '../output/example.ts';
import { isForPrograms, printDone, printRecord } from '../output/output.ts';
import { readProfile, reserveProfile, writeProfile } from '../client/profiles.ts';
import { readSecret } from '../client/prompt.ts';
import { changePassword } from '../client/sign-in.ts';
import { note } from '../output/streams.ts';

// oxlint-disable-next-line max-lines-per-function -- a list of commands
export function addAccountCommands(program: Command): void {
  example(
    program
      .command('logout')
      .description('end the session and forget it')
      .action(async (_: unknown, command: Command) => logout(command)),
    'holdfast logout',
  );
  example(
    program
      .command('whoami')
      .description('show who is signed in, where, and what they may do')
      .action(async (_: unknown, command: Command) =>
        withApi(command, async ({ client, options }) => {
          // A program with an API key has no session.
          const session = await client.get(at('/session')).catch((error: unknown) => {
            if (isProblem(error, 'forbidden')) return undefined;
            throw error;
          });
          if (session === undefined) {
            printRecord(await client.get(at('/user')), options);
            return;
          }
          if (isForPrograms(options)) {
            printRecord(session, options);
            return;
          }
          const { user, ...rest } = session;
          const record = { ...user, session: rest.id, state: rest.state, expiresAt: rest.expiresAt };
          const [shown = record] = await named(
            { client, options },
            [record],
            [{ field: 'vaultId', list: at('/vaults') }],
          );
          printRecord(shown, options);
        }),
      ),
    'holdfast whoami',
  );
  example(
    program
      .command('password')
      .description('change your own password; your other sessions end')
      .option(
        '--password-file <file>',
        'a file of mode 0600 with the current password, or - for standard input',
      )
      .option('--new-password-file <file>', 'the same, with the new one')
      .action(async (input: { passwordFile?: string; newPasswordFile?: string }, command: Command) =>
        withApi(command, async ({ client, options }) => {
          const current = await readSecret({
            what: 'password',
            option: '--password-file',
            file: input.passwordFile,
          });
          const name = profileName(options);
          const profile = readProfile(name);
          const place = profile === undefined ? undefined : reserveProfile(name);
          try {
            const before = profile?.token;
            const session = await changePassword(client, current, input.newPasswordFile);
            // A change of password may give the session another token.
            const token = client.bearer?.reveal() ?? null;
            if (profile !== undefined && token !== null && token !== before)
              place?.write({ ...profile, token, expiresAt: session.expiresAt });
            printDone('the password is changed', session, options);
          } finally {
            place?.close();
          }
        }),
      ),
    'holdfast password',
  );
}

/** What was signed in to is kept for the next sign-in; the token is not, whether the node can be reached or not. */
async function logout(command: Command): Promise<void> {
  const options = apiOptions(command);
  const name = profileName(options);
  const profile = readProfile(name);
  if (profile?.token === null || profile === undefined)
    throw new CliError('refused', `not signed in${name === 'default' ? '' : ` as profile ${name}`}`);
  try {
    await withApi(command, async ({ client }) => client.send('DELETE', at('/session')));
  } catch (error) {
    // Ended already is ended.
    if (!isProblem(error, 'unauthenticated')) {
      if (error instanceof CliError)
        note('holdfast: the session is forgotten here, but not known to be ended at the node:');
      throw error;
    }
  } finally {
    writeProfile(name, { ...profile, token: null, expiresAt: null });
  }
  printDone('signed out', { signedOut: true }, options);
}
