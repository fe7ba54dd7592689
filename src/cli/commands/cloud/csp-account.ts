import { Option, type Command } from 'commander';
import { one } from '../../client/address.ts';
import type { Schemas } from '../../client/api-types.ts';
import { changes, withApi } from '../../client/api.ts';
import { addDelete, addList, addShow, findOne, idOf, type Collection } from '../../records/collection.ts';
import { addCspAccountActs } from './csp-account-acts.ts';
import { example } from '../../output/example.ts';
import { editedSentence } from '../../records/changed.ts';
import { groups } from '../group.ts';
import { printChanged } from '../../output/output.ts';
import { readSecret } from '../../client/prompt.ts';
import { parseDaysOrNever, yesNo, type OrNull } from '../../output/values.ts';

export const cspAccounts: Collection<'/vaults/{vaultId}/csp-accounts'> = {
  what: 'CSP account',
  command: 'csp-account',
  path: ({ inVault }) => inVault('/csp-accounts'),
  columns: {
    name: ({ name }) => name,
    'AWS account': ({ awsAccountId }) => awsAccountId,
    type: ({ type }) => type,
    Region: ({ defaultRegion }) => defaultRegion,
    description: { of: ({ description }) => description, freeText: true },
    'admin group': { of: ({ adminGroup, adminGroupId }) => adminGroup ?? adminGroupId, wide: true },
    id: ({ id }) => id,
  },
  references: ({ inVault }) => [{ field: 'adminGroupId', list: inVault('/admin-groups') }],
  filter: 'name',
  sample: 'aws-payments',
};

type CspAccount = Schemas['CspAccount'];

interface CspAccountInput {
  name?: string;
  group?: string;
  description?: string;
  awsAccount?: string;
  region?: string;
  type?: CspAccount['type'];
  partition?: CspAccount['partition'];
  fips?: boolean;
  accessKeyId?: string;
  secretAccessKeyFile?: string;
  roleArn?: string;
  accessKeyRotation?: OrNull<number>;
}

export function addCspAccountCommands(program: Command): void {
  const account = program
    .command('csp-account')
    .description('AWS accounts that keys are for, and how Holdfast signs in to them');
  const create = account
    .command('create <name>')
    .description('create a CSP account; the secret of an access key is prompted for')
    .requiredOption('--group <group>', 'admin group that it belongs to, by name or id');
  describe(create).action(
    async (name: string, input: CspAccountInput & { group: string }, command: Command) =>
      withApi(command, async (api) => {
        const { id: adminGroupId } = await findOne(api, groups, input.group);
        const fields = { ...(await fieldsOf(input)), type: typeOf(input), adminGroupId, name };
        const made = await api.client.create(cspAccounts.path(api), fields);
        printChanged(madeSentence(made), made, api.options);
      }),
  );
  example(
    create,
    'holdfast csp-account create aws-payments --group "Cloud Admin Group" --access-key-id AKIAIOSFODNN7EXAMPLE --secret-access-key-file aws.secret --region eu-central-1',
  );
  addList(account, cspAccounts);
  addShow(account, cspAccounts);
  const edit = account
    .command('edit <csp-account>')
    .description('change a CSP account, by name or id')
    .option('--name <name>', 'new name')
    .option('--group <group>', 'admin group that it belongs to, by name or id');
  describe(edit).action(async (name: string, input: CspAccountInput, command: Command) =>
    withApi(command, async (api) => {
      const adminGroupId = await idOf(api, groups, input.group);
      const body = changes({ ...(await fieldsOf(input)), adminGroupId });
      const { id } = await findOne(api, cspAccounts, name);
      const edited = await api.client.edit(one(cspAccounts.path(api), id), body);
      const { secretAccessKey: _, ...told } = body;
      printChanged(editedSentence(name, told, edited), edited.after, api.options);
    }),
  );
  example(edit, 'holdfast csp-account edit aws-payments --region eu-west-1 --access-key-rotation 90d');
  addCspAccountActs(account, cspAccounts);
  addDelete(account, cspAccounts, {
    left: ({ accessKeyId }) =>
      accessKeyId !== null
        ? `access key ${accessKeyId} lives on in IAM: delete it there if nothing else uses it`
        : undefined,
  });
}

function madeSentence({ name, type, awsAccountId }: CspAccount): string {
  const signIn =
    type === 'manual'
      ? 'Holdfast does not sign in there.'
      : `Holdfast signs in ${signInWords[type]}. To try it: holdfast csp-account check ${name}`;
  const account = awsAccountId === '' ? '' : ` for the AWS account ${awsAccountId}`;
  return `CSP account ${name} is created${account}. ${signIn}`;
}

const signInWords: Readonly<Record<Exclude<CspAccount['type'], 'manual'>, string>> = {
  'access-key': 'with an access key',
  role: 'by assuming a role',
  ambient: 'with the node’s own credentials',
};

function describe(command: Command): Command {
  return command
    .option('--description <text>', 'up to 300 characters')
    .option('--aws-account <id>', 'AWS account id, 12 digits; AWS reports it if Holdfast signs in there')
    .option('--region <region>', 'default AWS Region')
    .addOption(
      new Option(
        '--type <type>',
        'how Holdfast signs in to AWS; role with --role-arn, access-key with --access-key-id, otherwise manual',
      ).choices(['manual', 'access-key', 'role', 'ambient']),
    )
    .option(
      '--access-key-id <id>',
      'access key of an IAM user, to sign in or to assume the role with; none removes it',
    )
    .option(
      '--secret-access-key-file <file>',
      'a file of mode 0600 with its secret access key, or - for standard input; prompted for if omitted',
    )
    .option(
      '--role-arn <arn>',
      'role to assume, with the access key or, without one, with the node’s own credentials',
    )
    .addOption(
      new Option(
        '--access-key-rotation <days>',
        'rotation schedule of the access key, such as 90d; or never',
      ).argParser(parseDaysOrNever),
    )
    .addOption(
      new Option('--partition <partition>', 'AWS partition, if role and Region do not determine it').choices([
        'aws',
        'aws-cn',
        'aws-us-gov',
        'aws-eusc',
      ]),
    )
    .addOption(new Option('--fips <yes|no>', 'use AWS’s FIPS endpoints').argParser(yesNo));
}

function typeOf({ type, roleArn, accessKeyId }: CspAccountInput): CspAccount['type'] {
  if (type !== undefined) return type;
  if (roleArn !== undefined) return 'role';
  return accessKeyId === undefined ? 'manual' : 'access-key';
}

async function fieldsOf(input: CspAccountInput) {
  const { accessKeyId, accessKeyRotation } = input;
  return {
    name: input.name,
    description: input.description,
    awsAccountId: input.awsAccount,
    defaultRegion: input.region,
    type: input.type,
    partition: input.partition,
    fips: input.fips,
    roleArn: input.roleArn,
    accessKeyId: accessKeyId === 'none' ? null : accessKeyId,
    secretAccessKey:
      accessKeyId === undefined || accessKeyId === 'none'
        ? undefined
        : (
            await readSecret({
              what: 'secret access key',
              option: '--secret-access-key-file',
              file: input.secretAccessKeyFile,
            })
          ).reveal(),
    accessKeyRotation: accessKeyRotation === undefined ? undefined : { days: accessKeyRotation.to },
  };
}
