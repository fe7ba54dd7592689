import { Option, type Command } from 'commander';
import type { Item } from '../../client/api-client.ts';
import type { Api } from '../../client/api.ts';
import { addAct, nameInAws, nowInAws, tellKmsKeyChange } from './kms-key-records.ts';
import { confirm } from '../../client/prompt.ts';
import { parseCount, yesOption } from '../../output/values.ts';
import { counted } from '../../../counted.ts';

const parts = ['policy', 'alias', 'description', 'tags', 'state', 'key-store'];

/** What is done to a KMS key in AWS. */
export function addKmsKeyActs(kmsKey: Command): void {
  addAct(kmsKey, 'refresh', 'ask AWS for the present state of a KMS key', async (api, { path }) =>
    tellNow(api, await api.client.send({ method: 'POST', path: `${path}/refresh` })),
  );
  addAct(
    kmsKey,
    'retry',
    'try again what failed, at once',
    async (api, { path }, { takeAlias }) =>
      act(api, path, 'retry', takeAlias === true ? { takeAlias: true } : undefined),
    [new Option('--take-alias', 'take the alias from the KMS key that has it')],
  );
  addAct(kmsKey, 'enable', 'enable a KMS key in AWS; the CloudKey stays as it is', async (api, { path }) =>
    act(api, path, 'enable'),
  );
  addAct(kmsKey, 'disable', 'disable a KMS key in AWS; the CloudKey stays as it is', async (api, { path }) =>
    act(api, path, 'disable'),
  );
  addDeletion(kmsKey);
  for (const [verb, description] of [
    [
      'apply',
      'change what differs in AWS to what is on record here; what --what names is sent even where no difference is known',
    ],
    [
      'accept',
      'take over into the record here what differs in AWS; AWS is not called, and what may be stale is not taken',
    ],
  ] as const)
    addAct(
      kmsKey,
      verb,
      description,
      async (api, { path }, { what }) => act(api, path, verb, what === undefined ? undefined : { what }),
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
    async (api, { path, key }, { days = 30, yes }) => {
      await confirm(
        `Have AWS delete the KMS key ${nameInAws(key)} in ${counted(days, 'day')}? What was encrypted with it cannot be decrypted by anyone afterwards, though the CloudKey is there.`,
        yes,
      );
      return act(api, path, 'schedule-deletion', { days });
    },
    [days(), yesOption()],
    ' --days 7',
  );
  addAct(
    kmsKey,
    'cancel-deletion',
    'cancel the deletion of a KMS key in AWS: it is disabled there afterwards',
    async (api, { path }) => act(api, path, 'cancel-deletion'),
  );
  addAct(
    kmsKey,
    'delete',
    'stop keeping a KMS key here, and choose what becomes of it in AWS',
    async (api, { path, key }, { aws, days = 30, yes }) => {
      await confirm(
        aws === 'keep'
          ? `Give up the KMS key ${nameInAws(key)} here? It stays in AWS, and Holdfast no longer looks after it.`
          : `Have AWS delete the KMS key ${nameInAws(key)} in ${counted(days, 'day')}, and give it up here?`,
        yes,
      );
      const query = { aws: String(aws), days: String(days) };
      tellNow(api, await api.client.change(path, { method: 'DELETE', query }));
    },
    [
      new Option('--aws <what>', 'what becomes of it in AWS')
        .choices(['keep', 'schedule-deletion'])
        .makeOptionMandatory(),
      days(),
      yesOption(),
    ],
    ' --aws schedule-deletion --days 7',
  );
}

async function act(api: Api, path: string, action: string, body?: object): Promise<void> {
  tellNow(api, await api.client.change(path, { method: 'POST', action: `/${action}`, body }));
}

function tellNow(api: Api, key: Item): void {
  tellKmsKeyChange(api, nowInAws(key), key);
}
