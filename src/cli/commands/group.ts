import type { Command } from 'commander';
import { behind, one, type Address } from '../client/address.ts';
import { changes, withApi, type Api } from '../client/api.ts';
import { addAct, addDelete, addList, addShow, findOne, type Collection } from '../records/collection.ts';
import { example } from '../output/example.ts';
import { editedSentence } from '../records/changed.ts';
import { printChanged, printDone, printList } from '../output/output.ts';
import { users } from './user.ts';
import { reasonIn, reasonOption, type Reasoned } from '../output/values.ts';

export const groups: Collection<'/vaults/{vaultId}/admin-groups'> = {
  what: 'admin group',
  command: 'group',
  path: ({ inVault }) => inVault('/admin-groups'),
  columns: {
    name: ({ name }) => name,
    members: ({ members }) => members,
    description: { of: ({ description }) => description, freeText: true },
    id: ({ id }) => id,
  },
  filter: 'name',
  sample: '"Cloud Admin Group"',
};

interface GroupInput {
  name?: string;
  description?: string;
}

export function addGroupCommands(program: Command): void {
  const group = program
    .command('group')
    .description('admin groups: cloud admins see the CSP accounts and key sets of the groups they are in');
  example(
    group
      .command('create <name>')
      .description('create an admin group')
      .option('--description <text>', 'up to 300 characters')
      .action(async (name: string, { description }: GroupInput, command: Command) =>
        withApi(command, async (api) =>
          printChanged(
            `admin group ${name} is created.`,
            await api.client.create(groups.path(api), { name, description }),
            api.options,
          ),
        ),
      ),
    'holdfast group create "Payments Admins"',
  );
  addList(group, groups);
  addShow(group, groups);
  example(
    group
      .command('edit <group>')
      .description('change an admin group, by name or id')
      .option('--name <name>', 'new name')
      .option('--description <text>', 'up to 300 characters')
      .action(async (group: string, { name, description }: GroupInput, command: Command) =>
        withApi(command, async (api) => {
          const body = changes({ name, description });
          const { id } = await findOne(api, groups, group);
          const edited = await api.client.edit(one(groups.path(api), id), body);
          printChanged(editedSentence(group, body, edited), edited.after, api.options);
        }),
      ),
    'holdfast group edit "Payments Admins" --description "Keys of the payments team"',
  );
  addDelete(group, groups);
  addMembers(group);
}

function addMembers(group: Command): void {
  addAct(group, groups, {
    verb: 'members',
    description: 'list the members of an admin group',
    act: async ({ client, options }, record) =>
      printList(await client.list(behind(record, '/members')), users.columns, options),
  });
  addMembership(group, {
    verb: 'add',
    description: 'add a user to an admin group',
    done: 'is in the admin group',
    ask: async ({ client }, member) => client.send('PUT', member),
  });
  addMembership(group, {
    verb: 'remove',
    description: 'remove a user from an admin group',
    done: 'is no longer in the admin group',
    ask: async ({ client }, member, body) =>
      client.send('DELETE', member, body === undefined ? {} : { body }),
  }).addOption(reasonOption());
}

type Member = Address<'/vaults/{vaultId}/admin-groups/{groupId}/members/{userId}'>;

function addMembership(
  group: Command,
  {
    verb,
    description,
    done,
    ask,
  }: {
    verb: 'add' | 'remove';
    description: string;
    done: string;
    ask: (api: Api, member: Member, why: { reason: string } | undefined) => Promise<unknown>;
  },
): Command {
  return example(
    group
      .command(`${verb} <group> <user>`)
      .description(description)
      .action(async (groupName: string, userName: string, input: Reasoned, command: Command) =>
        withApi(command, async (api) => {
          const group = await findOne(api, groups, groupName);
          const user = await findOne(api, users, userName);
          const members = behind(one(groups.path(api), group.id), '/members');
          await ask(api, one(members, user.id), reasonIn(input));
          printDone(
            `${user.username} ${done} ${group.name}`,
            { groupId: group.id, userId: user.id, member: verb === 'add' },
            api.options,
          );
        }),
      ),
    `holdfast group ${verb} "Cloud Admin Group" grace`,
  );
}
