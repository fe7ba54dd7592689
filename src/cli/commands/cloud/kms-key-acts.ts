import { Option, type Command } from 'commander';
import type { Api } from '../../client/api.ts';
import { behind } from '../../client/address.ts';
import {
  addAct,
  nameInAws,
  nowInAws,
  tellKmsKeyChange,
  type KmsKey,
  type KmsKeyRecord,
} from './kms-key-records.ts';
import { confirm } from '../../client/prompt.ts';
import { parseCount, reasonIn, reasonOption, yesOption, type Reasoned } from '../../output/values.ts';
import { counted } from '../../../counted.ts';

const parts = ['policy', 'alias', 'description', 'tags', 'state', 'key-store'];

/** What is done to a KMS key in AWS. */
export function addKmsKeyActs(kmsKey: Command): void {
  addAct(kmsKey, 'refresh', 'refresh a KMS key from AWS', async (api, { record }) =>
    tellNow(api, await api.client.post(behind(record, '/refresh'))),
  );
  addAct(
    kmsKey,
    'retry',
    'retry a failed step at once',
    async (api, { record }, { takeAlias }) =>
      tellNow(api, (await api.client.act(record, '/retry', { takeAlias })).after),
    [new Option('--take-alias', 'take the alias away from the KMS key that has it')],
  );
  for (const verb of ['enable', 'disable'] as const)
    addAct(
      kmsKey,
      verb,
      `${verb} a KMS key in AWS; the CloudKey stays as it is`,
      async (api, { record }, input) => act(api, record, `/${verb}`, input),
      [reasonOption()],
    );
  addDeletion(kmsKey);
  for (const [verb, description] of [
    [
      'apply',
      'apply the record to AWS where they differ; what --what names is sent even if no difference is known',
    ],
    [
      'accept',
      'accept the state in AWS into the record; AWS is not called, and what may be stale is not accepted',
    ],
  ] as const)
    addAct(
      kmsKey,
      verb,
      description,
      async (api, { record }, { what }) =>
        tellNow(api, (await api.client.act(record, verb === 'apply' ? '/apply' : '/accept', { what })).after),
      [new Option('--what <parts...>', 'only these').choices(parts)],
      ' --what policy',
    );
}

function addDeletion(kmsKey: Command): void {
  const days = () =>
    new Option('--days <days>', 'until AWS deletes it, 7 to 30').argParser(parseCount(7, 30)).default(30);
  addAct(
    kmsKey,
    'schedule-deletion',
    'schedule the deletion of a KMS key in AWS; the CloudKey stays as it is',
    async (api, { record, key }, { days = 30, yes, ...input }) => {
      await confirm(
        `Have AWS delete the KMS key ${nameInAws(key)} in ${counted(days, 'day')}? What was encrypted with it cannot be decrypted by anyone afterwards, though the CloudKey is there.`,
        yes,
      );
      tellNow(api, (await api.client.act(record, '/schedule-deletion', { days, ...reasonIn(input) })).after);
    },
    [days(), reasonOption(), yesOption()],
    ' --days 7',
  );
  addAct(
    kmsKey,
    'cancel-deletion',
    'cancel the deletion of a KMS key in AWS; it is disabled there afterwards',
    async (api, { record }, input) => act(api, record, '/cancel-deletion', input),
    [reasonOption()],
  );
  addAct(
    kmsKey,
    'delete',
    'remove a KMS key record, and choose what becomes of the KMS key in AWS',
    async (api, { record, key }, { aws, days = 30, yes, ...input }) => {
      await confirm(
        aws === 'keep'
          ? `Remove the KMS key record ${nameInAws(key)}? The KMS key stays in AWS, and Holdfast no longer manages it.`
          : `Have AWS delete the KMS key ${nameInAws(key)} in ${counted(days, 'day')}, and remove its record here?`,
        yes,
      );
      const query = { aws: aws === 'keep' ? aws : 'schedule-deletion', days } as const;
      tellNow(api, await api.client.remove(record, query, reasonIn(input)));
    },
    [
      new Option('--aws <what>', 'what becomes of it in AWS')
        .choices(['keep', 'schedule-deletion'])
        .makeOptionMandatory(),
      days(),
      reasonOption(),
      yesOption(),
    ],
    ' --aws schedule-deletion --days 7',
  );
}

async function act(
  api: Api,
  record: KmsKeyRecord,
  action: '/enable' | '/disable' | '/cancel-deletion',
  input: Reasoned,
): Promise<void> {
  tellNow(api, (await api.client.act(record, action, reasonIn(input))).after);
}

function tellNow(api: Api, key: KmsKey): void {
  tellKmsKeyChange(api, nowInAws(key), key);
}
