import { Option, type Command } from 'commander';
import { behind, one, type Address } from '../client/address.ts';
import type { Schemas } from '../client/api-types.ts';
import { changes, withApi, type Api } from '../client/api.ts';
import { CliError } from '../output/cli-error.ts';
import { findOne } from '../records/collection.ts';
import { example } from '../output/example.ts';
import { wallClock } from '../../clock.ts';
import { momentWords } from '../output/moments.ts';
import { editedSentence, secretLines } from '../records/changed.ts';
import { keySets } from './key-set.ts';
import { type Columns, isForPrograms, printChanged, printList, printRecord } from '../output/output.ts';
import { confirm } from '../client/prompt.ts';
import { showSecret, withNewSecretFile, type Made } from '../client/secret-file.ts';
import {
  limitOption,
  parseExpiry,
  parseMinutesOrNever,
  reasonIn,
  reasonOption,
  yesOption,
  type OrNull,
} from '../output/values.ts';

type Credential = Schemas['Credential'];
/** As it is answered once, with its secret. */
type Issued = Credential & Partial<Schemas['IssuedCredential']>;
type CredentialAddress = Address<'/vaults/{vaultId}/key-sets/{keySetId}/credentials/{accessKeyId}'>;

const columns: Columns<Credential> = {
  'access key id': ({ accessKeyId }) => accessKeyId,
  state: ({ state }) => state,
  'last seen': ({ lastSeenAt }) => lastSeenAt,
  expires: ({ expiresAt }) => expiresAt,
  successor: { of: ({ successor }) => successor, rank: 6 },
  from: ({ lastAddress }) => lastAddress,
  requests: ({ requests }) => requests,
  created: { of: ({ createdAt }) => createdAt, rank: 7 },
};

interface CredentialInput {
  keySet?: string;
  expires?: OrNull<string>;
  retireAfterQuiet?: OrNull<number>;
  consoleFile?: string;
  yes?: boolean;
  reason?: string;
}

// oxlint-disable-next-line max-lines-per-function -- a list of commands
export function addCredentialCommands(program: Command): void {
  const credential = program
    .command('credential')
    .description('XKS credentials of a key set, with which AWS KMS signs its requests');
  const issue = credential
    .command('issue')
    .description(
      'issue a credential; its secret is shown only once, or written to the file for the AWS console',
    )
    .requiredOption('--key-set <key-set>', 'name or id of the key set')
    .addOption(expiresOption())
    .addOption(consoleFileOption())
    .action(async (input: CredentialInput & { keySet: string }, command: Command) =>
      withApi(command, async (api) => {
        const { id } = await findOne(api, keySets, input.keySet);
        await printIssued(api, input, async () =>
          api.client.create(behind(one(keySets.path(api), id), '/credentials'), {
            expiresAt: input.expires?.to,
          }),
        );
      }),
    );
  example(issue, 'holdfast credential issue --key-set payments --console-file xks-proxy-config.json');
  example(
    credential
      .command('list')
      .description('list the credentials of a key set and when AWS last used each; secrets are never shown')
      .requiredOption('--key-set <key-set>', 'name or id of the key set')
      .addOption(limitOption())
      .action(async ({ keySet, limit }: { keySet: string; limit?: number }, command: Command) =>
        withApi(command, async (api) => {
          const { id } = await findOne(api, keySets, keySet);
          const list = behind(one(keySets.path(api), id), '/credentials');
          printList(await api.client.list(list, undefined, limit), columns, api.options);
        }),
      ),
    'holdfast credential list --key-set payments',
  );
  addAct(credential, 'show', 'show a credential', async ({ client, options }, record) =>
    printRecord(await client.get(record), options),
  );
  addAct(
    credential,
    'edit',
    'change when a credential expires, or whether it is retired automatically',
    async ({ client, options }, record, input) => {
      const body = changes({
        expiresAt: input.expires?.to,
        retireAfterQuietMinutes: input.retireAfterQuiet?.to,
      });
      const edited = await client.edit(record, body);
      printChanged(editedSentence(edited.after.accessKeyId, body, edited), edited.after, options);
    },
    [expiresOption(), retireOption()],
    ' --expires 2027-01-31',
  );
  addAct(
    credential,
    'rotate',
    'issue the successor of a credential; both are valid until the old one is retired or withdrawn',
    async (api, record, input) =>
      printIssued(api, input, async () =>
        api.client.actOnce(record, '/rotate', {
          expiresAt: input.expires?.to,
          retireAfterQuietMinutes: input.retireAfterQuiet?.to,
        }),
      ),
    [expiresOption(), retireOption(), consoleFileOption()],
    ' --retire-after-quiet 60min --console-file new.json',
  );
  addAct(
    credential,
    'withdraw',
    'withdraw a credential: no later request signed with it succeeds',
    async ({ client, options }, record, input) => {
      await confirm('Withdraw the credential? What AWS signs with it is refused at once.', input.yes);
      await client.remove(record, undefined, reasonIn(input));
      const after = await client.get(record);
      printChanged(
        `${after.accessKeyId} is ${after.state}: what AWS signs with it is refused from now on.`,
        after,
        options,
      );
    },
    [reasonOption(), yesOption()],
  );
}

/** A command on one credential, by its access key id. */
// oxlint-disable-next-line max-params -- a command’s parts, in the order in which it shows them
function addAct(
  parent: Command,
  verb: string,
  description: string,
  act: (api: Api, record: CredentialAddress, input: CredentialInput) => Promise<void>,
  options: Option[] = [],
  more = '',
): void {
  const command = parent
    .command(`${verb} <access-key-id>`)
    .description(description)
    .option('--key-set <key-set>', 'name or id of its key set; all key sets are searched if omitted');
  for (const option of options) command.addOption(option);
  command.action(async (accessKeyId: string, input: CredentialInput, command: Command) =>
    withApi(command, async (api) => act(api, await findCredential(api, accessKeyId, input.keySet), input)),
  );
  example(command, `holdfast credential ${verb} AKIDEXAMPLE2345ABCDE${more}`);
}

async function findCredential(
  api: Api,
  accessKeyId: string,
  keySet: string | undefined,
): Promise<CredentialAddress> {
  const list = keySets.path(api);
  const within = keySet === undefined ? await api.client.list(list) : [await findOne(api, keySets, keySet)];
  for (const { id } of within) {
    const credentials = behind(one(list, id), '/credentials');
    if ((await api.client.list(credentials)).some((credential) => credential.accessKeyId === accessKeyId))
      return one(credentials, accessKeyId);
  }
  throw new CliError(
    'notFound',
    `${keySet === undefined ? 'no key set' : 'the key set'} has no credential with this access key id`,
    'see: holdfast credential list --key-set …',
  );
}

/** Prints a credential whose secret comes this once; or writes the file that the console of AWS takes. */
async function printIssued(
  { options }: Api,
  { consoleFile: file }: CredentialInput,
  issue: () => Promise<Issued>,
): Promise<void> {
  const issued = async () => {
    const credential = await issue();
    const { accessKeyId, rawSecretAccessKey, consoleFile } = credential;
    // A repetition after a lost connection is answered without the secret.
    if (rawSecretAccessKey === undefined || consoleFile === undefined)
      throw new CliError(
        'unreachable',
        'the credential was made, but its secret was lost with the connection',
        `holdfast credential withdraw ${accessKeyId}, then issue another`,
      );
    return credential;
  };
  if (file === undefined) {
    const credential = await issued();
    const { consoleFile: _, ...forPeople } = credential;
    const { accessKeyId, rawSecretAccessKey } = credential;
    showSecret(madeOf(credential), () =>
      printChanged(
        [issuedSentence(credential), ...secretLines({ accessKeyId, rawSecretAccessKey })],
        isForPrograms(options) ? credential : forPeople,
        options,
      ),
    );
    return;
  }
  await withNewSecretFile(file, async (write) => {
    const { rawSecretAccessKey: _, consoleFile, ...credential } = await issued();
    write(`${JSON.stringify(consoleFile, null, 2)}\n`, madeOf(credential));
    printChanged(
      `${issuedSentence(credential)} Its secret is in ${file}, for the AWS console.`,
      { ...credential, consoleFile: file },
      options,
    );
  });
}

function issuedSentence({ accessKeyId, expiresAt }: Credential): string {
  const end = expiresAt === null ? 'does not expire' : `expires on ${momentWords(expiresAt, wallClock())}`;
  return `The credential ${accessKeyId} is issued, and ${end}.`;
}

function madeOf({ accessKeyId }: Credential): Made {
  return {
    what: `the credential ${accessKeyId}`,
    undo: `holdfast credential withdraw ${accessKeyId}, then issue another`,
  };
}

function expiresOption(): Option {
  return new Option(
    '--expires <when>',
    'never, a date, a time, or a duration from now such as 90d or 12mo; from then on it is refused',
  ).argParser(parseExpiry);
}

function retireOption(): Option {
  return new Option(
    '--retire-after-quiet <time>',
    'retire it automatically once its successor is in use and it has been idle for this long: 60min, 2h or never',
  ).argParser(parseMinutesOrNever);
}

function consoleFileOption(): Option {
  return new Option(
    '--console-file <file>',
    'write the JSON file for the AWS console here, mode 0600, instead of showing the secret',
  );
}
