import { Option, type Command } from 'commander';
import { applianceRoles, vaultRoles } from '../client/api-choices.ts';
import { one, type Address, type OneOf } from '../client/address.ts';
import type { Schemas } from '../client/api-types.ts';
import { changes, withApi, type Api } from '../client/api.ts';
import {
  addAct,
  addDelete,
  addList,
  addShow,
  findOne,
  idOf,
  type Collection,
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
export const users: Collection<'/users' | '/vaults/{vaultId}/users'> = {
  what: 'user',
  command: 'user',
  path: ({ here }) => here('/users'),
  columns: {
    username: ({ username }) => username,
    role: ({ role }) => role,
    state: ({ state, locked }) => (locked ? `${state}, locked` : state),
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

type UserInput = FirstPasswordInput &
  Partial<Pick<Schemas['User'], 'role' | 'email' | 'displayName' | 'signIn'>>;

type NewUser = UserInput & Pick<Schemas['User'], 'role' | 'email'>;

export function addUserCommands(program: Command): void {
  const user = program
    .command('user')
    .description('users of the vault that you are signed in to, or of the appliance');
  const create = user
    .command('create <username>')
    .description('create a user; the first password is sent to them by mail, or shown only once')
    .addOption(roleOption().makeOptionMandatory())
    .requiredOption('--email <address>', 'their email address')
    .option(...firstPasswordOption);
  describe(create).action(async (username: string, input: NewUser, command: Command) =>
    withApi(command, async (api) =>
      printWithFirstPassword(
        async () =>
          api.client.create(users.path(api), {
            ...fieldsOf(input),
            username,
            role: input.role,
            email: input.email,
          }),
        input,
        api.options,
        () => `holdfast user reset-password ${username}`,
        ({ role }) => `user ${username} is created, as ${role}`,
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
    .description('change a user; changing the role or sign-in method ends their sessions')
    .addOption(roleOption())
    .option('--email <address>', 'their email address');
  describe(edit).action(async (name: string, input: UserInput, command: Command) =>
    withApi(command, async (api) => {
      const body = changes(fieldsOf(input));
      const { id } = await findOne(api, users, name);
      const edited = await api.client.edit(one(users.path(api), id), body);
      printChanged(editedSentence(name, body, edited), edited.after, api.options);
    }),
  );
  example(edit, 'holdfast user edit grace --role auditor');
  addStates(user);
  addDelete(user, users, {
    question: ({ username }) => `Delete the user ${username}, with their sessions and API keys?`,
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
      act: async ({ client, options }, record, { username }) => {
        const { after, changed } = await client.edit(record, { state });
        const now = changed ? done : `was ${state} already, and nothing is changed`;
        printChanged(`${username} ${now}.`, after, options);
      },
    });
}

type User = Address<OneOf<'/users' | '/vaults/{vaultId}/users'>>;

/** Help for those who cannot sign in. */
function addHelp(user: Command): void {
  const act =
    (action: '/unlock' | '/totp-removal', done: string) =>
    async ({ client, options }: Api, record: User, { username }: Schemas['User']) => {
      const { after } = await client.act(record, action);
      printChanged(`${username} ${done}.`, after, options);
    };
  addAct(user, users, {
    verb: 'unlock',
    description: 'unlock a user who is locked out after wrong passwords or codes',
    act: act('/unlock', 'is unlocked'),
  });
  addAct(user, users, {
    verb: 'remove-second-factor',
    description: 'remove the second factor of a user who has lost it; their sessions end',
    act: act('/totp-removal', 'no longer has a second factor; their sessions are ended'),
  });
  example(
    user
      .command('reset-password <user>')
      .description(
        'reset the password of a user: unlocks them and ends their sessions; API keys and second factor stay',
      )
      .option(...firstPasswordOption)
      .action(async (name: string, input: FirstPasswordInput, command: Command) =>
        withApi(command, async (api) => {
          const { id } = await findOne(api, users, name);
          await printWithFirstPassword(
            async () => (await api.client.act(one(users.path(api), id), '/password-reset')).after,
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

function fieldsOf({ role, email, displayName, signIn }: UserInput) {
  return { role, email, displayName, signIn };
}

/** Of whom a list is: of oneself where neither is given. */
export interface Whose {
  user?: string;
  all?: boolean;
}

/** `what` are such as `API keys`. */
export function whose(command: Command, what: string): Command {
  return command
    .option('--user <user>', `the ${what} of this user`)
    .addOption(
      new Option('--all', `the ${what} of all users of the vault, or of the appliance`).conflicts('user'),
    );
}

/** What the list is asked with; undefined for one's own. */
export async function ownersAsked(api: Api, { user, all }: Whose): Promise<{ userId?: string } | undefined> {
  if (user === undefined) return all === true ? {} : undefined;
  const userId = await idOf(api, users, user);
  return userId === undefined ? {} : { userId };
}
