import { Argument, type Command } from 'commander';
import { at, one, type Address, type ListPath, type QueryOf } from '../client/address.ts';
import { withApi, type Api, type ApiOptions } from '../client/api.ts';
import { nameKinds, namesCommand, type NameKind } from './completion-tree.ts';
import { cspAccounts } from '../commands/cloud/csp-account.ts';
import { cloudKeysPath } from '../commands/find-cloud-key.ts';
import { example } from '../output/example.ts';
import { groups } from '../commands/group.ts';
import { keySets } from '../commands/key-set.ts';
import { kmsKeysPath } from '../commands/cloud/kms-key-records.ts';
import { printable } from '../output/printable.ts';
import { print } from '../output/streams.ts';
import { users } from '../commands/user.ts';
import { vaults } from '../commands/vault.ts';

/** A person waits with a finger on the key: longer than this nobody does, milliseconds. */
const timeout = 1_500;
/** More than these nobody reads. */
const max = 100;

/**
 * What the scripts of `holdfast completion` ask: names that begin so, one a line. Of whoever is signed in, asks nothing,
 * says nothing of what fails, and keeps nothing.
 */
export function addNamesCommand(program: Command): void {
  const command = program
    .command(namesCommand, { hidden: true })
    .description('list names that begin so, for the scripts of holdfast completion')
    .addArgument(new Argument('<kind>').choices(nameKinds))
    .argument('[prefix]')
    .argument('[words...]', 'what stands before it on the line')
    .action(async (kind: NameKind, prefix = '', words: string[]) => {
      const options = { ...optionsAmong(words), timeout: timeout / 1000 };
      const found = await withApi(
        command,
        async (api) => atMost(timeout, namesOf(api, kind, prefix)),
        options,
      ).catch(() => []);
      for (const name of found.slice(0, max)) print(name);
    });
  example(command, `holdfast ${namesCommand} cloud-key pay`);
}

/** None where they take longer, or cannot be had. */
async function atMost(milliseconds: number, names: Promise<string[]>): Promise<string[]> {
  const { promise: late, resolve } = Promise.withResolvers<string[]>();
  const timer = setTimeout(() => resolve([]), milliseconds);
  const found = await Promise.race([names.catch(() => []), late]);
  clearTimeout(timer);
  return found;
}

/** Of the line that is being typed, what says where to go and as whom. */
function optionsAmong(words: readonly string[]): ApiOptions {
  const valueOf = (flag: string): string | undefined => {
    const at = words.findLastIndex((word) => word === flag || word.startsWith(`${flag}=`));
    const word = words[at];
    return word === undefined || word === flag ? words[at + 1] : word.slice(flag.length + 1);
  };
  const has = (flag: string) => words.some((word) => word === flag || word.startsWith(`${flag}=`));
  const names = ['profile', 'endpoint', 'ca', 'vault'] as const;
  return Object.fromEntries(
    names.flatMap((name) => (has(`--${name}`) ? [[name, valueOf(`--${name}`)]] : [])),
  );
}

async function namesOf(api: Api, kind: NameKind, prefix: string): Promise<string[]> {
  const found = await candidates(api, kind, prefix);
  // What a terminal would not show as it is cannot be typed by what is seen either.
  return found.filter((name) => name.startsWith(prefix) && name !== '' && printable(name) === name);
}

async function candidates(api: Api, kind: NameKind, prefix: string): Promise<string[]> {
  const list = async <P extends ListPath>(address: Address<P>, query?: QueryOf<P, 'GET'>, by = 'name') =>
    (await api.client.list(address, query, max)).map((item) => String(Reflect.get(Object(item), by)));
  switch (kind) {
    case 'cloud-key':
      return list(cloudKeysPath(api), { name: prefix });
    case 'key-set':
      return list(keySets.path(api), { name: prefix });
    case 'group':
      return list(groups.path(api), { name: prefix });
    case 'csp-account':
      return list(cspAccounts.path(api), { name: prefix });
    case 'vault':
      return list(vaults.path(api), { name: prefix });
    case 'user':
      return (await api.client.list(users.path(api))).map(({ username }) => username);
    case 'api-key':
      return list(at('/user/api-keys'));
    case 'token':
      return tokens(api);
    case 'external-key-store':
      return list(api.inVault('/external-key-stores'), { name: prefix });
    case 'kms-key':
      return prefix.startsWith('alias/')
        ? list(kmsKeysPath(api), { alias: prefix }, 'alias')
        : list(cloudKeysPath(api), { name: prefix });
  }
}

/** Those of the vault; in the appliance all of them. */
async function tokens(api: Api): Promise<string[]> {
  if (api.vaultId === undefined)
    return (await api.client.list(at('/tokens'), undefined, max)).map(({ name }) => name);
  return (await api.client.get(one(at('/vaults'), api.vaultId))).tokens;
}
