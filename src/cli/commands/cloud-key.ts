import { Option, type Command } from 'commander';

import { behind, one, type BodyOf } from '../client/address.ts';
import { changes, withApi, type Api } from '../client/api.ts';
import { addCloudKeyActs } from './cloud-key-acts.ts';
import { findOne, idOf } from '../records/collection.ts';
import { keyObject, lastUse, safeToDestroy } from '../records/version-words.ts';
import { example } from '../output/example.ts';
import {
  cloudKeyArgument,
  cloudKeysPath,
  findCloudKey,
  keySetOption,
  type CloudKey,
} from './find-cloud-key.ts';
import { addKeyLookup } from './key-lookup.ts';
import { keySets } from './key-set.ts';
import { tellCloudKey, tellCloudKeyChange, tellPreview } from './tell-cloud-key.ts';
import { waitForKmsKey, waitOption } from './cloud/kms-key-waiting.ts';
import { allInAws } from './cloud/kms-key-records.ts';
import type { KeyPolicy } from './cloud/kms-key-records.ts';
import { aliasOption, policyOption, tagOption } from './cloud/kms-key-values.ts';
import { fields, printList } from '../output/output.ts';
import {
  collect,
  limitOption,
  parseExpiry,
  parseQuota,
  parseRotation,
  type OrNull,
  type Quota,
  type Rotation,
} from '../output/values.ts';

const usages = ['encrypt-decrypt', 'encrypt-only', 'decrypt-only', 'neither'];

interface CloudKeyInput {
  keySet: string;
  name?: string;
  label?: string;
  description?: string;
  externalKeyId?: string;
  restrict?: boolean;
  region?: string;
  administrator?: string[];
  user?: string[];
  usage?: CloudKey['usage'];
  rotation?: Rotation;
  expires?: OrNull<string>;
  quota?: OrNull<Quota>;
  /** Commander's for --no-kms-key. */
  kmsKey?: boolean;
  kmsAlias?: string;
  kmsTag?: Record<string, string>;
  kmsPolicy?: KeyPolicy;
  wait?: boolean;
  applyToKms?: boolean;
}

export function addCloudKeyCommands(program: Command): void {
  const cloudKey = program.command('cloud-key').description('keys that AWS KMS uses as external keys');
  addMake(
    describeNew(
      cloudKey
        .command('create <name>')
        .description('create a CloudKey: an AES-256 key, generated in the token'),
    ).addOption(waitOption()),
    async (api, fields, { usage, externalKeyId, ...input }) =>
      api.client.create(cloudKeysPath(api), { ...fields, usage, externalKeyId, kmsKey: kmsKeyOf(input) }),
    'holdfast cloud-key create payroll --key-set payments --region eu-central-1 --rotation 90d --expires 2027-01-31',
  );
  addMake(
    cloudKey
      .command('adopt <name>')
      .description('adopt a key object that the AWS sample proxy (aws-kms-xks-proxy) used')
      .requiredOption('--label <label>', 'CKA_LABEL of the key object in the token')
      .option(
        '--external-key-id <id>',
        'how AWS KMS refers to it; the label if omitted, as in the sample proxy',
      )
      .option(
        '--restrict',
        'permanently set to false in the token what the key object permits beyond encrypt and decrypt: CKA_SIGN, ' +
          'CKA_VERIFY, CKA_WRAP, CKA_UNWRAP, CKA_DERIVE',
      ),
    async (api, fields, { label = '', externalKeyId = label, restrict }) =>
      api.client.create(behind(cloudKeysPath(api), '/adoptions'), {
        ...fields,
        label,
        externalKeyId,
        restrict,
      }),
    'holdfast cloud-key adopt payroll --key-set payments --label my-old-key',
    'holdfast cloud-key adopt payroll --key-set payments --label my-old-key --restrict',
  );
  addPreview(cloudKey);
  addList(cloudKey);
  addShow(cloudKey);
  addEdit(cloudKey);
  addCloudKeyActs(cloudKey);
}

type NewFields = ReturnType<typeof fieldsOf> & { keySetId: string; name: string };

function addMake(
  command: Command,
  make: (api: Api, fields: NewFields, input: CloudKeyInput) => Promise<CloudKey>,
  ...samples: string[]
): void {
  command.requiredOption('--key-set <key-set>', 'name or id of its key set');
  describe(command).action(async (name: string, input: CloudKeyInput, command: Command) =>
    withApi(command, async (api) => {
      const { id: keySetId } = await findOne(api, keySets, input.keySet);
      const made = await make(api, { ...fieldsOf(input), keySetId, name }, input);
      const verb = input.label === undefined ? 'create' : 'adopt';
      await tellCloudKeyChange(api, { verb }, input.wait === true ? await waited(api, made) : made);
    }),
  );
  example(command, ...samples);
}

/** What create does, without making anything. */
function addPreview(cloudKey: Command): void {
  const preview = describeNew(
    cloudKey
      .command('preview <name>')
      .description('show what create would make, here and in AWS, with the key policy; nothing is made'),
  )
    .requiredOption('--key-set <key-set>', 'name or id of its key set')
    .option('--policy-only', 'the key policy alone, for a file');
  describe(preview).action(
    async (name: string, input: CloudKeyInput & { policyOnly?: boolean }, command: Command) =>
      withApi(command, async (api) => {
        const { id: keySetId } = await findOne(api, keySets, input.keySet);
        const { usage, externalKeyId, policyOnly = false } = input;
        const told = { ...fieldsOf(input), keySetId, name, usage, externalKeyId, kmsKey: kmsKeyOf(input) };
        const preview = await api.client.post(behind(cloudKeysPath(api), '/preview'), told);
        tellPreview(preview, policyOnly, api.options);
      }),
  );
  example(
    preview,
    'holdfast cloud-key preview payroll --key-set payments --user arn:aws:iam::111122223333:role/Payroll',
    'holdfast cloud-key preview payroll --key-set payments --policy-only > policy.json',
  );
}

/** What is told of a CloudKey when it is made, and stays. */
function describeNew(command: Command): Command {
  return command
    .option('--external-key-id <id>', 'how AWS KMS refers to it; permanent; a UUID if omitted')
    .addOption(new Option('--usage <usage>', 'what AWS KMS may do with it; permanent').choices(usages))
    .option('--no-kms-key', 'do not create a KMS key in AWS')
    .addOption(aliasOption('--kms-alias <alias>'))
    .addOption(tagOption('--kms-tag <name=value>'))
    .addOption(policyOption('--kms-policy <policy>'));
}

/** What is told of its KMS key; undefined where nothing is: it is made where it can be. */
function kmsKeyOf({
  kmsKey,
  kmsAlias: alias,
  kmsTag: tags,
  kmsPolicy: policy,
}: Omit<CloudKeyInput, 'usage' | 'externalKeyId'>): BodyOf<'/vaults/{vaultId}/cloud-keys', 'POST'>['kmsKey'] {
  if (kmsKey === false) return false;
  return alias === undefined && tags === undefined && policy === undefined
    ? undefined
    : { alias, tags, policy };
}

const sorts = [
  ...(['name', 'region', 'createdAt', 'updatedAt'] as const),
  ...(['-name', '-region', '-createdAt', '-updatedAt'] as const),
] as const;

/** Waits for its KMS keys; the CloudKey as it is then. */
async function waited(api: Api, { id, kmsKeys }: CloudKey): Promise<CloudKey> {
  const record = one(cloudKeysPath(api), id);
  for (const kmsKey of kmsKeys) await waitForKmsKey(api, one(behind(record, '/kms-keys'), kmsKey.id));
  return api.client.get(record);
}

// oxlint-disable-next-line max-lines-per-function -- a list of options
function addList(cloudKey: Command): void {
  example(
    cloudKey
      .command('list')
      .description('list the CloudKeys')
      .option('--key-set <key-set>', 'only those of this key set')
      .addOption(
        new Option('--state <state>', 'only those in this state').choices([
          'CREATING',
          'AVAILABLE',
          'DISABLED',
          'EXPIRED',
          'PENDING_DELETION',
          'DELETED',
        ]),
      )
      .option('--region <region>', 'only those of this AWS Region')
      .option('--name <prefix>', 'only those whose name starts with this')
      .addOption(
        new Option('--sort <field>', 'sort by this field; a leading - reverses the order').choices(sorts),
      )
      .addOption(limitOption())
      .action(
        async (
          input: {
            keySet?: string;
            state?: CloudKey['state'];
            region?: string;
            name?: string;
            sort?: (typeof sorts)[number];
            limit?: number;
          },
          command: Command,
        ) =>
          withApi(command, async (api) => {
            const { state, region, name, sort, limit } = input;
            const keySetId = await idOf(api, keySets, input.keySet);
            printList(
              await api.client.list(cloudKeysPath(api), { keySetId, state, region, name, sort }, limit),
              {
                name: ({ name }) => name,
                state: ({ effectiveState }) => effectiveState,
                'in AWS': ({ kmsKeys }) => allInAws(kmsKeys),
                'key set': ({ keySetName }) => keySetName,
                Region: ({ region }) => region,
                'AWS account': { of: ({ kmsKeys }) => accountsOf(kmsKeys), wide: true },
                expires: ({ expiresAt }) => expiresAt,
                'next rotation': { of: ({ nextRotationAt }) => nextRotationAt, rank: 8 },
                version: { of: ({ currentVersion }) => currentVersion, rank: 7 },
                usage: { of: ({ usage }) => usage, wide: true },
                'external key id': { of: ({ externalKeyId }) => externalKeyId, wide: true },
                description: { of: ({ description }) => description, wide: true },
                id: ({ id }) => id,
              },
              api.options,
            );
          }),
      ),
    'holdfast cloud-key list --key-set payments --state DISABLED',
  );
}

function addShow(cloudKey: Command): void {
  addKeyLookup(cloudKey);
  example(
    cloudKey
      .command('show')
      .addArgument(cloudKeyArgument())
      .description('show a CloudKey')
      .addOption(keySetOption())
      .action(async (name: string, { keySet }: { keySet?: string }, command: Command) =>
        withApi(command, async (api) => {
          const { id } = await findCloudKey(api, name, keySet);
          await tellCloudKey(api, await api.client.get(one(cloudKeysPath(api), id)));
        }),
      ),
    'holdfast cloud-key show payroll',
    'holdfast cloud-key show arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  );
  example(
    cloudKey
      .command('versions')
      .addArgument(cloudKeyArgument())
      .description('list the versions of a CloudKey and how much each has encrypted')
      .addOption(keySetOption())
      .action(async (name: string, { keySet }: { keySet?: string }, command: Command) =>
        withApi(command, async (api) => {
          const { id } = await findCloudKey(api, name, keySet);
          printList(
            await api.client.list(behind(one(cloudKeysPath(api), id), '/versions')),
            {
              ...fields('version', 'current', 'state'),
              'key object': keyObject,
              ...fields('origin', 'encryptionsAtMost'),
              'last encrypt': lastUse('lastEncrypt'),
              'last decrypt': lastUse('lastDecrypt'),
              'safe to destroy': { of: safeToDestroy, rank: 8 },
              ...fields('createdAt', 'destroyedAt'),
              CKA_ID: { of: ({ objectId }) => objectId, wide: true },
              CKA_LABEL: { of: ({ label }) => label, wide: true },
            },
            api.options,
          );
        }),
      ),
    'holdfast cloud-key versions payroll',
  );
}

/** The AWS accounts that its KMS keys are in. */
function accountsOf(kmsKeys: CloudKey['kmsKeys']): string {
  return [...new Set(kmsKeys.map(({ accountId }) => accountId ?? '').filter(Boolean))].join(', ');
}

function addEdit(cloudKey: Command): void {
  const edit = cloudKey
    .command('edit')
    .addArgument(cloudKeyArgument())
    .description('change a CloudKey')
    .addOption(keySetOption())
    .option('--name <name>', 'new name')
    .option(
      '--apply-to-kms',
      'also change its KMS keys in AWS (alias, description, key policy); otherwise the difference is shown as drift',
    );
  describe(edit).action(async (name: string, input: CloudKeyInput, command: Command) =>
    withApi(command, async (api) => {
      const body = changes({ ...fieldsOf(input), name: input.name });
      const before = await findCloudKey(api, name, input.keySet);
      const { applyToKms } = input;
      const edited = await api.client.edit(one(cloudKeysPath(api), before.id), { ...body, applyToKms });
      // What its KMS keys are given is not in its own record.
      const changed = edited.changed || applyToKms === true;
      await tellCloudKeyChange(api, { verb: 'edit', before, told: body, changed }, edited.after);
    }),
  );
  example(
    edit,
    'holdfast cloud-key edit payroll --expires 2028-01-31 --rotation inherit',
    'holdfast cloud-key edit payroll --expires never',
  );
}

function describe(command: Command): Command {
  return command
    .option('--description <text>', 'up to 300 characters')
    .option('--region <region>', 'AWS Region; the default Region of its key set’s CSP account if omitted')
    .addOption(
      listOption('--administrator <arns>', 'IAM users and roles that administer it, for its KMS key policy'),
    )
    .addOption(listOption('--user <arns>', 'IAM users and roles that use it, for its KMS key policy'))
    .addOption(
      new Option('--rotation <schedule>', 'never, inherit (from its key set), or days such as 90d').argParser(
        parseRotation,
      ),
    )
    .addOption(
      new Option(
        '--expires <when>',
        'never, a date (from 00:00 UTC), a time, or a duration from now such as 90d or 12mo; from then on it ' +
          'cannot be used',
      ).argParser(parseExpiry),
    )
    .addOption(
      new Option(
        '--quota <rate>',
        'XKS requests per second, such as 500, or 500/1000 with a burst; none for no quota',
      ).argParser(parseQuota),
    );
}

/** The whole list; several times or with commas. Empty text empties it. */
function listOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(collect);
}

function fieldsOf(input: CloudKeyInput) {
  return {
    description: input.description,
    region: input.region,
    administrators: input.administrator,
    users: input.user,
    rotation: input.rotation,
    expiresAt: input.expires?.to,
    quota: input.quota?.to,
  };
}
