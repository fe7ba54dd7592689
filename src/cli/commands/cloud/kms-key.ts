import { Option, type Command } from 'commander';
import { behind, one, type Address, type ItemOf } from '../../client/address.ts';
import { changes, withApi, type Api } from '../../client/api.ts';
import { findOne, idOf } from '../../records/collection.ts';
import { coloured } from '../../output/colour.ts';
import { editedSentence } from '../../records/changed.ts';
import { example } from '../../output/example.ts';
import { cloudKeyArgument, cloudKeysPath, findCloudKey, keySetOption } from '../find-cloud-key.ts';
import { addKmsKeyActs } from './kms-key-acts.ts';
import { sideBySide } from './kms-key-diff.ts';
import {
  addAct,
  columns,
  kmsKeysPath,
  nameInAws,
  nowInAws,
  tellKmsKey,
  tellKmsKeyChange,
  kmsKeyAt,
  type KmsKey,
  type KmsKeyInput,
} from './kms-key-records.ts';
import { waitForKmsKey, waitOption } from './kms-key-waiting.ts';
import { inputOf, inputOptions } from './kms-key-values.ts';
import { keySets } from '../key-set.ts';
import { named } from '../../records/named.ts';
import { isForPrograms, printData, printList, printRecord } from '../../output/output.ts';
import { printable } from '../../output/printable.ts';
import { limitOption } from '../../output/values.ts';
import { note, print, terminal } from '../../output/streams.ts';
import { counted } from '../../../counted.ts';

export function addKmsKeyCommands(program: Command): void {
  const kmsKey = program
    .command('kms-key')
    .description('KMS keys in AWS that refer to CloudKeys, with alias and key policy');
  addCreate(kmsKey);
  addLists(kmsKey);
  addShow(kmsKey);
  addEdit(kmsKey);
  addKmsKeyActs(kmsKey);
}

function addCreate(kmsKey: Command): void {
  const create = kmsKey
    .command('create')
    .addArgument(cloudKeyArgument())
    .description('create the KMS key of a CloudKey in AWS, or link an existing one with --key-arn')
    .addOption(keySetOption())
    .option('--region <region>', 'Region of the external key store; that of the CloudKey if omitted')
    .option('--key-arn <arn>', 'existing KMS key that refers to the CloudKey')
    .addOption(waitOption());
  for (const option of inputOptions()) create.addOption(option);
  create.action(
    async (
      name: string,
      input: KmsKeyInput & { keySet?: string; region?: string; keyArn?: string; wait?: boolean },
      command: Command,
    ) =>
      withApi(command, async (api) => {
        const { id } = await findCloudKey(api, name, input.keySet);
        const made = await api.client.create(behind(one(cloudKeysPath(api), id), '/kms-keys'), {
          ...inputOf(input),
          region: input.region,
          keyArn: input.keyArn,
        });
        const wait = input.wait === true && made.origin !== 'MANUAL';
        const key = wait ? await waitForKmsKey(api, kmsKeyAt(api, made)) : made;
        tellKmsKeyChange(api, nowInAws(key), key);
      }),
  );
  example(
    create,
    'holdfast kms-key create payroll --wait',
    'holdfast kms-key create payroll --region eu-west-1 --alias payroll-standby --tag team=payments',
    'holdfast kms-key create payroll --key-arn arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  );
}

// oxlint-disable-next-line max-lines-per-function -- lists of options
function addLists(kmsKey: Command): void {
  example(
    kmsKey
      .command('list')
      .description('list the KMS key records, with drift and problems')
      .option('--key-set <key-set>', 'only those of this key set')
      .option('--region <region>', 'only those in this AWS Region')
      .addOption(
        new Option('--status <status>', 'only those with this status in AWS').choices([
          'AVAILABLE',
          'DISABLED',
          'PENDING_DELETION',
          'NOT_FOUND',
          'UNKNOWN',
        ]),
      )
      .addOption(limitOption())
      .action(
        async (
          input: { keySet?: string; region?: string; status?: KmsKey['cloudStatus']; limit?: number },
          command: Command,
        ) =>
          withApi(command, async (api) => {
            const keySetId = await idOf(api, keySets, input.keySet);
            const { region, status: cloudStatus, limit } = input;
            const query = { keySetId, region, cloudStatus };
            const items = await api.client.list(kmsKeysPath(api), query, limit);
            printList(items, columns, api.options, { name: ({ alias }) => alias });
            tellRemediations(api, items);
          }),
      ),
    'holdfast kms-key list --key-set payments',
  );
  example(
    kmsKey
      .command('unlinked <key-set>')
      .description('find KMS keys in the key store of a key set that have no record')
      .requiredOption('--region <region>', 'AWS Region')
      .action(async (keySet: string, { region }: { region: string }, command: Command) =>
        withApi(command, async (api) => {
          const { id } = await findOne(api, keySets, keySet);
          const items = await unlinked(api, behind(one(keySets.path(api), id), '/kms-keys/unlinked'), region);
          printList(
            items,
            {
              CloudKey: ({ cloudKeyName }) => cloudKeyName ?? 'none',
              'in AWS': ({ state }) => state,
              ARN: ({ keyArn }) => keyArn,
              'external key id': ({ externalKeyId }) => externalKeyId,
              description: { of: ({ description }) => description, freeText: true },
            },
            api.options,
            { name: ({ keyArn }) => keyArn },
          );
          if (items.some(({ cloudKeyId }) => cloudKeyId === null))
            note(
              'a KMS key without a CloudKey cannot be used: what it encrypted can be read again only with a store that knows its external key id (docs/backup.md)',
            );
        }),
      ),
    'holdfast kms-key unlinked payments --region eu-central-1',
  );
}

type UnlinkedPath = '/vaults/{vaultId}/key-sets/{keySetId}/kms-keys/unlinked';

/** A page may be empty and another come all the same. */
async function unlinked(api: Api, list: Address<UnlinkedPath>, region: string) {
  const items: ItemOf<UnlinkedPath>[] = [];
  let cursor: string | undefined;
  let seen = { looked: 0, hidden: 0 };
  do {
    const page = await api.client.get(list, { region, cursor });
    items.push(...page.items);
    cursor = page.next ?? undefined;
    seen = page;
    if (cursor !== undefined) note(`${counted(seen.looked + seen.hidden, 'KMS key')} looked at`);
  } while (cursor !== undefined);
  if (seen.hidden > 0)
    note(
      `${counted(seen.hidden, 'KMS key hides', 'KMS keys hide')} from the CSP account; keys of other kinds do, with the least policy`,
    );
  return items;
}

/** The first few that something is wrong with, in words. */
function tellRemediations({ options }: Api, items: readonly KmsKey[]): void {
  if (isForPrograms(options)) return;
  const max = 5;
  const troubled = items.flatMap(({ problem, alias, cloudKeyName }) =>
    problem === null ? [] : [{ ...problem, name: alias === '' ? cloudKeyName : alias }],
  );
  for (const { name, message, remediation } of troubled.slice(0, max)) {
    note(printable(`${name}: ${message}`));
    note(printable(`  hint: ${remediation}`));
  }
  if (troubled.length > max) note(`and ${troubled.length - max} more: holdfast kms-key show`);
}

function addShow(kmsKey: Command): void {
  addAct(kmsKey, 'show', 'show a KMS key, with what differs in AWS', async (api, { record }) => {
    const found = await api.client.get(record);
    const [shown = found] = await named(api, [found], [{ field: 'keySetId', list: keySets.path(api) }]);
    tellKmsKey(api, shown);
  });
  addAct(
    kmsKey,
    'policy',
    'print the key policy of the record, the one in AWS, or both side by side',
    async (api, { record }, { aws, diff = false }) => {
      const { policy } = await api.client.get(record);
      if (!diff) {
        printData(aws === true ? policy.aws : policy.ours, api.options);
        return;
      }
      if (isForPrograms(api.options)) printData(policy, api.options);
      else
        for (const line of sideBySide(policy.ours, policy.aws, terminal()?.columns ?? 160, (text) =>
          coloured('yellow', text, api.options.color),
        ))
          print(line);
    },
    [
      new Option('--aws', 'the one in AWS'),
      new Option('--diff', 'side by side; < is only in the record, > only in AWS').conflicts('aws'),
    ],
    ' --diff',
  );
  addAct(
    kmsKey,
    'console',
    'show what to enter in AWS if the KMS key is created or maintained manually',
    async (api, { record }, { policyOnly = false }) => {
      const told = await api.client.get(behind(record, '/console'));
      if (policyOnly) {
        printData(told.policy, api.options);
        return;
      }
      if (isForPrograms(api.options)) {
        printRecord(told, api.options);
        return;
      }
      const { steps, commands, policy, ...values } = told;
      printRecord(values, api.options);
      print('\nIn the AWS console:');
      for (const [index, step] of steps.entries()) print(printable(`  ${index + 1}. ${step}`));
      print('\nOr with the AWS CLI (policy.json: the key policy, from --policy-only):');
      for (const line of commands) print(printable(`  ${line}`));
      if (policy !== null) print(`\nKey policy:\n${JSON.stringify(policy, null, 2)}`);
    },
    [new Option('--policy-only', 'the key policy alone, for a file')],
    ' --policy-only > policy.json',
  );
}

function addEdit(kmsKey: Command): void {
  addAct(
    kmsKey,
    'edit',
    'change alias, description, tags or key policy, in AWS too',
    async (api, { record }, input) => {
      const body = changes({ ...inputOf(input), keyArn: input.keyArn });
      const apply = input.apply === false ? { apply: false } : {};
      const { after, changed } = await api.client.edit(record, { ...body, ...apply });
      tellKmsKeyChange(api, editedSentence(nameInAws(after), body, { after, changed }), after);
    },
    [
      ...inputOptions(),
      new Option(
        '--key-arn <arn>',
        'link this KMS key to a record without one: created manually, or found in the way',
      ),
      new Option('--no-apply', 'change only the record: the difference is shown as drift'),
    ],
    ' --alias payroll-2027',
  );
}
