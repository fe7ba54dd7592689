import type { Command } from 'commander';
import { counted } from '../../counted.ts';
import { at } from '../client/address.ts';
import type { Schemas } from '../client/api-types.ts';
import { theOne, withApi, type Api } from '../client/api.ts';
import { example } from '../output/example.ts';
import {
  isForPrograms,
  printData,
  printDone,
  printList,
  printRecord,
  type Columns,
} from '../output/output.ts';
import { limitOption } from '../output/values.ts';
import { ownersAsked, whose, type Whose } from './user.ts';

const columns: Columns<Omit<Schemas['UserSession'], 'user'>> = {
  // They have no other name.
  id: { of: ({ id }) => id, wide: false },
  current: ({ current }) => current,
  'last seen': ({ lastSeenAt }) => lastSeenAt,
  address: ({ address }) => address,
  program: { of: ({ userAgent }) => userAgent, freeText: true },
  state: ({ state }) => state,
  method: ({ method }) => method,
  expires: ({ expiresAt }) => expiresAt,
};

export function addSessionCommands(program: Command): void {
  const session = program
    .command('session')
    .description('sessions, wherever they were started: yours, and those of users you look after');
  example(
    whose(
      session
        .command('list')
        .description('list your sessions, or those of others: from where, by which program, when last seen'),
      'sessions',
    )
      .addOption(limitOption())
      .action(async ({ limit, ...of }: Whose & { limit?: number }, command: Command) =>
        withApi(command, async (api) => {
          const { client, here, options } = api;
          const asked = await ownersAsked(api, of);
          if (asked === undefined)
            return printList(await client.list(at('/user/sessions'), undefined, limit), columns, options);
          const found = await client.list(here('/sessions'), asked, limit);
          const { id, ...others } = columns;
          const user = ({ user: { username } }: Schemas['UserSession']) => username;
          printList(found, { ...(id === undefined ? {} : { id }), user, ...others }, options);
        }),
      ),
    'holdfast session list',
    'holdfast session list --user grace',
  );
  example(
    session
      .command('end <session-id>')
      .description('end a session, at once')
      .option('--user <user>', 'it is a session of this user, whom you look after')
      .action(async (id: string, { user }: Pick<Whose, 'user'>, command: Command) =>
        withApi(command, async (api) => {
          const parameters = { sessionId: id };
          if (user === undefined)
            await api.client.send('DELETE', at('/user/sessions/{sessionId}', parameters));
          else await endOf(api, user, parameters);
          printDone('the session is ended', { id, ended: true }, api.options);
        }),
      ),
    'holdfast session end 9c8a2a52-4d0c-4a8e-8f49-0f6f0d2f8f5e',
    'holdfast session end 9c8a2a52-4d0c-4a8e-8f49-0f6f0d2f8f5e --user grace',
  );
  example(
    session
      .command('rules')
      .description('show the rules for passwords, sessions and API keys that are in force')
      .action(async (_: unknown, command: Command) =>
        withApi(command, async ({ client, options }) => {
          const rules = await client.get(at('/sign-in-rules'));
          if (isForPrograms(options)) printData(rules, options);
          else printRecord(inWords(rules), options);
        }),
      ),
    'holdfast session rules',
  );
}

/** Not of anybody else, by a slip. */
async function endOf(api: Api, user: string, parameters: { sessionId: string }): Promise<void> {
  const found = await api.client.list(api.here('/sessions'), await ownersAsked(api, { user }));
  const same = found.filter(({ id }) => id === parameters.sessionId);
  theOne(same, { what: `session of ${user}`, listedBy: `holdfast session list --user ${user}` });
  await api.client.send('DELETE', api.here('/sessions/{sessionId}', parameters));
}

function inWords({ passwords, lockout, sessions, apiKeys }: Schemas['SignInRules']): Record<string, string> {
  return {
    passwords: `${passwords.minLength} to ${passwords.maxLength} characters`,
    firstPasswords: `can be used for ${counted(passwords.firstPasswordDays, 'day')}`,
    lockout: `after ${lockout.afterFailures} wrong passwords or codes in a row, for ${lockout.minutes.join(', ')} min; after ${lockout.untilUnlockedAfter} until an administrator unlocks it`,
    sessions: `end after ${counted(sessions.idleMinutes, 'minute')} without a request, or ${sessions.maxMinutes} in all; ${sessions.perUser} for each user`,
    unfinishedSignIns: `end after ${counted(sessions.unfinishedMinutes, 'minute')}`,
    apiKeys: `expire after ${counted(apiKeys.maxDays, 'day')} at the latest; ${apiKeys.perUser} live ones for each user`,
  };
}
