import { Option, type Command } from 'commander';
import { behind, type AnswerOf } from '../../client/address.ts';
import type { Item } from '../../client/api-client.ts';
import { given, withApi, type Api } from '../../client/api.ts';
import { CliError } from '../../output/cli-error.ts';
import { example } from '../../output/example.ts';
import { addAct, storesIn, type ActInput, tellStore, tellStoreChange } from './external-key-store-records.ts';
import { fields, isForPrograms, printList, printRecord } from '../../output/output.ts';
import { printable } from '../../output/printable.ts';
import { showSecret, withNewSecretFile, type Made } from '../../client/secret-file.ts';
import { parseMinutesOrNever } from '../../output/values.ts';
import { print } from '../../output/streams.ts';

/* What people do in AWS themselves: what to enter there, and what they found or did. */

// oxlint-disable-next-line max-lines-per-function -- a list of commands
export function addByHandCommands(store: Command): void {
  addAct(
    store,
    'rotate-credential',
    'give AWS a new XKS credential; the old one is retired automatically. For a manual key store: issue it, ' +
      'then confirm with --done',
    async (api, { record }, input) => {
      const { to } = input.retireAfterQuiet ?? {};
      if (to === null)
        throw new CliError('usage', 'the old credential retires at some time', 'a time such as 60min or 2h');
      const rotate = async () =>
        (
          await api.client.act(record, '/rotate-credential', {
            retireAfterQuietMinutes: to,
            done: input.done,
          })
        ).after;
      return withFiles(api, input, rotate);
    },
    [
      new Option(
        '--retire-after-quiet <time>',
        'retire the old one once the new one is in use and the old one has been idle for this long: 60min, 2h',
      ).argParser(parseMinutesOrNever),
      new Option('--done', 'of a manual one: confirm that AWS has the new credential'),
      ...fileOptions(),
    ],
  );
  addAct(
    store,
    'console',
    'show what to enter in the AWS console; for a manual key store with a new credential, shown only once',
    async (api, { record }, input) =>
      withFiles(
        api,
        input,
        async () => (await api.client.act(record, '/console', { credential: input.credential })).after,
      ),
    [new Option('--no-credential', 'do not issue a credential'), ...fileOptions()].map(withoutDefault),
    ' --console-file xks-proxy-config.json --request-file create-external-key-store.json',
  );
  const candidates = store
    .command('candidates <key-set>')
    .description('find external key stores in AWS that may belong to the key set')
    .requiredOption('--region <region>', 'AWS Region')
    .action(async (keySet: string, { region }: { region: string }, command: Command) =>
      withApi(command, async (api) => {
        const list = behind(await storesIn(api, keySet), '/candidates');
        printList(
          await api.client.list(list, { region }),
          fields(
            'customKeyStoreId',
            'name',
            'state',
            'uriEndpoint',
            'uriPath',
            'matches',
            'fits',
            'linkedAs',
          ),
          api.options,
        );
      }),
    );
  example(candidates, 'holdfast external-key-store candidates payments --region eu-central-1');
  const link = store
    .command('link <key-set>')
    .description('link an external key store that was created in AWS manually')
    .requiredOption('--region <region>', 'AWS Region')
    .requiredOption('--id <id>', 'its id in AWS, cks-…')
    .option('--name <name>', 'its name in AWS, if Holdfast does not sign in there')
    .option('--uri-endpoint <url>', 'its endpoint in AWS, if Holdfast does not sign in there')
    .action(
      async (
        keySet: string,
        input: { region: string; id: string; name?: string; uriEndpoint?: string },
        command: Command,
      ) =>
        withApi(command, async (api) => {
          const { region, id: customKeyStoreId, name, uriEndpoint } = input;
          const link = behind(await storesIn(api, keySet), '/link');
          const body = { region, customKeyStoreId, name, uriEndpoint };
          tellStoreChange(api, await api.client.create(link, body));
        }),
    );
  example(link, 'holdfast external-key-store link payments --region eu-central-1 --id cks-1234567890abcdef0');
}

function fileOptions(): Option[] {
  return [
    new Option(
      '--console-file <file>',
      'write the proxy configuration file for the AWS console here, mode 0600',
    ),
    new Option('--request-file <file>', 'write the request for the AWS CLI command here, mode 0600'),
  ];
}

/** Commander would take `--no-credential` as a credential of true where it is not given. */
function withoutDefault(option: Option): Option {
  if (option.negate) option.default(undefined);
  return option;
}

/** Without what to enter, where Holdfast does it in AWS itself. */
type ByHandAnswer = AnswerOf<`${StorePath}/rotate-credential`, 'POST'>;
type StorePath = '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}';

const secretMembers = [
  ['consoleFile', 'console file'],
  ['request', 'request for the AWS CLI command'],
] as const;

type Secret = (typeof secretMembers)[number][0];
type Files = Partial<Record<Secret, string | undefined>>;

/**
 * Prints what to do, with the credential or with the files that it was written into. These are opened before it is
 * issued, so that it is not lost where they cannot be written.
 */
async function withFiles(api: Api, input: ActInput, ask: () => Promise<ByHandAnswer>): Promise<void> {
  const files: Files = given({ consoleFile: input.consoleFile, request: input.requestFile });
  const writers: [member: Secret, write: (text: string, made: Made) => void][] = [];
  const open = async ([first, ...rest]: [Secret, string][]): Promise<void> => {
    if (first === undefined) return issue();
    await withNewSecretFile(first[1], async (write) => {
      writers.push([first[0], write]);
      await open(rest);
    });
  };
  const issue = async (): Promise<void> => {
    const answer = await ask();
    for (const [member, write] of writers) {
      if (answer[member] === undefined)
        throw new CliError(
          'conflict',
          'there is no credential to write: Holdfast gives it to AWS itself, or none was to be issued',
          'leave the file options out',
        );
      write(text(answer[member]), madeOf(answer));
    }
    if (writers.length > 0) tellByHand(api, answer, files);
    else showSecret(madeOf(answer), () => tellByHand(api, answer, files));
  };
  await open(
    secretMembers.flatMap(([member]) => (files[member] === undefined ? [] : [[member, files[member]]])),
  );
}

function madeOf({ accessKeyId }: ByHandAnswer): Made {
  return {
    what: 'what to give AWS',
    undo:
      typeof accessKeyId === 'string'
        ? `holdfast credential withdraw ${accessKeyId}, then the command again, which issues another`
        : 'the command again',
  };
}

function text(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function tellByHand(api: Api, answer: ByHandAnswer, files: Files): void {
  // With a file for the credential it is in no other place.
  const { consoleFile: _, request: __, ...rest } = answer;
  const shown: Item = Object.keys(files).length > 0 ? { ...rest, ...files } : answer;
  if (isForPrograms(api.options)) {
    printRecord(shown, api.options);
    return;
  }
  tellStore(api, answer.externalKeyStore);
  const { url, steps, fields: entries, command, requestFile } = answer;
  if (url === undefined || command === undefined || requestFile === undefined) return;
  const lines = [
    '',
    'In AWS, manually:',
    `  ${url}`,
    ...(steps ?? []).map((step, index) => `  ${index + 1}. ${step}`),
    ...(entries ?? []).map(({ label, value }) => `     ${label}: ${value === '' ? '(empty)' : value}`),
    ...secretMembers.flatMap(([member, words]) => {
      const value = shown[member];
      if (value === undefined) return [];
      return typeof value === 'string' ? [`  ${words}: ${value}`] : [`  ${words}:`, text(value).trimEnd()];
    }),
    '',
    'Or with the AWS CLI:',
    `  ${command.replace(requestFile, files.request ?? requestFile)}`,
  ];
  for (const line of lines.flatMap((one) => one.split('\n'))) print(printable(line));
}
