import { Option, type Command } from 'commander';
import { one } from '../client/address.ts';
import type { Schemas } from '../client/api-types.ts';
import { changes, withApi, type Api } from '../client/api.ts';
import { addDelete, addList, addShow, findOne, idOrNone, type Collection } from '../records/collection.ts';
import { cspAccounts } from './cloud/csp-account.ts';
import { example } from '../output/example.ts';
import { editedSentence } from '../records/changed.ts';
import { addKeySetFreezes } from './freezes.ts';
import { groups } from './group.ts';
import { printChanged } from '../output/output.ts';
import { note } from '../output/streams.ts';
import { parseDaysOrNever, parseQuota, yesNo, type OrNull, type Quota } from '../output/values.ts';

export const keySets: Collection<'/vaults/{vaultId}/key-sets'> = {
  what: 'key set',
  command: 'key-set',
  path: ({ inVault }) => inVault('/key-sets'),
  columns: {
    name: ({ name }) => name,
    state: ({ state }) => state,
    token: ({ token }) => token,
    CloudKeys: ({ cloudKeys }) => cloudKeys,
    'key stores': { of: ({ externalKeyStores }) => externalKeyStores, wide: true },
    'live credentials': { of: ({ liveCredentials }) => liveCredentials, wide: true },
    'for AWS KMS': ({ externalKeyStore }) => externalKeyStore,
    XksProxyUriPath: ({ xksProxyUriPath }) => xksProxyUriPath,
    description: { of: ({ description }) => description, wide: true },
    'CSP account': { of: ({ cspAccount, cspAccountId }) => cspAccount ?? cspAccountId, wide: true },
    'admin group': { of: ({ adminGroup, adminGroupId }) => adminGroup ?? adminGroupId, wide: true },
    id: ({ id }) => id,
  },
  references: ({ inVault }) => [
    { field: 'adminGroupId', list: inVault('/admin-groups') },
    { field: 'cspAccountId', list: inVault('/csp-accounts') },
  ],
  filter: 'name',
  sample: 'payments',
};

interface KeySetInput {
  name?: string;
  description?: string;
  group?: string;
  cspAccount?: string;
  token?: string;
  externalKeyStore?: boolean;
  pathPrefix?: string;
  rotation?: OrNull<number>;
  quota?: OrNull<Quota>;
}

export function addKeySetCommands(program: Command): void {
  const keySet = program
    .command('key-set')
    .description('CloudKeys that share a token, an owner and an external key store of AWS KMS');
  const create = keySet
    .command('create <name>')
    .description('create a key set')
    .requiredOption('--token <token>', 'name of the token that keeps its keys: see holdfast vault show');
  describe(create).action(async (name: string, input: KeySetInput & { token: string }, command: Command) =>
    withApi(command, async (api) =>
      tellKeySet(
        api,
        await api.client.create(keySets.path(api), {
          ...(await fieldsOf(api, input)),
          token: input.token,
          name,
        }),
      ),
    ),
  );
  example(
    create,
    'holdfast key-set create payments --token primary --path-prefix payments-7f3c9a --external-key-store yes',
  );
  addList(keySet, keySets);
  addShow(keySet, keySets);
  const edit = keySet
    .command('edit <key-set>')
    .description(
      'change a key set, by name or id; token and path prefix only while it has no keys or credentials',
    )
    .option('--name <name>', 'new name')
    .option('--token <token>', 'another token');
  describe(edit).action(async (name: string, input: KeySetInput, command: Command) =>
    withApi(command, async (api) => {
      const body = changes(await fieldsOf(api, input));
      const { id } = await findOne(api, keySets, name);
      const edited = await api.client.edit(one(keySets.path(api), id), body);
      printChanged(editedSentence(name, body, edited), edited.after, api.options);
    }),
  );
  example(edit, 'holdfast key-set edit payments --rotation 90d');
  addKeySetFreezes(keySet, keySets);
  addDelete(keySet, keySets, { question: ({ name }) => `Delete the key set ${name}?` });
}

function tellKeySet({ options }: Api, made: Schemas['KeySet']): void {
  const { name, token, xksProxyUriPath, externalKeyStore, warnings = [] } = made;
  const path = !externalKeyStore
    ? 'AWS KMS may not use it'
    : `AWS reaches its keys at the URI path ${xksProxyUriPath}`;
  printChanged(`key set ${name} is created; its keys are in the token ${token}, and ${path}.`, made, options);
  for (const { message, remediation } of warnings) {
    note(`warning: ${message}`);
    note(`hint: ${remediation}`);
  }
}

function describe(command: Command): Command {
  return command
    .option('--description <text>', 'up to 300 characters')
    .option('--group <group>', 'admin group that it belongs to, by name or id; none to take it away')
    .option('--csp-account <csp-account>', 'CSP account that it is for, by name or id; none to take it away')
    .addOption(
      new Option(
        '--external-key-store <yes|no>',
        'whether AWS KMS may use it; if not, its credentials are refused',
      ).argParser(yesNo),
    )
    .option('--path-prefix <prefix>', 'path prefix of its XKS URIs, preferably one that cannot be guessed')
    .addOption(
      new Option(
        '--rotation <schedule>',
        'rotation schedule of keys that inherit it: never, or days such as 90d',
      ).argParser(parseDaysOrNever),
    )
    .addOption(
      new Option(
        '--quota <rate>',
        'XKS requests per second, such as 500, or 500/1000 with a burst; none for no quota',
      ).argParser(parseQuota),
    );
}

async function fieldsOf(api: Api, input: KeySetInput) {
  return {
    name: input.name,
    description: input.description,
    adminGroupId: await idOrNone(api, groups, input.group),
    cspAccountId: await idOrNone(api, cspAccounts, input.cspAccount),
    token: input.token,
    externalKeyStore: input.externalKeyStore,
    pathPrefix: input.pathPrefix,
    rotation: input.rotation === undefined ? undefined : { days: input.rotation.to },
    quota: input.quota?.to,
  };
}
