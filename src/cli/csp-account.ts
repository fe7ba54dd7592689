import type { Command } from 'commander';
import { changes, given, withApi, type Api } from './api.ts';
import { addDelete, addList, addShow, findOne, idOf, type Collection } from './collection.ts';
import { example } from './example.ts';
import { groups } from './group.ts';
import { fields, printRecord } from './output.ts';

export const cspAccounts: Collection = {
  what: 'CSP account',
  command: 'csp-account',
  path: ({ inVault }) => inVault('/csp-accounts'),
  columns: fields('id', 'name', 'type', 'awsAccountId', 'defaultRegion', 'description'),
  filter: 'name',
  sample: 'aws-payments',
};

interface CspAccountWish {
  name?: string;
  group?: string;
  description?: string;
  awsAccount?: string;
  region?: string;
}

export function addCspAccountCommands(program: Command): void {
  const account = program
    .command('csp-account')
    .description('accounts of the cloud service provider, AWS, that keys are for');
  const create = account
    .command('create <name>')
    .description('make a CSP account')
    .requiredOption('--group <group>', 'admin group that it belongs to, by name or id');
  describe(create).action(async (name: string, wish: CspAccountWish, command: Command) =>
    withApi(command, async (api) =>
      printRecord(
        await api.client.create(cspAccounts.path(api), given({ ...(await fieldsOf(api, wish)), name })),
        api.options,
      ),
    ),
  );
  example(
    create,
    'holdfast csp-account create aws-payments --group "Cloud Admin Group" --aws-account 111122223333 --region eu-central-1',
  );
  addList(account, cspAccounts);
  addShow(account, cspAccounts);
  const edit = account
    .command('edit <csp-account>')
    .description('change a CSP account, by name or id')
    .option('--name <name>', 'another name')
    .option('--group <group>', 'admin group that it belongs to, by name or id');
  describe(edit).action(async (name: string, wish: CspAccountWish, command: Command) =>
    withApi(command, async (api) => {
      const body = changes(await fieldsOf(api, wish));
      const { id } = await findOne(api, cspAccounts, name);
      printRecord(await api.client.change(`${cspAccounts.path(api)}/${id}`, { body }), api.options);
    }),
  );
  example(edit, 'holdfast csp-account edit aws-payments --region eu-west-1');
  addDelete(account, cspAccounts);
}

function describe(command: Command): Command {
  return command
    .option('--description <text>', 'up to 300 characters')
    .option('--aws-account <id>', 'AWS account id, 12 digits')
    .option('--region <region>', 'default AWS Region');
}

async function fieldsOf(
  api: Api,
  { name, group, description, awsAccount, region }: CspAccountWish,
): Promise<Record<string, unknown>> {
  return {
    name,
    description,
    adminGroupId: await idOf(api, groups, group),
    awsAccountId: awsAccount,
    defaultRegion: region,
  };
}
