import { Secret } from '../../secret.ts';
import { at } from './address.ts';
import type { Schemas } from './api-types.ts';
import { isProblem, type ApiClient } from './api-client.ts';
import { printable } from '../output/printable.ts';
import { readNewPassword, readSecret } from './prompt.ts';
import { note } from '../output/streams.ts';

export type Session = Schemas['Session'];

/** Answer of what signs in, or takes a sign-in further. */
type OpenedSession = Schemas['OpenedSession'];

export interface SignInFiles {
  passwordFile?: string;
  codeFile?: string;
  newPasswordFile?: string;
}

const tries = 3;

/** Does what a sign-in still asks for, until the session is good for everything. Leaves the bearer in the client. */
export async function finishSignIn(
  client: ApiClient,
  begun: OpenedSession,
  files: SignInFiles,
  password: Secret | undefined,
): Promise<Session> {
  let { session } = take(client, begun);
  if (session.state === 'SECOND_FACTOR') session = await giveSecondFactor(client, files.codeFile);
  if (session.state === 'PASSWORD_CHANGE') {
    note('The password must be changed first.');
    const current =
      password ??
      (await readSecret({ what: 'password', option: '--password-file', file: files.passwordFile }));
    session = await changePassword(client, current, files.newPasswordFile);
  }
  return session;
}

/** Asks for a code of the app or a recovery code; on a terminal a mistyped one may be given again. */
async function giveSecondFactor(client: ApiClient, file: string | undefined): Promise<Session> {
  for (let attempt = 1; ; attempt++) {
    const code = await readSecret({ what: 'code of the second factor', option: '--code-file', file });
    try {
      return take(
        client,
        await client.post(at('/session/second-factor'), { code: code.reveal().replaceAll(' ', '') }),
      ).session;
    } catch (error) {
      if (file !== undefined || attempt === tries || !isProblem(error, 'sign-in-refused', 'invalid'))
        throw error;
      note(printable(error.message));
    }
  }
}

/** Changes one's own password; on a terminal the new one is asked for twice, and again where it is not allowed. */
export async function changePassword(
  client: ApiClient,
  current: Secret,
  file: string | undefined,
): Promise<Session> {
  for (let attempt = 1; ; attempt++) {
    const next = await readNewPassword(file);
    try {
      return take(
        client,
        await client.post(at('/session/password'), {
          currentPassword: current.reveal(),
          newPassword: next.reveal(),
        }),
      ).session;
    } catch (error) {
      if (file !== undefined || attempt === tries || !isProblem(error, 'invalid')) throw error;
      note(printable([error.message, ...error.fields.map(({ detail }) => detail)].join('; ')));
    }
  }
}

function take(client: ApiClient, answer: OpenedSession): OpenedSession {
  if (answer.token !== undefined) client.bearer = new Secret(answer.token);
  return answer;
}
