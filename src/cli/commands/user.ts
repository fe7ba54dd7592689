import { Option, type Command } from 'commander';
import { applianceRoles, vaultRoles } from '../client/api-choices.ts';
import { changes, given, withApi, type Api } from '../client/api.ts';
import {
  addAct,
  addDelete,
  addList,
  addShow,
  findOne,
  type Collection,
  type Found,
} from '../records/collection.ts';
import { example } from '../output/example.ts';
import { editedSentence } from '../records/changed.ts';
import {
  firstPasswordOption,
  printWithFirstPassword,
  type FirstPasswordInput,
} from '../records/first-password.ts';
import { printChanged } from '../output/output.ts';

/** Users of the vault that is signed in to, or of the appliance. */
export const users: Collection = {
  what: 'user',
  command: 'user',
  path: ({ here }) => here('/users'),
  columns: {
    username: ({ username }) => username,
    role: ({ role }) => role,
    state: ({ state, locked }) => (locked === true ? `${String(state)}, locked` : state),
    name: ({ displayName }) => displayName,
    email: { of: ({ email }) => email, rank: 7 },
    'second factor': { of: ({ secondFactor }) => secondFactor, rank: 6 },
    'last sign-in': { of: ({ lastSignInAt }) => lastSignInAt, rank: 5 },
    id: ({ id }) => id,
  },
  by: 'username',
  anyCase: true,
  filter: 'username',
  sample: 'grace',
};

interface UserInput extends FirstPasswordInput {
  role?: string;
  email?: string;
  displayName?: string;
  signIn?: string;
}

export function addUserCommands(program: Command): void {
  const user = program
    .command('user')
    .description('people: of the vault that is signed in to, or of the appliance');
  const create = user
    .command('create <username>')
    .description('make a user; the first password goes to them by mail, or is shown this once')
    .addOption(roleOption().makeOptionMandatory())
    .requiredOption('--email <address>', 'where mail to them goes')
    .option(...firstPasswordOption);
  describe(create).action(async (username: string, input: UserInput, command: Command) =>
    withApi(command, async (api) =>
      printWithFirstPassword(
        async () => api.client.create(users.path(api), given({ username, ...fieldsOf(input) })),
        input,
        api.options,
        () => `holdfast user reset-password ${username}`,
        ({ role }) => `user ${username} is created, as ${String(role)}`,
      ),
    ),
  );
  example(
    create,
    'holdfast user create grace --role cloud-admin --email grace@example.com --display-name "Grace Hopper"',
  );
  addList(user, users);
  addShow(user, users);
  const edit = user
    .command('edit <user>')
    .description('change a user; with another role or way to sign in their sessions end')
    .addOption(roleOption())
    .option('--email <address>', 'where mail to them goes');
  describe(edit).action(async (name: string, input: UserInput, command: Command) =>
    withApi(command, async (api) => {
      const body = changes(fieldsOf(input));
      const { id } = await findOne(api, users, name);
      const { after, changed } = await api.client.edit(`${users.path(api)}/${id}`, body);
      printChanged(editedSentence(name, body, { after, changed }), after, api.options);
    }),
  );
  example(edit, 'holdfast user edit grace --role auditor');
  addStates(user);
  addDelete(user, users, {
    question: ({ username }) => `Delete the user ${String(username)}, with their sessions and API keys?`,
  });
  addHelp(user);
}

function addStates(user: Command): void {
  for (const [verb, state, description, done] of [
    [
      ...(['disable', 'DISABLED'] as const),
      'disable a user at once: their sessions end, and their API keys are revoked for good',
      'is DISABLED: their sessions are ended, and their API keys revoked',
    ],
    [...(['enable', 'ACTIVE'] as const), 'enable a disabled user again', 'is ACTIVE again, and can sign in'],
  ] as const)
    addAct(user, users, {
      verb,
      description,
      act: async ({ client, options }, path, { username }) => {
        const { after, changed } = await client.edit(path, { state });
        const now = changed ? done : `was ${state} already, and nothing is changed`;
        printChanged(`${String(username)} ${now}.`, after, options);
      },
    });
}

/** Help for those who cannot sign in. */
function addHelp(user: Command): void {
  const act =
    (action: string, done: string) =>
    async (api: Api, path: string, { username }: Found) => {
      const answer = await api.client.change<object | undefined>(path, { method: 'POST', action });
      printChanged(`${String(username)} ${done}.`, answer ?? { done: true }, api.options);
    };
  addAct(user, users, {
    verb: 'unlock',
    description: 'let a user try again who is locked out after wrong passwords or codes',
    act: act('/unlock', 'is unlocked'),
  });
  addAct(user, users, {
    verb: 'remove-second-factor',
    description: 'remove the second factor of a user who has lost it; their sessions end',
    act: act('/totp-removal', 'has no second factor any more; their sessions are ended'),
  });
  example(
    user
      .command('reset-password <user>')
      .description(
        'give a user a new first password: unlocks them and ends their sessions; API keys and second factor stay',
      )
      .option(...firstPasswordOption)
      .action(async (name: string, input: FirstPasswordInput, command: Command) =>
        withApi(command, async (api) => {
          const { id } = await findOne(api, users, name);
          await printWithFirstPassword(
            async () =>
              api.client.change(`${users.path(api)}/${id}`, { method: 'POST', action: '/password-reset' }),
            input,
            api.options,
            () => 'repeat the command',
            () => `the password of ${name} is reset, and their sessions are ended`,
          );
        }),
      ),
    'holdfast user reset-password grace',
  );
}

function roleOption(): Option {
  return new Option('--role <role>', 'what they may do').choices([...vaultRoles, ...applianceRoles]);
}

function describe(command: Command): Command {
  return command
    .option('--display-name <name>', 'full name')
    .addOption(
      new Option('--sign-in <how>', 'with a password, with single sign-on, or either').choices([
        'password',
        'oidc',
        'both',
      ]),
    );
}

function fieldsOf({ role, email, displayName, signIn }: UserInput): Record<string, unknown> {
  return { role, email, displayName, signIn };
}
