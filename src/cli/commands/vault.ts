import { Option, type Command } from 'commander';
import { at, one } from '../client/address.ts';
import type { Schemas } from '../client/api-types.ts';
import { changes, withApi, type Api } from '../client/api.ts';
import { addList, findOne, type Collection } from '../records/collection.ts';
import { CliError } from '../output/cli-error.ts';
import { example } from '../output/example.ts';
import { editedSentence } from '../records/changed.ts';
import {
  firstPasswordOption,
  printWithFirstPassword,
  type FirstPasswordInput,
} from '../records/first-password.ts';
import { addVaultFreezes } from './freezes.ts';
import { fields, printChanged, printDone, printRecord } from '../output/output.ts';
import { confirm } from '../client/prompt.ts';
import { collect, reasonIn, reasonOption, yesOption, type Reasoned } from '../output/values.ts';
import { counted } from '../../counted.ts';

export const vaults: Collection<'/vaults'> = {
  what: 'vault',
  command: 'vault',
  path: () => at('/vaults'),
  columns: fields('name', 'state', 'keySets', 'cloudKeys', 'tokens', 'createdAt', 'id'),
  filter: 'name',
  sample: 'emea',
};

interface ResetInput extends FirstPasswordInput {
  username?: string;
  email?: string;
  removeSecondFactor?: boolean;
}

interface VaultInput extends FirstPasswordInput {
  description?: string;
  token?: string[];
  adminUsername?: string;
  adminName?: string;
  adminEmail?: string;
}

type NewVault = VaultInput & Required<Pick<VaultInput, 'adminUsername' | 'adminName' | 'adminEmail'>>;

// oxlint-disable-next-line max-lines-per-function -- a list of commands
export function addVaultCommands(program: Command): void {
  const vault = program
    .command('vault')
    .description('tenants of the appliance, each with its own users and keys');
  example(
    vault
      .command('create <name>')
      .description('create a vault with its first administrator')
      .requiredOption('--admin-username <name>', 'username of its administrator')
      .requiredOption('--admin-name <name>', 'full name of its administrator')
      .requiredOption('--admin-email <address>', 'where the first password and notices go')
      .option('--description <text>', 'up to 300 characters')
      .addOption(tokenOption('tokens that its key sets may use; all if omitted'))
      .option(...firstPasswordOption)
      .action(async (name: string, input: NewVault, command: Command) =>
        withApi(command, async ({ client, options }) =>
          printWithFirstPassword(
            async () =>
              client.create(at('/vaults'), {
                name,
                description: input.description,
                tokens: input.token,
                administrator: {
                  username: input.adminUsername,
                  name: input.adminName,
                  email: input.adminEmail,
                },
              }),
            input,
            options,
            () => `holdfast vault reset-administrator ${name}`,
            ({ signInUrl }) => `vault ${name} is created; its people sign in at ${signInUrl}`,
          ),
        ),
      ),
    'holdfast vault create emea --admin-username ada --admin-name "Ada Lovelace" --admin-email ada@example.com',
  );
  addList(vault, vaults);
  addShowVault(vault);
  addEdit(vault);
  addDeleteVault(vault);
  addVaultFreezes(vault, vaults);
  example(
    vault
      .command('reset-administrator <vault>')
      .description('reset the password of a vault administrator; recorded in the trail of the vault')
      .option('--username <name>', 'which one; the longest-standing administrator if omitted')
      .option('--email <address>', 'with --username: create the first administrator of a vault that has none')
      .option('--remove-second-factor', 'also remove their second factor')
      .option(...firstPasswordOption)
      .action(async (name: string, input: ResetInput, command: Command) =>
        withApi(command, async (api) => {
          const { id } = await findOne(api, vaults, name);
          const { username, email, removeSecondFactor } = input;
          await printWithFirstPassword(
            async () =>
              api.client.post(at('/vaults/{vaultId}/administrator-password', { vaultId: id }), {
                username,
                email,
                removeSecondFactor,
              }),
            input,
            api.options,
            () => 'repeat the command',
            ({ username }) => `the administrator ${username} of the vault ${name} has a new first password`,
          );
        }),
      ),
    'holdfast vault reset-administrator emea',
  );
}

function tokenOption(description: string): Option {
  return new Option('--token <tokens>', description).argParser(collect);
}

/** Without a name the vault that is signed in to. */
function addShowVault(vault: Command): void {
  example(
    vault
      .command('show [vault]')
      .description('show a vault, by name or id; your own if omitted')
      .action(async (name: string | undefined, _: unknown, command: Command) =>
        withApi(command, async (api) => {
          const id = name === undefined ? ownVault(api) : (await findOne(api, vaults, name)).id;
          printRecord(await api.client.get(one(at('/vaults'), id)), api.options);
        }),
      ),
    'holdfast vault show emea',
  );
}

function addEdit(vault: Command): void {
  example(
    vault
      .command('edit [vault]')
      .description('change a vault; its own administrators may change its description')
      .option('--name <name>', 'new name')
      .option('--description <text>', 'up to 300 characters')
      .addOption(tokenOption('tokens that its key sets may use: the whole list'))
      .option('--admin-name <name>', 'full name of its administrator')
      .option('--admin-email <address>', 'their email address')
      .action(async (name: string | undefined, input: VaultInput & { name?: string }, command: Command) =>
        withApi(command, async (api) => {
          const id = name === undefined ? ownVault(api) : (await findOne(api, vaults, name)).id;
          const body = changes({
            name: input.name,
            description: input.description,
            tokens: input.token,
            administrator: await administratorOf(api, id, input),
          });
          const edited = await api.client.edit(one(at('/vaults'), id), body);
          // Its administrator has a record of their own.
          const changed = edited.changed || body.administrator !== undefined;
          const { after } = edited;
          printChanged(editedSentence(`vault ${after.name}`, body, { after, changed }), after, api.options);
        }),
      ),
    'holdfast vault edit emea --description "Europe, Middle East, Africa"',
  );
}

/** The API takes the two together: what is not given is as it was. */
async function administratorOf(
  { client }: Api,
  id: string,
  { adminName, adminEmail }: VaultInput,
): Promise<Schemas['Vault']['administrator'] | undefined> {
  if (adminName === undefined && adminEmail === undefined) return undefined;
  const { administrator } = await client.get(one(at('/vaults'), id));
  return { name: adminName ?? administrator.name, email: adminEmail ?? administrator.email };
}

/** The API wants the name repeated where keys would go with it; who confirms has seen it. */
function addDeleteVault(vault: Command): void {
  example(
    vault
      .command('delete <vault>')
      .description('delete a vault; its CloudKeys, none of which may be AVAILABLE, are destroyed too')
      .addOption(reasonOption())
      .addOption(yesOption())
      .action(async (name: string, input: Reasoned & { yes?: boolean }, command: Command) =>
        withApi(command, async (api) => {
          const { id } = await findOne(api, vaults, name);
          const vault = one(at('/vaults'), id);
          const found = await api.client.get(vault);
          await confirm(deletionQuestion(found), input.yes);
          await api.client.remove(vault, { confirm: found.name }, reasonIn(input));
          printDone('the vault is deleted', { id, deleted: true }, api.options);
        }),
      ),
    'holdfast vault delete emea',
  );
}

function deletionQuestion({ name, keySets, cloudKeys }: Schemas['Vault']): string {
  return `Delete the vault ${name} with its ${counted(keySets, 'key set')} and ${counted(cloudKeys, 'CloudKey')}?`;
}

function ownVault({ vaultId }: Api): string {
  if (vaultId === undefined) throw new CliError('usage', 'which vault?', 'name it: see holdfast vault list');
  return vaultId;
}
