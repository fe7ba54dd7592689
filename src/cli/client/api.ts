import type { Command } from 'commander';
import { ApiClient } from './api-client.ts';
import {
  addressOf,
  filled,
  one,
  type Address,
  type ItemOf,
  type ListPath,
  type OneOf,
  type Parameters,
  type Path,
  type PathWith,
  type QueryOf,
} from './address.ts';
import { Transport } from './api-transport.ts';
import { CliError } from '../output/cli-error.ts';
import { isForPrograms, type OutputOptions } from '../output/output-options.ts';
import { note } from '../output/streams.ts';
import { findConnection, isUuid, type ConnectionOptions } from './connection.ts';

/** The global options that commands of the management API have. */
export interface ApiOptions extends ConnectionOptions, OutputOptions {}

/** What is behind `/vaults/{vaultId}` in paths of the API. */
type InVault = {
  [P in Path]: P extends `/vaults/{vaultId}${infer S}` ? (S extends '' ? never : S) : never;
}[Path];
/** Of these what the appliance has too. */
type InBoth = InVault & Path;

/** What a command works with. */
export interface Api {
  client: ApiClient;
  options: ApiOptions;
  /** Undefined in the appliance. */
  vaultId: string | undefined;
  /** Something in the vault. Throws CliError where no vault is signed in to. */
  inVault: <S extends InVault>(path: S, ...parameters: Parameters<S>) => Address<`/vaults/{vaultId}${S}`>;
  /** Something that the appliance and vaults have each. */
  here: <S extends InBoth>(path: S, ...parameters: Parameters<S>) => Address<S | `/vaults/{vaultId}${S}`>;
}

const defaultTimeout = 60;

export function apiOptions(command: Command): ApiOptions {
  return command.optsWithGlobals<ApiOptions>();
}

/** Milliseconds for one exchange. Making a key may wait for a slow token. */
export function timeoutOf({ timeout = defaultTimeout }: ConnectionOptions): number {
  return timeout * 1000;
}

/** Runs a command as whoever is signed in. */
export async function withApi<T>(
  command: Command,
  run: (api: Api) => Promise<T>,
  options = apiOptions(command),
): Promise<T> {
  const { origin, ca, bearer, vaultId } = findConnection(options);
  const transport = new Transport(origin, ca);
  const base = vaultId === undefined ? '' : `/vaults/${vaultId}`;
  const client = new ApiClient(transport, bearer, timeoutOf(options));
  if (!isForPrograms(options)) client.onInForce = note;
  try {
    return await run({
      client,
      options,
      vaultId,
      here: (path, ...parameters) => addressOf(base + filled(path, parameters)),
      inVault: (path, ...parameters) => {
        if (vaultId === undefined)
          throw new CliError(
            'usage',
            'this is done in a vault, and you are signed in to the appliance',
            'holdfast login --vault ID-OR-ADDRESS; programs set HOLDFAST_VAULT',
          );
        return addressOf(base + filled(path, parameters));
      },
    });
  } finally {
    transport.close();
  }
}

/** Lists of what people know by a name, and programs by an id. */
export type NamedPath = {
  [P in ListPath]: ItemOf<P> extends { id: string }
    ? [OneOf<P>] extends [never]
      ? never
      : OneOf<P> extends PathWith<'GET'>
        ? P
        : never
    : never;
}[ListPath];

/** How things of one kind are found. */
export interface Kind<P extends NamedPath> {
  /** Such as `key set`. */
  what: string;
  list: Address<P>;
  /** The command that lists them. */
  listedBy: string;
  /** Field that people know them by. */
  by?: string;
  /** Names differ in more than case. */
  anyCase?: boolean;
  /** Query parameter that asks for names beginning so. */
  filter?: string;
}

/** A record of the list. */
export type RecordOf<P extends NamedPath> = ItemOf<P> & { id: string };

/** One record, by its id or its name. Throws CliError where there is none, or more than one. */
export async function find<P extends NamedPath>(
  api: Api,
  kind: Kind<P>,
  nameOrId: string,
): Promise<RecordOf<P>> {
  const { what, list, listedBy, by = 'name', anyCase = false, filter } = kind;
  if (isUuid(nameOrId)) {
    const record = addressOf<PathWith<'GET'>>(one(list, nameOrId.toLowerCase()).path);
    return (await api.client.get(record)) as RecordOf<P>;
  }
  const same = (text: unknown) =>
    anyCase ? String(text).toLowerCase() === nameOrId.toLowerCase() : text === nameOrId;
  const query = filter === undefined ? {} : { [filter]: nameOrId };
  const items = await api.client.list(list, query as QueryOf<P, 'GET'>);
  const found = (items as RecordOf<P>[]).filter((item) => same(Reflect.get(item, by)));
  return theOne(found, { what, listedBy });
}

/** Throws CliError where nothing was found, or more than one. */
export function theOne<T extends { id: string }>(
  found: readonly T[],
  { what, listedBy }: { what: string; listedBy: string },
): T {
  const [first] = found;
  if (first === undefined) throw new CliError('notFound', `there is no such ${what}`, `see: ${listedBy}`);
  if (found.length > 1)
    throw new CliError(
      'conflict',
      `there are ${found.length} of this name`,
      `name it by id: ${found.map(({ id }) => id).join(', ')}`,
    );
  return first;
}

/** The fields of a change that were given. Throws CliError where there are none. */
export function changes<T extends object>(fields: T): T {
  const told = given(fields);
  if (Object.keys(told).length === 0)
    throw new CliError('usage', 'nothing to change', 'add one of the options that --help shows');
  return told;
}

/** Without the fields that were not given. */
export function given<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
