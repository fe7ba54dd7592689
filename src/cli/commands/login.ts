import type { Command } from 'commander';
import { at } from '../client/address.ts';
import { ApiClient, isProblem } from '../client/api-client.ts';
import { timeoutOf, type ApiOptions } from '../client/api.ts';
import { Transport } from '../client/api-transport.ts';
import { findSignIn, profileName } from '../client/connection.ts';
import { example } from '../output/example.ts';
import { signInWithBrowser } from '../client/oidc-sign-in.ts';
import { printDone } from '../output/output.ts';
import { timeText } from '../output/said.ts';
import { reserveProfile } from '../client/profiles.ts';
import { askLine, readSecret } from '../client/prompt.ts';
import { note } from '../output/streams.ts';
import { finishSignIn, type Session, type SignInFiles } from '../client/sign-in.ts';

interface LoginInput extends ApiOptions, SignInFiles {
  username?: string;
  oidc?: boolean;
  browser: boolean;
  appliance?: boolean;
}

export function addLoginCommand(program: Command): void {
  example(
    program
      .command('login')
      .description('sign in; the session is kept for later commands of this user on this machine')
      .option('--username <name>', 'username; the same as last time if omitted, or prompted for')
      .option('--appliance', 'sign in to the appliance, even if you last signed in to a vault')
      .option('--password-file <file>', 'a file of mode 0600 with the password, or - for standard input')
      .option('--code-file <file>', 'the same, with the code of the second factor')
      .option('--new-password-file <file>', 'the same, with a new password, where it must be changed')
      .option('--oidc', 'sign in with the single sign-on of the vault (or of the appliance), in a browser')
      .option('--no-browser', 'with --oidc: print the URL, do not open a browser')
      .action(async (_: unknown, command: Command) => login(command.optsWithGlobals<LoginInput>())),
    'holdfast login --endpoint https://keys.example.com:9443 --username admin',
    'holdfast login --vault https://keys.example.com:9443/sign-in/4b1c5f0e-6f0c-4f7e-9a55-0d4f4a1f3c11',
  );
}

async function login(input: LoginInput): Promise<void> {
  const { origin, ca, caFile, vaultId, before } = findSignIn(input);
  const place = reserveProfile(profileName(input));
  const transport = new Transport(origin, ca);
  const client = new ApiClient(transport, undefined, timeoutOf(input));
  try {
    const session = await keptOrEnded(client, async () => {
      const begun =
        input.oidc === true
          ? await withBrowser(client, origin, vaultId, input)
          : await withPassword(client, vaultId, input, before?.username);
      place.write({
        endpoint: origin.origin,
        ca: caFile,
        vault: begun.user.vaultId ?? vaultId ?? null,
        username: begun.user.username,
        token: client.bearer?.reveal() ?? null,
        expiresAt: begun.expiresAt,
      });
      return begun;
    });
    printDone(
      `signed in to ${origin.host} as ${session.user.username} (${session.user.role}), until ${timeText(session.expiresAt)} at the latest`,
      session,
      input,
    );
  } finally {
    transport.close();
    place.close();
  }
}

/** A session that was begun and is not kept here, whatever the reason, is not left at the node. */
async function keptOrEnded(client: ApiClient, signIn: () => Promise<Session>): Promise<Session> {
  try {
    return await signIn();
  } catch (error) {
    if (client.bearer !== undefined) await end(client);
    throw error;
  }
}

async function end(client: ApiClient): Promise<void> {
  try {
    await client.send('DELETE', at('/session'));
  } catch (error) {
    // The node has ended it itself, as after too many codes.
    if (isProblem(error, 'unauthenticated', 'sign-in-refused')) return;
    note('holdfast: the session is not known to be ended at the node: it ends there automatically');
  }
}

async function withBrowser(
  client: ApiClient,
  origin: URL,
  vaultId: string | undefined,
  input: LoginInput,
): Promise<Session> {
  const start = vaultId === undefined ? at('/oidc/start') : at('/vaults/{vaultId}/oidc/start', { vaultId });
  const body = await signInWithBrowser(new URL(`/api/v1${start.path}`, origin), input.browser);
  const begun = await client.post(at('/oidc/sessions'), body);
  return finishSignIn(client, begun, input, undefined);
}

async function withPassword(
  client: ApiClient,
  vaultId: string | undefined,
  input: LoginInput,
  known: string | undefined,
): Promise<Session> {
  const username =
    input.username ?? known ?? (await askLine('Username: ', 'who signs in? Add --username NAME'));
  const password = await readSecret({
    what: 'password',
    option: '--password-file',
    file: input.passwordFile,
  });
  const sessions = vaultId === undefined ? at('/sessions') : at('/vaults/{vaultId}/sessions', { vaultId });
  const begun = await client.post(sessions, { username, password: password.reveal() });
  return finishSignIn(client, begun, input, password);
}
