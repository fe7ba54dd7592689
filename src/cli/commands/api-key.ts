import { Option, type Command } from 'commander';
import { permissions } from '../client/api-choices.ts';
import { at } from '../client/address.ts';
import type { Schemas } from '../client/api-types.ts';
import { find, theOne, withApi, type Api, type Kind } from '../client/api.ts';
import { CliError } from '../output/cli-error.ts';
import { example } from '../output/example.ts';
import { wallClock } from '../../clock.ts';
import { momentWords } from '../output/moments.ts';
import { secretLines } from '../records/changed.ts';
import { printChanged, printDone, printList, type Columns } from '../output/output.ts';
import { showSecret, withNewSecretFile, type Made } from '../client/secret-file.ts';
import { collect, limitOption, parseMoment } from '../output/values.ts';
import { ownersAsked, whose, type Whose } from './user.ts';

const kind: Kind<'/user/api-keys'> = {
  what: 'API key',
  list: at('/user/api-keys'),
  listedBy: 'holdfast api-key list',
};

type ApiKey = Schemas['ApiKey'];

const columns: Columns<ApiKey> = {
  name: ({ name }) => name,
  state: ({ state }) => state,
  expires: ({ expiresAt }) => expiresAt,
  'last used': ({ lastUsedAt }) => lastUsedAt,
  scope: { of: ({ scope }) => scope, freeText: true },
  from: ({ lastAddress }) => lastAddress,
  id: ({ id }) => id,
};

interface ApiKeyInput {
  scope: ApiKey['scope'];
  expires: string;
  keyFile?: string;
}

// oxlint-disable-next-line max-lines-per-function -- a list of commands
export function addApiKeyCommands(program: Command): void {
  const apiKey = program
    .command('api-key')
    .description(
      'API keys for programs, each with its own permissions and expiry: yours, and those of users you look after',
    );
  example(
    apiKey
      .command('create <name>')
      .description('create an API key; its secret is shown only once')
      .addOption(
        new Option('--scope <permissions>', `what it may do, of what you may: ${permissions.join(', ')}`)
          .argParser(collect)
          .makeOptionMandatory(),
      )
      .addOption(
        new Option('--expires <when>', 'a date, a time, or a duration from now such as 90d or 12mo')
          .argParser(parseMoment)
          .makeOptionMandatory(),
      )
      .option('--key-file <file>', 'write the secret here, mode 0600, instead of showing it')
      .action(async (name: string, input: ApiKeyInput, command: Command) => create(name, input, command)),
    'holdfast api-key create terraform --scope vault.read,cloud-keys.write --expires 90d --key-file terraform.key',
    'HOLDFAST_API_KEY_FILE=terraform.key HOLDFAST_ENDPOINT=https://keys.example.com:9443 holdfast cloud-key list',
  );
  example(
    whose(apiKey.command('list').description('list your API keys, or those of others'), 'API keys')
      .addOption(limitOption())
      .action(async ({ limit, ...of }: Whose & { limit?: number }, command: Command) =>
        withApi(command, async (api) => {
          const { client, here, options } = api;
          const asked = await ownersAsked(api, of);
          if (asked === undefined)
            return printList(await client.list(kind.list, undefined, limit), columns, options);
          const found = await client.list(here('/api-keys'), asked, limit);
          printList(found, { user: ({ user }) => user.username, ...columns }, options, nameless);
        }),
      ),
    'holdfast api-key list',
    'holdfast api-key list --user grace',
  );
  example(
    apiKey
      .command('revoke <api-key>')
      .description('revoke an API key, by name or id, at once')
      .option('--user <user>', 'it is an API key of this user, whom you look after')
      .action(async (name: string, { user }: Pick<Whose, 'user'>, command: Command) =>
        withApi(command, async (api) => {
          const { id } = user === undefined ? await find(api, kind, name) : await findOf(api, user, name);
          const parameters = { apiKeyId: id };
          if (user === undefined)
            await api.client.send('DELETE', at('/user/api-keys/{apiKeyId}', parameters));
          else await api.client.send('DELETE', api.here('/api-keys/{apiKeyId}', parameters));
          printDone(
            `the API key ${name} is revoked: it opens nothing from now on`,
            { id, state: 'REVOKED' },
            api.options,
          );
        }),
      ),
    'holdfast api-key revoke terraform',
    'holdfast api-key revoke terraform --user grace',
  );
}

/** Two users may have API keys of one name. */
const nameless = { name: ({ id }: ApiKey) => id };

/** One of a user, by name or id. */
async function findOf(api: Api, user: string, nameOrId: string): Promise<ApiKey> {
  const found = await api.client.list(api.here('/api-keys'), await ownersAsked(api, { user }));
  const same = found.filter(({ id, name }) => id === nameOrId || name === nameOrId);
  return theOne(same, { what: `API key of ${user}`, listedBy: `holdfast api-key list --user ${user}` });
}

async function create(
  name: string,
  { scope, expires, keyFile }: ApiKeyInput,
  command: Command,
): Promise<void> {
  await withApi(command, async ({ client, options }) => {
    const make = async () => client.create(kind.list, { name, scope, expiresAt: expires });
    if (keyFile === undefined) {
      const { key } = secretOf(await make());
      showSecret(madeOf(key), () =>
        printChanged([madeSentence(key), ...secretLines({ secret: key.secret })], key, options),
      );
      return;
    }
    await withNewSecretFile(keyFile, async (write) => {
      const { key, secret } = secretOf(await make());
      write(`${secret}\n`, madeOf(key));
      const { secret: _, ...rest } = key;
      printChanged(`${madeSentence(key)} Its secret is in ${keyFile}.`, { ...rest, keyFile }, options);
    });
  });
}

function madeSentence({ name, expiresAt }: ApiKey): string {
  return `The API key ${name} is created, and expires on ${momentWords(expiresAt, wallClock())}.`;
}

function madeOf({ id, name }: ApiKey): Made {
  return {
    what: `the API key ${name}`,
    undo: `holdfast api-key revoke ${id}, then make another`,
  };
}

/** A repetition after a lost connection is answered without the secret. */
function secretOf<T extends ApiKey & { secret?: string }>(key: T): { key: T; secret: string } {
  const { secret, name } = key;
  if (secret !== undefined) return { key, secret };
  throw new CliError(
    'unreachable',
    'the API key was made, but its secret was lost with the connection',
    `holdfast api-key revoke ${name}, then make another`,
  );
}
