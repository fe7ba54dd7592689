import { randomUUID } from 'node:crypto';
import { Option, type Command } from 'commander';
import type { Item } from '../client/api-client.ts';
import { changes, given, withApi, type Api } from '../client/api.ts';
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
import { limitOption, parseExpiry, parseMinutesOrNever, yesOption, type OrNull } from '../output/values.ts';

const columns: Columns<Item> = {
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
}

// oxlint-disable-next-line max-lines-per-function -- a list of commands
export function addCredentialCommands(program: Command): void {
  const credential = program
    .command('credential')
    .description('XKS credentials of a key set: what AWS KMS signs its requests with');
  const issue = credential
    .command('issue')
    .description(
      'make a credential; its secret is shown this once, or goes into the file for the console of AWS',
    )
    .requiredOption('--key-set <key-set>', 'name or id of the key set')
    .addOption(expiresOption())
    .addOption(consoleFileOption())
    .action(async (input: CredentialInput & { keySet: string }, command: Command) =>
      withApi(command, async (api) => {
        const { id } = await findOne(api, keySets, input.keySet);
        await printIssued(api, input, async () =>
          api.client.create(
            `${keySets.path(api)}/${id}/credentials`,
            given({ expiresAt: input.expires?.to }),
          ),
        );
      }),
    );
  example(issue, 'holdfast credential issue --key-set payments --console-file xks-proxy-config.json');
  example(
    credential
      .command('list')
      .description(
        'list the credentials of a key set and when AWS was last seen with each; secrets are never shown',
      )
      .requiredOption('--key-set <key-set>', 'name or id of the key set')
      .addOption(limitOption())
      .action(async ({ keySet, limit }: { keySet: string; limit?: number }, command: Command) =>
        withApi(command, async (api) => {
          const { id } = await findOne(api, keySets, keySet);
          const path = `${keySets.path(api)}/${id}/credentials`;
          printList(await api.client.list(path, {}, limit), columns, api.options);
        }),
      ),
    'holdfast credential list --key-set payments',
  );
  addAct(credential, 'show', 'show a credential', async ({ client, options }, path) =>
    printRecord(await client.get(path), options),
  );
  addAct(
    credential,
    'edit',
    'change when a credential expires, or whether it retires by itself',
    async ({ client, options }, path, input) => {
      const body = changes({
        expiresAt: input.expires?.to,
        retireAfterQuietMinutes: input.retireAfterQuiet?.to,
      });
      const { after, changed } = await client.edit(path, body);
      printChanged(editedSentence(String(after['accessKeyId']), body, { after, changed }), after, options);
    },
    [expiresOption(), retireOption()],
    ' --expires 2027-01-31',
  );
  addAct(
    credential,
    'rotate',
    'issue the successor of a credential; both are good until the old one retires or is withdrawn',
    async (api, path, input) =>
      printIssued(api, input, async () =>
        api.client.change(path, {
          method: 'POST',
          action: '/rotate',
          body: given({ expiresAt: input.expires?.to, retireAfterQuietMinutes: input.retireAfterQuiet?.to }),
          idempotencyKey: randomUUID(),
        }),
      ),
    [expiresOption(), retireOption(), consoleFileOption()],
    ' --retire-after-quiet 60min --console-file new.json',
  );
  addAct(
    credential,
    'withdraw',
    'withdraw a credential: no later request signed with it succeeds',
    async ({ client, options }, path, { yes }) => {
      await confirm('Withdraw the credential? What AWS signs with it is refused at once.', yes);
      const answer = await client.change<Item | undefined>(path, { method: 'DELETE' });
      const after: Item = answer ?? (await client.get(path));
      printChanged(
        `${String(after['accessKeyId'])} is ${String(after['state'])}: what AWS signs with it is refused from now on.`,
        after,
        options,
      );
    },
    [yesOption()],
  );
}

/** A command on one credential, by its access key id. */
// oxlint-disable-next-line max-params -- a command’s parts, in the order in which it shows them
function addAct(
  parent: Command,
  verb: string,
  description: string,
  act: (api: Api, path: string, input: CredentialInput) => Promise<void>,
  options: Option[] = [],
  more = '',
): void {
  const command = parent
    .command(`${verb} <access-key-id>`)
    .description(description)
    .option('--key-set <key-set>', 'name or id of its key set; looked for in all of them if omitted');
  for (const option of options) command.addOption(option);
  command.action(async (accessKeyId: string, input: CredentialInput, command: Command) =>
    withApi(command, async (api) => act(api, await pathOf(api, accessKeyId, input.keySet), input)),
  );
  example(command, `holdfast credential ${verb} AKIDEXAMPLE2345ABCDE${more}`);
}

async function pathOf(api: Api, accessKeyId: string, keySet: string | undefined): Promise<string> {
  const base = keySets.path(api);
  const within =
    keySet === undefined
      ? await api.client.list<Item & { id: string }>(base)
      : [await findOne(api, keySets, keySet)];
  for (const { id } of within) {
    const list = await api.client.list(`${base}/${id}/credentials`);
    if (list.some((one) => one['accessKeyId'] === accessKeyId))
      return `${base}/${id}/credentials/${accessKeyId}`;
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
  issue: () => Promise<Item>,
): Promise<void> {
  const issued = async () => {
    const credential = await issue();
    const { accessKeyId, rawSecretAccessKey, consoleFile } = credential;
    // A repetition after a lost connection is answered without the secret.
    if (rawSecretAccessKey === undefined || consoleFile === undefined)
      throw new CliError(
        'unreachable',
        'the credential was made, but its secret was lost with the connection',
        `holdfast credential withdraw ${String(accessKeyId)}, then issue another`,
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
      `${issuedSentence(credential)} Its secret is in ${file}, for the console of AWS.`,
      { ...credential, consoleFile: file },
      options,
    );
  });
}

function issuedSentence({ accessKeyId, expiresAt }: Item): string {
  const end =
    typeof expiresAt === 'string' ? `expires on ${momentWords(expiresAt, wallClock())}` : 'does not expire';
  return `The credential ${String(accessKeyId)} is issued, and ${end}.`;
}

function madeOf({ accessKeyId }: Item): Made {
  return {
    what: `the credential ${String(accessKeyId)}`,
    undo: `holdfast credential withdraw ${String(accessKeyId)}, then issue another`,
  };
}

function expiresOption(): Option {
  return new Option(
    '--expires <when>',
    'never, a date, a time, or a time from now such as 90d or 12mo; from then on it opens nothing',
  ).argParser(parseExpiry);
}

function retireOption(): Option {
  return new Option(
    '--retire-after-quiet <time>',
    'withdraw it by itself once its successor is in use and it has not been seen for so long: 60min, 2h or never',
  ).argParser(parseMinutesOrNever);
}

function consoleFileOption(): Option {
  return new Option(
    '--console-file <file>',
    'write the JSON file for the console of AWS here, mode 0600, instead of showing the secret',
  );
}
