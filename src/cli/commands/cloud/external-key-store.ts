import { Option, type Command } from 'commander';
import { behind, one } from '../../client/address.ts';
import type { Schemas } from '../../client/api-types.ts';
import { changes, withApi, type Api } from '../../client/api.ts';
import { editedSentence } from '../../records/changed.ts';
import { example } from '../../output/example.ts';
import { addByHandCommands } from './external-key-store-by-hand.ts';
import {
  addAct,
  columns,
  storesIn,
  storesOf,
  tellStore,
  tellStoreChange,
  type ActInput,
  type ExternalKeyStore,
  type ReachInput,
  type StoreAddress,
} from './external-key-store-records.ts';
import { askedFor, waitForConnection, waitForDeletion, waitOption } from './external-key-store-waiting.ts';
import { cspAccounts } from './csp-account.ts';
import { named } from '../../records/named.ts';
import { isForPrograms, printDone, printList, printRecord, type Columns } from '../../output/output.ts';
import { confirm } from '../../client/prompt.ts';
import { limitOption, reasonIn, reasonOption, yesOption } from '../../output/values.ts';
import { note } from '../../output/streams.ts';

export function addExternalKeyStoreCommands(program: Command): void {
  const store = program
    .command('external-key-store')
    .alias('xks')
    .description('external key stores of AWS KMS that connect to a key set, one for each Region');
  addCreate(store);
  addList(store);
  addConnection(store);
  addEdit(store);
  addDelete(store);
  addByHandCommands(store);
}

function addCreate(store: Command): void {
  const create = store
    .command('create <key-set>')
    .description('create the external key store of a key set in a Region, in AWS too')
    .requiredOption('--region <region>', 'AWS Region, such as eu-central-1')
    .option('--by-hand', 'only create the record: a person creates it in AWS, see external-key-store console')
    .option('--connect', 'connect it once it is created')
    .addOption(waitOption());
  describe(create, 'its name in AWS; the name of the key set if omitted').action(
    async (
      keySet: string,
      input: ReachInput & { region: string; byHand?: boolean; connect?: boolean; wait?: boolean },
      command: Command,
    ) =>
      withApi(command, async (api) => {
        const { byHand, wait } = input;
        const connect = input.connect === true || wait === true;
        const list = await storesIn(api, keySet);
        const ask = async () =>
          api.client.create(list, {
            ...reachOf(input),
            region: input.region,
            make: byHand === true ? false : undefined,
            connect: connect ? true : undefined,
          });
        const find = async () => (await api.client.list(list)).find(({ region }) => region === input.region);
        const made = wait === true ? await askedFor(ask, find) : await ask();
        if (wait === true && made.origin !== 'MANUAL')
          return waitForConnection(api, { record: one(list, made.id), store: made });
        if (made.origin === 'MANUAL')
          note('a person creates it in AWS; what to enter there: holdfast external-key-store console');
        return tellStoreChange(api, made);
      }),
  );
  example(
    create,
    'holdfast external-key-store create payments --region eu-central-1 --uri-endpoint https://xks.example.com --wait',
  );
}

const findingColumns: Columns<Schemas['DoctorFinding']> = {
  level: ({ level }) => level,
  check: ({ title }) => title,
  on: ({ subject }) => subject,
  found: ({ seen }) => seen,
  'what to do': ({ remediation }) => remediation,
  why: { of: ({ why }) => why, wide: true },
  id: { of: ({ id }) => id, wide: true },
};

function addList(store: Command): void {
  example(
    store
      .command('list')
      .description('list the external key stores of a key set, or of all')
      .option('--key-set <key-set>', 'name or id of the key set')
      .addOption(limitOption())
      .action(async ({ keySet, limit }: { keySet?: string; limit?: number }, command: Command) =>
        withApi(command, async (api) => {
          printList(await storesOf(api, keySet, {}, limit), columns, api.options);
        }),
      ),
    'holdfast external-key-store list',
  );
  addAct(store, 'show', 'show an external key store as last seen in AWS', async (api, { record }) => {
    const found = await api.client.get(record);
    const [shown = found] = await named(
      api,
      [found],
      [{ field: 'cspAccountId', list: cspAccounts.path(api) }],
    );
    tellStore(api, shown);
  });
  addAct(
    store,
    'findings',
    'show what holdfast doctor found last of an external key store',
    async ({ client, options }, { record, store: { name } }) => {
      const { report } = await client.get(behind(record, '/doctor-report'));
      if (isForPrograms(options)) return printRecord({ report }, options);
      if (report === null)
        return note(`nobody has run the doctor for it: holdfast doctor --external-key-store ${name}`);
      printList(report.findings, findingColumns, options);
      note(`as ${report.by} found it on ${report.hostname} at ${report.at}`);
    },
  );
  addAct(
    store,
    'refresh',
    'refresh an external key store from AWS, and continue what is wanted',
    async (api, { record }) => tellStoreChange(api, await api.client.post(behind(record, '/refresh'))),
  );
}

function addConnection(store: Command): void {
  addAct(
    store,
    'connect',
    'connect an external key store; one that FAILED is disconnected first. AWS takes about five minutes',
    async (api, { record, store: before }, { wait }) => {
      if (before.state === 'FAILED')
        note('it is FAILED: AWS requires it to be disconnected first; then it is connected again');
      const ask = async () => (await api.client.act(record, '/connect')).after;
      if (wait !== true) return tellStoreChange(api, await ask());
      const asked = await askedFor(ask, async () => api.client.get(record));
      return waitForConnection(api, { record, store: asked });
    },
    [waitOption()],
    ' --wait',
  );
  addAct(
    store,
    'disconnect',
    'disconnect an external key store: none of its KMS keys can be used until it is connected again',
    async (api, { record, store: { name } }, input) => {
      await confirm(`Disconnect ${name}? None of its KMS keys can be used then.`, input.yes);
      const { after } = await api.client.act(record, '/disconnect', reasonIn(input));
      return tellStoreChange(api, after);
    },
    [reasonOption(), yesOption()],
  );
}

function addEdit(store: Command): void {
  addAct(
    store,
    'edit',
    'change an external key store, in AWS too; for a manual one, record what was done in AWS',
    async (api, { record, store: { name } }, input) => {
      const body = changes({
        ...reachOf(input),
        restorePath: input.restorePath,
        disconnect: input.disconnect,
        customKeyStoreId: input.customKeyStoreId,
        state: input.state,
        connectionError: input.connectionError,
      });
      if (input.disconnect === true)
        await confirm(
          `Have ${name} disconnected for it? None of its KMS keys can be used until it is connected again, minutes later.`,
          input.yes,
        );
      const edited = await api.client.edit(record, body);
      return tellStoreChange(api, edited.after, editedSentence(name, body, edited));
    },
    [
      new Option('--name <name>', 'new name in AWS'),
      ...reachOptions(),
      new Option('--restore-path', 'set the path in AWS to that of the key set'),
      new Option(
        '--disconnect',
        'disconnect it for changes that require it, and connect it again; none of its KMS keys can be used in ' +
          'the meantime',
      ),
      new Option('--custom-key-store-id <id>', 'of a manual one: its id in AWS, cks-…'),
      new Option('--state <state>', 'of a manual one: the state that AWS shows').choices([
        'CONNECTED',
        'DISCONNECTED',
        'FAILED',
        'UNKNOWN',
      ]),
      new Option('--connection-error <code>', 'of a manual one, with FAILED: the code that AWS shows'),
      yesOption(),
    ],
    ' --uri-endpoint https://xks2.example.com --disconnect',
  );
}

function addDelete(store: Command): void {
  addAct(
    store,
    'delete',
    'delete an external key store without KMS keys, in AWS too',
    async (api, { record, store }, input) => {
      const { name } = store;
      const { forget = false } = input;
      const question = forget
        ? `Forget the external key store ${name}? It stays in AWS as it is.`
        : `Delete the external key store ${name} in AWS?`;
      await confirm(question, input.yes);
      const left = await leftAfterDeletion(api, { record, store }, input);
      if (left !== undefined) await waitForDeletion(api, { record, store: left });
      const what = forget ? 'forgotten; AWS has it still' : 'deleted';
      printDone(`the external key store is ${what}`, { deleted: true, forgotten: forget }, api.options);
    },
    [
      new Option('--disconnect', 'disconnect it first if it is connected, and wait for that'),
      new Option('--forget', 'remove only the record, and leave the key store in AWS'),
      reasonOption(),
      yesOption(),
    ],
    ' --disconnect',
  );
}

/** The key store where AWS has to disconnect it first, or has not confirmed yet that it is gone. */
async function leftAfterDeletion(
  api: Api,
  { record, store }: { record: StoreAddress; store: ExternalKeyStore },
  { disconnect = false, forget = false, ...input }: ActInput,
): Promise<ExternalKeyStore | undefined> {
  let isGone = false;
  const ask = async (): Promise<ExternalKeyStore> => {
    const { deleted, externalKeyStore } = await api.client.remove(
      record,
      { disconnect: `${disconnect}`, forget: `${forget}` },
      reasonIn(input),
    );
    isGone = deleted;
    return externalKeyStore ?? store;
  };
  const left = await askedFor(ask, async () => api.client.get(record));
  return isGone ? undefined : left;
}

function describe(command: Command, name: string): Command {
  command.option('--name <name>', name);
  for (const option of reachOptions()) command.addOption(option);
  return command;
}

function reachOptions(): Option[] {
  return [
    new Option(
      '--uri-endpoint <url>',
      'https:// and the host name at which AWS reaches the node; with a VPC endpoint service, its private DNS name',
    ),
    new Option('--connectivity <kind>', 'how AWS reaches it').choices([
      'PUBLIC_ENDPOINT',
      'VPC_ENDPOINT_SERVICE',
    ]),
    new Option('--vpc-endpoint-service <name>', 'VPC endpoint service, com.amazonaws.vpce.…'),
    new Option('--vpc-endpoint-service-owner <account>', 'AWS account that owns it, if it is another one'),
  ];
}

function reachOf(input: ReachInput) {
  return {
    name: input.name,
    uriEndpoint: input.uriEndpoint,
    // Naming the service says which.
    connectivity:
      input.connectivity ?? (input.vpcEndpointService === undefined ? undefined : 'VPC_ENDPOINT_SERVICE'),
    vpcEndpointServiceName: input.vpcEndpointService,
    vpcEndpointServiceOwner: input.vpcEndpointServiceOwner,
  };
}
