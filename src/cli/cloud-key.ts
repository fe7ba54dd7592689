import { Option, type Command } from 'commander';
import {
  adoptCloudKey,
  createCloudKey,
  findCloudKey,
  listCloudKeys,
  listVersions,
  rotateCloudKey,
  setCloudKeyState,
  type CloudKeyRecord,
  type Usage,
} from '../vault/cloud-keys.ts';
import { findKeySet } from '../vault/key-sets.ts';
import { globalOptions, withStore, withToken } from './context.ts';
import { printRecord, printRows } from './output.ts';

const usages: Record<string, Usage> = {
  'encrypt-decrypt': { encrypt: true, decrypt: true },
  'encrypt-only': { encrypt: true, decrypt: false },
  'decrypt-only': { encrypt: false, decrypt: true },
  neither: { encrypt: false, decrypt: false },
};

interface CreateWish {
  keySet: string;
  externalKeyId?: string;
  description: string;
  usage: string;
}

export function addCloudKeyCommands(program: Command): void {
  const cloudKey = program.command('cloud-key').description('keys that AWS KMS uses as external keys');
  cloudKey
    .command('create <name>')
    .description('make a CloudKey: an AES-256 key, born in the token')
    .requiredOption('--key-set <key-set>', 'name or id of its key set')
    .option('--external-key-id <id>', 'what AWS calls it, for ever; a UUID if left out')
    .option('--description <text>', 'up to 300 characters', '')
    .addOption(
      new Option('--usage <usage>', 'what AWS may do with it')
        .choices(Object.keys(usages))
        .default('encrypt-decrypt'),
    )
    .addHelpText('after', '\nExample:\n  holdfast cloud-key create payroll --key-set payments')
    .action(async (name: string, wish: CreateWish, command: Command) => {
      const options = globalOptions(command);
      await withStore(options, async (store, config) => {
        const keySet = await findKeySet(store, wish.keySet);
        const key = await withToken(config, keySet.token, async (tokens) =>
          createCloudKey(store, tokens, keySet, {
            name,
            description: wish.description,
            ...(wish.externalKeyId === undefined ? {} : { externalKeyId: wish.externalKeyId }),
            usage: usages[wish.usage] ?? { encrypt: false, decrypt: false },
          }),
        );
        printRecord(shown(key), options);
      });
    });
  cloudKey
    .command('adopt <name>')
    .description('take over a key object that AWS’s sample proxy (aws-kms-xks-proxy) used')
    .requiredOption('--key-set <key-set>', 'name or id of its key set')
    .requiredOption('--label <label>', 'CKA_LABEL of the key object in the token')
    .option('--external-key-id <id>', 'what AWS calls it; the label if left out, as the sample proxy has it')
    .option('--description <text>', 'up to 300 characters', '')
    .action(
      async (
        name: string,
        wish: { keySet: string; label: string; externalKeyId?: string; description: string },
        command: Command,
      ) => {
        const options = globalOptions(command);
        await withStore(options, async (store, config) => {
          const keySet = await findKeySet(store, wish.keySet);
          const key = await withToken(config, keySet.token, async (tokens) =>
            adoptCloudKey(store, tokens, keySet, {
              ...wish,
              name,
              externalKeyId: wish.externalKeyId ?? wish.label,
            }),
          );
          printRecord(shown(key), options);
        });
      },
    );
  cloudKey
    .command('list')
    .description('list the CloudKeys')
    .option('--key-set <key-set>', 'only those of this key set')
    .action(async (wish: { keySet?: string }, command: Command) => {
      const options = globalOptions(command);
      await withStore(options, async (store) => {
        const keySet = wish.keySet === undefined ? undefined : await findKeySet(store, wish.keySet);
        const keys = await listCloudKeys(store, keySet);
        printRows(keys.map(shown), ['name', 'externalKeyId', 'state', 'usage', 'version'], options);
      });
    });
  addActOnKey(cloudKey, 'show', 'show a CloudKey and its versions', async ({ key, store, options }) => {
    const versions = await listVersions(store, key);
    printRecord(
      {
        ...shown(key),
        versions: versions.map((version) =>
          options.json === true
            ? {
                version: version.version,
                state: version.state,
                objectId: version.object_id.toString('hex'),
                origin: version.origin,
                created: version.created_at,
              }
            : `${version.version} (${version.state}, CKA_ID ${version.object_id.toString('hex')})`,
        ),
      },
      options,
    );
  });
  for (const [verb, state] of [
    ['enable', 'AVAILABLE'],
    ['disable', 'DISABLED'],
  ] as const)
    addActOnKey(
      cloudKey,
      verb,
      `${verb} a CloudKey: seen by every later request`,
      async ({ key, store, options }) =>
        printRecord(shown(await setCloudKeyState(store, key, state)), options),
    );
  addActOnKey(
    cloudKey,
    'rotate',
    'make a new version; old ciphertext stays readable',
    async ({ key, store, config, options }) => {
      const keySet = await findKeySet(store, key.key_set_id);
      const rotated = await withToken(config, keySet.token, async (tokens) =>
        rotateCloudKey(store, tokens, keySet, key),
      );
      printRecord(shown(rotated), options);
    },
  );
}

interface KeyAct {
  key: CloudKeyRecord;
  store: Parameters<Parameters<typeof withStore>[1]>[0];
  config: Parameters<Parameters<typeof withStore>[1]>[1];
  options: ReturnType<typeof globalOptions>;
}

function addActOnKey(
  parent: Command,
  verb: string,
  description: string,
  act: (on: KeyAct) => Promise<void>,
): void {
  parent
    .command(`${verb} <key>`)
    .description(`${description}; by external key id, id or name`)
    .option('--key-set <key-set>', 'the key set, where the name is not unique')
    .action(async (name: string, wish: { keySet?: string }, command: Command) => {
      const options = globalOptions(command);
      await withStore(options, async (store, config) => {
        const keySet = wish.keySet === undefined ? undefined : await findKeySet(store, wish.keySet);
        await act({ key: await findCloudKey(store, name, keySet), store, config, options });
      });
    });
}

function shown(key: CloudKeyRecord): Record<string, unknown> {
  return {
    id: key.id,
    name: key.name,
    description: key.description,
    externalKeyId: key.external_key_id,
    state: key.state,
    usage: [...(key.can_encrypt === 1 ? ['ENCRYPT'] : []), ...(key.can_decrypt === 1 ? ['DECRYPT'] : [])],
    version: key.current_version,
    created: key.created_at,
    updated: key.updated_at,
  };
}
